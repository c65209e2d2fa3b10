"""What the page of brokers shows: what was counted, kept and configured, read at once. What cannot be read becomes a sentence."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from include.brokers.breaker import PREFIX, Circuit
from include.domain.account import Account
from include.domain.event import Event
from include.domain.health import ANSWERED, NOBODY_THERE, CallCount, Health
from include.domain.portfolio import Portfolio
from include.errors import PolybrokerError
from include.settings import Environ, Settings
from include.steps.broker_health import WINDOW, broker_health, is_at
from include.storage.broker_events import BrokerEvents
from include.storage.call_counts import CallCounts
from include.storage.database import Database, open_database
from include.storage.shared_states import DatabaseSharedState

T = TypeVar("T")
HOURS = 24
EVENTS = 20


@dataclass(frozen=True)
class Tally:
    """Calls added up. `refused`: ended with an error, but somebody answered; `lost`: nobody did."""

    calls: int = 0
    refused: int = 0
    lost: int = 0
    seconds: float = 0.0
    slowest_seconds: float = 0.0

    @property
    def mean_seconds(self) -> float | None:
        """Of one call; None without calls."""
        return self.seconds / self.calls if self.calls else None

    def with_row(self, row: CallCount) -> "Tally":
        """This and the calls of one more row."""
        lost = row.calls if row.code in NOBODY_THERE else 0
        refused = row.calls if row.code != ANSWERED and not lost else 0
        return Tally(
            self.calls + row.calls,
            self.refused + refused,
            self.lost + lost,
            self.seconds + row.seconds,
            max(self.slowest_seconds, row.slowest_seconds),
        )


@dataclass(frozen=True)
class BrokerView:
    """One source: a broker in one environment.

    Attributes:
        accounts: Ids of the configured accounts there, sorted.
        health: None where nothing was counted in the last 24 hours.
        circuit: Its breaker; None where what is kept of it cannot be read.
        methods: Method of the port -> its calls, by name.
        hours: The last 24 hours, each by its beginning, oldest first.
    """

    source: str
    accounts: tuple[str, ...]
    health: Health | None
    circuit: Circuit | None
    methods: Mapping[str, Tally]
    hours: Mapping[datetime, Tally]


@dataclass(frozen=True)
class Overview:
    """Everything on the page.

    Attributes:
        at: When it was read, aware UTC.
        brokers: By source.
        silent: (account id, broker, why nothing is known of it) of accounts at no source that was called.
        changes: The newest changes of capabilities, the newest first.
        breakers: The newest openings and closings of breakers, likewise.
        faults: Sentences about what could not be read, and what to do.
    """

    at: datetime
    brokers: tuple[BrokerView, ...] = ()
    silent: tuple[tuple[str, str, str], ...] = ()
    changes: tuple[Event, ...] = ()
    faults: tuple[str, ...] = ()
    breakers: tuple[Event, ...] = ()


def overview(environ: Environ, at: datetime) -> Overview:
    """Read everything; nothing is raised for what is missing or wrong, the page says it.

    Args:
        environ: Where configuration and database are.
        at: Aware UTC.
    """
    faults: list[str] = []
    portfolios: tuple[Portfolio, ...] = ()
    active: tuple[str, ...] = ()
    try:
        settings = Settings(environ)
        portfolios, active = settings.portfolios, settings.active_brokers
    except PolybrokerError as error:
        faults.append(f"The configuration cannot be read, so accounts are missing here: {error}")
    brokers: tuple[BrokerView, ...] = ()
    changes: tuple[Event, ...] = ()
    breakers: tuple[Event, ...] = ()
    try:
        with open_database(environ.database_url) as database:
            brokers = _brokers(portfolios, database, at, faults)
            changes = _newest("capabilities", database, "The changes of capabilities", faults)
            breakers = _newest("breaker", database, "The openings and closings of breakers", faults)
    except PolybrokerError as error:
        faults.append(f"The project's database cannot be read, so nothing is known: {error}")
    accounts = [account for portfolio in portfolios for account in portfolio.accounts]
    called = {account for broker in brokers if broker.health for account in broker.accounts}
    silent = sorted((one.account_id, one.broker, _silence(one, active)) for one in accounts if one.account_id not in called)
    return Overview(at, brokers, tuple(silent), changes, tuple(faults), breakers)


def _read(work: Callable[[], T], what: str, faults: list[str]) -> T | None:
    """What `work` reads; None, and a sentence more in `faults`, where what is kept makes no sense."""
    try:
        return work()
    except ValueError as error:  # of a document that is none
        faults.append(f"{what} cannot be read: {error}")
        return None


def _newest(domain: str, database: Database, what: str, faults: list[str]) -> tuple[Event, ...]:
    return tuple(reversed(_read(lambda: BrokerEvents(database).of(domain), what, faults) or []))[:EVENTS]


def _brokers(portfolios: Sequence[Portfolio], database: Database, at: datetime, faults: list[str]) -> tuple[BrokerView, ...]:
    end = at + timedelta(microseconds=1)  # the hour that is not over counts here
    accounts = [account for portfolio in portfolios for account in portfolio.accounts]
    counted = CallCounts(database).between(end - WINDOW, end)
    measured = broker_health(portfolios, database, end)
    documents = _read(lambda: DatabaseSharedState(database).all(PREFIX), "What is kept of the breakers", faults) or {}
    circuits = {name.removeprefix(PREFIX): _circuit(body) for name, body in documents.items()}
    failing = {source for source, circuit in circuits.items() if circuit != Circuit()}
    return tuple(
        BrokerView(
            source=source,
            accounts=tuple(sorted({account.account_id for account in accounts if is_at(source, account)})),
            health=measured.get(source),
            circuit=circuits.get(source, Circuit()),
            methods=_added(counted.get(source, ())),
            hours=_by_hour(counted.get(source, ()), at),
        )
        for source in sorted({*counted, *failing})
    )


def _circuit(document: object) -> Circuit | None:
    try:
        found = Circuit.of(document)
        float(found.until), int(found.failures), str(found.reason)
        return found
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def _added(rows: Iterable[CallCount]) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for row in rows:
        found[row.method] = found.get(row.method, Tally()).with_row(row)
    return dict(sorted(found.items()))


def _by_hour(rows: Iterable[CallCount], at: datetime) -> dict[datetime, Tally]:
    newest = at.replace(minute=0, second=0, microsecond=0)
    found = {newest - timedelta(hours=back): Tally() for back in reversed(range(HOURS))}
    for row in rows:
        if row.hour in found:
            found[row.hour] = found[row.hour].with_row(row)
    return found


def _silence(account: Account, active: Sequence[str]) -> str:
    if account.broker not in active:
        return "its broker is not active: polybroker config show"
    return "not called in the last 24 hours: switch monitor_brokers on, or trigger it"
