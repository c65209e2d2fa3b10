"""Step 4: how much of the portfolio each screen gets, from its backtest."""

from include.allocation.document import screens, section
from include.allocation.screen_weights import optimize
from include.domain.run import Run
from include.storage.artifacts import read_json, write_json
from include.storage.run_folder import RunFolder


def optimize_screens(run: Run) -> str:
    """Add `metadata.portfolio_optimization` to the universe document.

    Reads `stages/add_history.json`; the options `method` and `risk_free_rate_pct` (annual, in percent).

    Returns:
        URI of `stages/optimize_screens.json`.

    Raises:
        InputError: Malformed history, or too little of it for the method.
    """
    folder = RunFolder(run.folder)
    source = folder.stage("add_history")
    document = read_json(source)
    metadata = section(document, "metadata", source)
    history = metadata.get("historical_performance") or {}
    metadata["portfolio_optimization"] = optimize(
        list(screens(document, source)),
        history,
        run.options.get("method", "max_sharpe"),
        float(run.options.get("risk_free_rate_pct", 2.0)) / 100,
        source,
    )
    return write_json(folder.stage("optimize_screens"), document)
