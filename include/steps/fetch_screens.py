"""Step 1: one screen read, checked row by row and kept with the run, its history included."""

from typing import Any

from include.domain.market import Market
from include.domain.run import Run, ScreenSource
from include.errors import InputError
from include.screening.backtest import parse_backtest
from include.screening.history import no_history
from include.screening.old_universe import read_universe, universe_screen
from include.screening.rows import RejectedRow, Screen, ScreenRow
from include.screening.source import read_source
from include.screening.uncle_stock import parse_screen
from include.settings import parse
from include.storage.artifacts import read_json, write_json
from include.storage.run_folder import RunFolder


def fetch_screens(run: Run, key: str) -> str:
    """Write `screens/<key>.json`; returns its URI.

    Raises:
        InputError: No such screen in the run, its files changed since it was resolved, or they cannot be read. Rows that
            cannot be used are no error: they are in the file's `rejected`.
    """
    source = next((screen for screen in run.screens if screen.key == key), None)
    if source is None:
        raise InputError(f"expected a screen out of {', '.join(s.key for s in run.screens)}", source="run.json", value=key)
    markets = {name: parse(Market, row, "run.json", f"options.markets.{name}") for name, row in run.options["markets"].items()}
    return write_json(RunFolder(run.folder).screen(key), read_screen(source, markets))


def load_screens(run: Run) -> list[Screen]:
    """All screens of the run as step 1 left them, sorted by key.

    Raises:
        InputError: One is missing or damaged: a screen is never dropped.
    """
    folder = RunFolder(run.folder)
    return [parse(Screen, read_json(folder.screen(s.key)), folder.screen(s.key), None) for s in run.screens]


def read_screen(source: ScreenSource, markets: dict[str, Market]) -> Screen:
    """One screen: usable rows, rejected rows and history.

    Raises:
        InputError: Its files changed since they were resolved, or cannot be read.
    """
    rows, rejected, history = _parts(source, markets)
    return Screen(
        key=source.key,
        name=source.name,
        kind=source.kind,
        dated=source.dated.isoformat(),
        synthetic=source.synthetic,
        rows=tuple(rows),
        rejected=tuple(rejected),
        file=source.screen_uri.rsplit("/", 1)[-1],
        history=history,
    )


def _parts(source: ScreenSource, markets: dict[str, Market]) -> tuple[list[ScreenRow], list[RejectedRow], dict[str, Any]]:
    content, backtest = read_source(source)
    if source.kind == "universe_json":
        return universe_screen(read_universe(content, source.screen_uri), source.key, markets)
    rows, rejected = parse_screen(content, source.screen_uri, markets)
    if backtest is None or source.backtest_uri is None:
        return rows, rejected, no_history(source.name)
    return rows, rejected, parse_backtest(backtest, source.backtest_uri, source.name)
