"""Before a sandbox can be traded in: the catalogue of its venues, priced from the screens that a run will read."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

from include.allocation.rates import all_ecb_rates
from include.brokers.environment import source_of
from include.domain.account import Environment
from include.sandbox.build import Hole, PricedRow, from_catalogs, synthetic
from include.sandbox.catalogue import Listing, read_catalogue, write_catalogue
from include.sandbox.cfds import cfd_listings
from include.sandbox.folder import VENUES, token_of
from include.screening.source import find_screens
from include.screening.synthetic import synthetic_listings
from include.settings import Settings
from include.steps.fetch_screens import read_screen
from include.steps.fund_sandbox import fund_sandbox
from include.storage.contract_lists import ContractLists
from include.storage.database import Database
from include.storage.lookups import DatabaseLookupCache
from include.storage.seen_mappings import SeenMappings

SYNTHETIC = "synthetic"
CATALOGUE = "catalogue.parquet"


@dataclass(frozen=True)
class SandboxSummary:
    """What the venues will serve.

    Attributes:
        path: The catalogue.
        listings: Venue to (listed, priced).
        holes: What was made wrong on purpose (synthetic catalogues only).
    """

    path: Path
    listings: dict[str, tuple[int, int]]
    holes: tuple[Hole, ...]


def prepare_sandbox(settings: Settings, database: Database, screens: str, catalogs: Path | None, as_of: date) -> SandboxSummary:
    """Write `catalogue.parquet` and, for new accounts, `cash.json` into the sandbox's folder; venues that run take new marks.

    What was kept of the venues' contracts, and which were seen, is forgotten where they list other things now.

    Args:
        settings: Markets, folders and the ages allowed.
        database: Holds the look-ups kept so far.
        screens: `synthetic`, a folder of exports, or an old universe.json: the prices to mark at.
        catalogs: Folder of real lists (docs/sandbox.md); None: listings are made up from the screens, with known holes.
        as_of: Session the marks are for.

    Raises:
        InputError: The screens or lists cannot be read.
    """
    rows = _rows(settings, screens, as_of)
    rates = all_ecb_rates(as_of, settings.options.max_rate_age_days)
    per_euro = {currency: rate.rate for currency, rate in rates.items()}
    moment = datetime.combine(as_of, time(21, 0), UTC)
    holes: list[Hole] = []
    if catalogs is None:
        made_up, holes = synthetic(rows, settings.options.synthetic_seed, per_euro, moment, settings.markets)
        listings = [*made_up, *cfd_listings(made_up, moment)]
    else:
        listings = from_catalogs(catalogs, rows, per_euro, moment, settings.markets)
    path = settings.environ.sandbox_dir / CATALOGUE
    if not path.is_file() or _identities(_listed(path)) != _identities(listings):
        _forget(settings, database)
    write_catalogue(path, listings)
    fund_sandbox(settings, screens, as_of)
    return SandboxSummary(path, _counts(listings), tuple(holes))


def _rows(settings: Settings, screens: str, as_of: date) -> list[PricedRow]:
    if screens == SYNTHETIC:
        return [
            PricedRow.model_validate(_row(row)) for row in synthetic_listings(settings.options.synthetic_seed, settings.markets)
        ]
    found: dict[str, PricedRow] = {}
    for source in find_screens(screens, as_of):
        for row in read_screen(source, settings.markets).rows:
            found.setdefault(row.ticker, PricedRow.model_validate(_row(row.model_dump())))
    return list(found.values())


def _row(row: dict[str, object]) -> dict[str, object]:
    values = {name: row[name] for name in PricedRow.model_fields}
    return values | {"price": Decimal(str(row["price"]))}


def _counts(listings: list[Listing]) -> dict[str, tuple[int, int]]:
    venues = sorted({listing.venue for listing in listings})
    return {
        venue: (
            sum(listing.venue == venue for listing in listings),
            sum(listing.venue == venue and listing.price is not None for listing in listings),
        )
        for venue in venues
    }


def _listed(path: Path) -> list[Listing]:
    return [listing for venue in VENUES for listing in read_catalogue(path, venue)]


def _identities(listings: list[Listing]) -> set[Listing]:
    """Listings without their marks: a new price is no other contract."""
    return {listing.model_copy(update={"price": None, "price_time": None}) for listing in listings}


def _forget(settings: Settings, database: Database) -> None:
    token = token_of(settings.environ.sandbox_dir)
    for venue in VENUES:
        source = source_of(venue, Environment.SANDBOX, token)
        for name in (source, f"paper-{source}"):  # the paper broker keeps its mirror's list under a name of its own
            ContractLists(settings.environ.data_uri).forget(name)
            DatabaseLookupCache(database).forget(name)
            SeenMappings(database).forget(name)
