"""Orders per second through the paper adapter, from `submit` to the fill, without and with the database and the order journal."""

import contextlib
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.report import Goal, Section, table
from include.brokers.base import AccountRows, Broker, BrokerContext, Capabilities, ResendClass
from include.brokers.paper.adapter import PaperBroker
from include.domain.account import Account, AccountSnapshot, Environment
from include.domain.contract import Contract
from include.domain.instrument import Instrument
from include.domain.order import Order, OrderReport, OrderState, Side
from include.domain.quote import Quote
from include.errors import Unsupported
from include.settings import load_settings
from include.storage.database import open_database, upgrade
from include.storage.journal import Journal
from include.storage.paper import DatabaseAccountStore

ORDERS, CONTRACTS, RESTING, ROUNDS = 2000, 500, 1000, 5
WANTED = 1600
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
MEMORY, DATABASE, JOURNAL = "memory", "database", "journal"
WORDS = {
    MEMORY: "account in memory",
    DATABASE: "account in the database, every order written before it is answered",
    JOURNAL: "the same, and the journal: intent before sending, report after",
}


class Market(Broker):
    """The mirrored broker: every contract at 99 / 101 dollars, a new quote at every question."""

    name = "ibkr"
    capabilities = Capabilities(
        lists_all=False,
        knows_isin=True,
        resend=ResendClass.TAG_ONLY,
        order_types=frozenset({"limit"}),
        times_in_force=frozenset({"day"}),
        asset_classes=frozenset({"stock"}),
    )

    def __init__(self) -> None:
        super().__init__(Account(account_id="market", broker=self.name), BrokerContext())
        self.now = NOW

    def connect(self) -> None:
        return

    def close(self) -> None:
        return

    def prove_environment(self) -> None:
        return

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        raise Unsupported("quotes only")

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        raise Unsupported("quotes only")

    def submit(self, order: Order) -> OrderReport:
        raise Unsupported("quotes only")

    def find_order(self, client_order_id: str) -> OrderReport | None:
        raise Unsupported("quotes only")

    def cancel(self, client_order_id: str) -> OrderReport:
        raise Unsupported("quotes only")

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        self.now += timedelta(milliseconds=1)
        return {contract.native_id: self._quote(contract.native_id, contract.currency, 99, 101) for contract in contracts}

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        return {currency: self._quote(currency, currency, "1.24", "1.26") for currency in currencies}

    def _quote(self, native_id: str, currency: str, bid: object, ask: object) -> Quote:
        return Quote(native_id=native_id, currency=currency, bid=Decimal(str(bid)), ask=Decimal(str(ask)), time=self.now)


@dataclass
class Memory:
    """An account store that keeps what it is given."""

    versions: dict[str, int] = field(default_factory=dict)
    rows: AccountRows = field(default_factory=dict)

    def version(self, account_id: str) -> int:
        return self.versions.get(account_id, 0)

    def load(self, account_id: str, after: int = 0) -> tuple[int, dict[str, Any], AccountRows] | None:
        return None

    def save(self, account_id: str, changed: AccountRows, expected_version: int, head: dict[str, Any] | None = None) -> bool:
        self.rows.update(changed)
        self.versions[account_id] = expected_version + 1
        return True


def invented(number: int, account: str, limit: str = "102") -> Order:
    """Buy one of a contract, in turn."""
    native_id = str(number % CONTRACTS)
    contract = Contract(broker="paper", native_id=f"ibkr:{native_id}", symbol=f"S{native_id}", currency="USD", mic="XNAS")
    return Order(
        client_order_id=f"{account}-{limit}-{number}",
        portfolio=account,
        environment="paper",
        account=account,
        broker="paper",
        as_of="2026-02-27",
        revision=1,
        ticker=contract.symbol,
        instrument_id=f"invented:{native_id}",
        contract=contract,
        mic="XNAS",
        side=Side.BUY,
        quantity=Decimal(1),
        limit_price=Decimal(limit),
        quote_price=Decimal(100),
        quote_time=NOW,
        fx_rate=Decimal("1.25"),
        notional=Decimal(80),
        current_quantity=Decimal(0),
        target_quantity=Decimal(1),
        delta_quantity=Decimal(1),
        reason="benchmark",
        valid_until=NOW + timedelta(hours=6),
    )


@dataclass(frozen=True)
class Job:
    """One process's part: `orders` that fill, one after the other, in an account of its own where `resting` others stand."""

    how: str
    account: str
    orders: int
    resting: int
    url: str


def work(job: Job, ready: Callable[[], object]) -> tuple[float, float]:
    """(first submission, last fill) in monotonic seconds, which all processes of a machine share.

    Args:
        ready: Called when everything is made; comes back when all are.
    """
    market = Market()
    config = load_settings().brokers["paper"]
    account = Account(account_id=job.account, broker="paper", environment=Environment.PAPER)
    with open_database(job.url) as database:
        store = Memory() if job.how == MEMORY else DatabaseAccountStore(database)
        journal = Journal(database) if job.how == JOURNAL else None
        with PaperBroker(account, BrokerContext(config=config, accounts=store, mirror=market), lambda: market.now) as broker:
            for number in range(job.resting):
                broker.submit(invented(number, job.account, "50"))
            orders = [invented(number, job.account) for number in range(job.orders)]
            ready()
            start = time.monotonic()
            if journal is not None:
                journal.register(orders, market.now)
            for order in orders:
                _send(broker, journal, order, market)
            return start, time.monotonic()


def _send(broker: Broker, journal: Journal | None, order: Order, market: Market) -> None:
    if journal is not None and not journal.mark_sending(order.client_order_id, market.now):
        raise RuntimeError(f"{order.client_order_id} was sent before")
    report = broker.submit(order)
    if report.state is not OrderState.FILLED:
        raise RuntimeError(f"{order.client_order_id} is {report.state}")
    if journal is not None:
        journal.record(order.client_order_id, report, market.now)


def measure(how: str, processes: int, orders: int = ORDERS, resting: int = 0) -> float:
    """Orders per second over all processes, each with an account and `orders` of its own, all in one database."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        upgrade(url)
        jobs = [Job(how, f"paper-{number}", orders, resting, url) for number in range(processes)]
        if processes == 1:
            spans = [work(jobs[0], lambda: None)]
        else:
            context = multiprocessing.get_context("spawn")
            barrier = context.Barrier(processes)
            with context.Pool(processes, _keep_barrier, (barrier,)) as pool:
                spans = pool.map(_work_together, jobs, chunksize=1)
    return orders * processes / (max(end for _, end in spans) - min(start for start, _ in spans))


_barrier: list[Barrier] = []


def _keep_barrier(barrier: Barrier) -> None:
    _barrier[:] = [barrier]


def _work_together(job: Job) -> tuple[float, float]:
    return work(job, _barrier[0].wait)


def commits_per_second(seconds: float = 1.0) -> float:
    """How often a bare SQLite database of the project's settings writes one row for good on this disk."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(sqlite3.connect(Path(folder) / "bare.db")) as bare:
        bare.execute("PRAGMA journal_mode=WAL")
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute("CREATE TABLE one (number INTEGER)")
        start, count = time.monotonic(), 0
        while time.monotonic() - start < seconds:
            bare.execute("INSERT INTO one VALUES (?)", (count,))
            bare.commit()
            count += 1
        return count / (time.monotonic() - start)


def section() -> Section:
    """Every way of keeping the account, in one process and in two."""
    print(f"paper: {ORDERS:,} orders per process, in memory and in the database ...", flush=True)
    found: dict[tuple[str, int], float] = {}
    disk: dict[str, list[float]] = {}
    for how in WORDS:
        rounds = ROUNDS if how == MEMORY else 1  # the disk is told beside the others; what else ran shows here alone
        disk[how] = [commits_per_second()]
        for processes in (1, 2):
            found[how, processes] = max(measure(how, processes) for _ in range(rounds))
            disk[how].append(commits_per_second())
    resting = max(measure(MEMORY, 1, resting=RESTING) for _ in range(ROUNDS))
    best = found[MEMORY, 2]
    goal = Goal(
        f"at least {WANTED:,} orders a second, submit to fill, on two cores (account in memory)",
        f"{best:,.0f}; in one process {found[MEMORY, 1]:,.0f}, with {RESTING:,} others resting {resting:,.0f}",
        best >= WANTED,
    )
    rows = [
        f"{words} | {found[how, 1]:,.0f} | {found[how, 2]:,.0f} | {', '.join(f'{commits:,.0f}' for commits in disk[how])}"
        for how, words in WORDS.items()
    ]
    return Section("paper", "Orders through the paper adapter", _text(rows), [goal])


def _text(rows: Sequence[str]) -> str:
    return f"""{ORDERS:,} orders per process, one after the other, each at a fresh quote of {CONTRACTS} contracts in a foreign
currency, from `submit` to the fill's report. Two processes have an account each, in one database. Orders a second:

{table("kept how | one process | two processes | bare commits a second before, between, after", rows)}
The database is SQLite. The account writes once per order and does not wait for the disk; the journal, in the same file, writes
twice and waits each time (`synchronous=FULL`), first of all for the intent, before anything is sent. So the disk bounds the last
row: the last column is how many one-row transactions a bare SQLite database took in a second at that time, waiting for each. To
wait once for many intents would send none twice, but a crash would leave all of them in doubt. In memory: the best of {ROUNDS}
rounds.
"""
