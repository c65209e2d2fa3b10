"""Step 6: the weight of every name, in the first portfolio's limits."""

from include.allocation.targets import Line, set_target_fields
from include.domain.run import Run
from include.storage.artifacts import read_json, write_json
from include.storage.run_folder import RunFolder


def set_targets(run: Run) -> str:
    """Add ranks, targets and `metadata.targets` to the universe document.

    Reads `stages/convert_currency.json`, the options `top_n`, `first_weight_pct`, `last_weight_pct`, and cap and cash buffer
    of the run's first portfolio (step 7 applies every other portfolio's own).

    Returns:
        URI of `stages/set_targets.json`.

    Raises:
        InputError: Malformed changes, a screen without a weight, or a line that rises.
    """
    folder = RunFolder(run.folder)
    source = folder.stage("convert_currency")
    document = read_json(source)
    options = run.options
    line = Line(
        int(options.get("top_n", 30)),
        float(options.get("first_weight_pct", 10.0)),
        float(options.get("last_weight_pct", 1.0)),
    )
    first = run.portfolios[0]
    set_target_fields(document, line, float(first.max_weight_pct) / 100, float(first.cash_buffer_pct) / 100, source)
    return write_json(folder.stage("set_targets"), document)
