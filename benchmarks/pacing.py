"""Step 8 of many invented stocks at the local venues: how near cold look-ups come to IBKR's pacing; warm ones ask nothing."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Goal, Section
from benchmarks.step_eight import new_run
from benchmarks.world import World, world, write_universe
from include.brokers.opening import reading_account
from include.cli.wiring import open_account
from include.domain.instrument import Instrument
from include.domain.run import Run
from include.sandbox.book import VenueBook
from include.steps.match_instruments import match_instruments
from include.steps.refresh_contracts import refresh_contracts
from include.steps.wanted import wanted_by_run
from include.storage.contract_lists import ContractLists

STOCKS = 5000
SECOND = 1.0
# What a venue sees when an account is opened, before anything is asked.
OPENING = frozenset({"start_api", "positions", "account_updates", "account_updates_multi", "executions", "GET /v2/account"})
Requests = Sequence[tuple[float, str, str]]


@dataclass(frozen=True)
class Pacing:
    """What the venues' logs say.

    Attributes:
        requests: That IBKR's venue saw for the cold look-ups, those of connecting included.
        kinds: How many of each kind those were.
        seconds: From opening the broker to its contracts in the file.
        busiest: Most messages in any one second.
        per_second: What the adapter allows itself.
        warm_seconds: All brokers, looked up and matched one after the other.
        warm_requests: What any venue saw meanwhile, by venue and kind; opening a broker included.
        matched: Instruments that IBKR's mapping found, warm.
    """

    stocks: int
    requests: int
    kinds: dict[str, int]
    seconds: float
    busiest: int
    per_second: int
    warm_seconds: float
    warm_requests: dict[str, int]
    matched: int

    @property
    def ratio(self) -> float:
        """Seconds over those that pacing needs for as many requests."""
        return self.seconds / (self.requests / self.per_second)


def busiest(requests: Requests) -> int:
    """Most messages in any window of one second, by when they came; 0 for none."""
    times = sorted(moment for moment, kind, _ in requests if kind != "closed")
    most = first = 0
    for last, moment in enumerate(times):
        while moment - times[first] >= SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


def measure(stocks: int = STOCKS) -> Pacing:
    """One cold run at IBKR, then the other brokers, then a warm run of all."""
    with tempfile.TemporaryDirectory() as name:
        universe = Path(name) / "universe.json"
        write_universe(universe, stocks)
        with world(str(universe), None, inside=True) as at:
            run = new_run(at, "cold")
            wanted = wanted_by_run(run, at.database, at.settings)
            seconds, asked = _watched(at.books["ibkr"], lambda: _refresh(at, run, "ibkr", wanted))
            for broker in run.brokers:
                _step_eight(at, run, broker, wanted)
            run = new_run(at, "warm")
            marks = {venue: len(book.requests) for venue, book in at.books.items()}
            start = time.perf_counter()
            said = {broker: _step_eight(at, run, broker, wanted) for broker in run.brokers}
            warm_seconds = time.perf_counter() - start
            later = [(venue, kind) for venue, mark in marks.items() for _, kind, _ in at.books[venue].requests[mark:]]
            return Pacing(
                stocks=len(wanted),
                requests=len(asked),
                kinds=dict(Counter(kind for _, kind, _ in asked)),
                seconds=seconds,
                busiest=busiest(asked),
                per_second=int(at.settings.brokers["ibkr"]["pacing"]["limits"]["messages"]["allowed"]),
                warm_seconds=warm_seconds,
                warm_requests=dict(Counter(f"{venue}: {kind}" for venue, kind in later if kind != "closed")),
                matched=said["ibkr"],
            )


def section() -> Section:
    """Cold and warm."""
    print(f"pacing: {STOCKS} stocks cold at IBKR's venue, about {STOCKS / 40:.0f} s, then warm ...", flush=True)
    found = measure()
    asked = sum(found.warm_requests.values())
    least = found.requests / found.per_second
    goals = [
        Goal(
            "IBKR cold: within 5 % of requests / 45 a second",
            f"{found.seconds:.1f} s for {found.requests:,} requests: {found.ratio:.3f} x {least:.1f} s",
            found.ratio <= 1.05,
        ),
        Goal("IBKR cold: never more than 50 messages in any second, by the venue's log", f"{found.busiest}", found.busiest <= 50),
        Goal(f"warm: {found.stocks:,} instruments with 0 network calls, by the venues' logs", _calls(found), asked == 0),
    ]
    return Section("pacing", "Cold and warm at the venues", _text(found), goals)


def _calls(found: Pacing) -> str:
    asked = sum(found.warm_requests.values())
    looked_up = sum(count for kind, count in found.warm_requests.items() if kind.split(": ")[1] not in OPENING)
    return f"{looked_up} for contracts, {asked - looked_up} to open the brokers; {found.warm_seconds:.1f} s"


def _text(found: Pacing) -> str:
    cold = ", ".join(f"{count:,} `{kind}`" for kind, count in sorted(found.kinds.items()))
    warm = ", ".join(f"{count} `{kind}`" for kind, count in sorted(found.warm_requests.items())) or "nothing"
    return f"""{found.stocks:,} invented stocks, listed by the local venues with known holes, through `refresh_contracts` and
`match_instruments`. **Cold**: nothing is cached; from opening IBKR to its contracts in the file. Its venue saw {cold}. A
name that neither ISIN nor symbol finds is searched for, at one search a second; all messages are counted. **Warm**: the
next run, all brokers one after the other: {found.matched:,} matched at IBKR; the venues saw {warm}.
"""


def _watched(book: VenueBook, work: Callable[[], object]) -> tuple[float, Requests]:
    mark, start = len(book.requests), time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    return seconds, [request for request in book.requests[mark:] if request[1] != "closed"]


def _refresh(at: World, run: Run, name: str, wanted: Sequence[Instrument]) -> None:
    with open_account(reading_account(name, run.portfolios), at.settings, at.database, connects_when_asked=True) as broker:
        refresh_contracts(run, name, broker, wanted, ContractLists(at.settings.environ.data_uri))


def _step_eight(at: World, run: Run, name: str, wanted: Sequence[Instrument]) -> int:
    _refresh(at, run, name, wanted)
    return int(match_instruments(run, name, wanted, at.settings)["matched"])
