"""A project in a temporary folder with its venues running, for the length of a benchmark."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.synthetic_lists import synthetic_world
from include.sandbox import control
from include.sandbox.alpaca.keys import sandbox_keys
from include.sandbox.alpaca.server import running_alpaca_venue
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import read_catalogue
from include.sandbox.folder import HOST, VENUES, account_code, costs, starting_cash, token_of
from include.sandbox.ibkr.server import running_ibkr_venue
from include.screening.session import closed_sessions
from include.settings import Settings, load_settings
from include.steps.prepare_sandbox import CATALOGUE, prepare_sandbox
from include.storage.artifacts import root_uri
from include.storage.database import Database, open_database, upgrade


@dataclass(frozen=True)
class World:
    """Where a benchmark runs.

    Attributes:
        as_of: The session it is for.
        books: Venue to its book, whose `requests` is its log; only of venues in this process.
    """

    settings: Settings
    database: Database
    as_of: date
    folder: Path
    books: Mapping[str, VenueBook]


@contextmanager
def world(screens: str, catalogs: Path | None, *, inside: bool = False) -> Iterator[World]:
    """Venues that list `catalogs` (or what the screens name), priced from the screens; everything is removed afterwards.

    Args:
        screens: A folder of exports, an old universe.json, or `synthetic`.
        inside: Venues in threads of this process, so that their logs can be read; else in processes of their own.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(
            {
                "POLYBROKER_PROFILE": "sandbox",
                "POLYBROKER_SCREENS": screens,
                "POLYBROKER_DATA_URI": root_uri(folder / "data"),
                "POLYBROKER_DATABASE_URL": f"sqlite:///{folder / 'polybroker.db'}",
                "POLYBROKER_SANDBOX_DIR": str(folder / "sandbox"),
            }
        )
        settings = load_settings()
        as_of = closed_sessions(settings.options.reference_calendar, datetime.now(UTC))[-1]
        upgrade(settings.environ.database_url)
        sandbox = settings.environ.sandbox_dir
        try:
            with open_database(settings.environ.database_url) as database:
                prepare_sandbox(settings, database, screens, catalogs, as_of)
                if inside:
                    with _venues_inside(sandbox) as books:
                        yield World(settings, database, as_of, folder, books)
                else:
                    os.environ.update(control.up(sandbox))
                    yield World(settings, database, as_of, folder, {})
        finally:
            control.down(sandbox)
            os.environ.clear()
            os.environ.update(before)


def write_universe(path: Path, stocks: int) -> None:
    """An old universe.json of invented stocks in one screen, five days old."""
    made = synthetic_world(stocks, 0)
    keys = ("ticker", "isin", "name", "currency")
    told = {"sector": "Invented", "country": "Nowhere", "price": 50.0, "price_180d_change": "4.00%"}
    rows = [{**{key: row[key] for key in keys}, **told} for row in made.universe.to_pylist()]
    created = (datetime.now(UTC) - timedelta(days=5)).date().isoformat()
    document = {"metadata": {"created_at": created}, "screens": {"invented": {"name": "invented", "stocks": rows}}}
    path.write_text(json.dumps(document), encoding="utf-8")


@contextmanager
def _venues_inside(sandbox: Path) -> Iterator[dict[str, VenueBook]]:
    token = token_of(sandbox)
    books = {
        venue: VenueBook(
            read_catalogue(sandbox / CATALOGUE, venue),
            account_code=account_code(venue, token),
            cash=starting_cash(venue, sandbox),
            costs=costs(venue),
        )
        for venue in VENUES
    }
    key, secret = sandbox_keys(account_code("alpaca", token))
    with ExitStack() as stack:
        port = stack.enter_context(running_ibkr_venue(books["ibkr"]))
        url = stack.enter_context(running_alpaca_venue(books["alpaca"]))
        os.environ.update({"IB_HOST": HOST, "IB_PORT": str(port), "IB_CLIENT_ID": "1", "POLYBROKER_SANDBOX_TOKEN": token})
        os.environ.update({"ALPACA_API_KEY": key, "ALPACA_SECRET_KEY": secret, "ALPACA_BASE_URL": url})
        yield books
