"""Step 3: what each screen's backtest says, with its direction."""

from include.domain.run import Run
from include.screening.universe import with_history
from include.steps.fetch_screens import load_screens
from include.storage.artifacts import read_json, write_json
from include.storage.run_folder import RunFolder


def add_history(run: Run) -> str:
    """Add `metadata.historical_performance` to the universe document; returns the URI of `stages/add_history.json`.

    A screen without a backtest is long and has no quarters.

    Raises:
        InputError: The stage before, or a screen, is missing or damaged.
    """
    folder = RunFolder(run.folder)
    document = read_json(folder.stage("build_universe"))
    return write_json(folder.stage("add_history"), with_history(document, load_screens(run)))
