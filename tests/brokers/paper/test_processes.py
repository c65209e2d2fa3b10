"""Processes that are killed at the worst moment, or send at the same time: real ones, on one database; and one that went away."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from include.brokers.base import AccountRows, AccountStore, BrokerContext
from include.brokers.paper.adapter import PaperBroker
from include.domain.account import Account, Environment
from include.domain.contract import Contract
from include.domain.order import Order, OrderState
from include.domain.quote import Quote
from include.errors import BrokerUnavailable, DuplicateOrder, OutcomeUnknown, Transient
from include.sandbox.faults import Fault
from include.storage.database import Database, open_database, upgrade
from include.storage.paper import DatabaseAccountStore
from tests.brokers.paper.conftest import CONFIG, NOW, Mirror
from tests.fakes.breaking_store import BreakingStore

Make = Callable[..., Order]
SPAWN = multiprocessing.get_context("spawn")
ORDERS = 20


class Deadly(DatabaseAccountStore):
    """Kills its process when the account is written, before or after that."""

    def __init__(self, database: Database, after: bool) -> None:
        super().__init__(database)
        self._after = after

    def save(self, account_id: str, changed: AccountRows, expected_version: int, head: dict[str, Any] | None = None) -> bool:
        if self._after:
            super().save(account_id, changed, expected_version, head)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("it goes on")


def paper(store: AccountStore, mirror: Mirror) -> PaperBroker:
    account = Account(account_id="shadow", broker="paper", environment=Environment.PAPER)
    return PaperBroker(account, BrokerContext(config=CONFIG, accounts=store, mirror=mirror), lambda: NOW)


def send_and_die(url: str, mirror: Mirror, order: Order, after: bool) -> None:
    """A process of its own."""
    with open_database(url) as database:
        paper(Deadly(database, after), mirror).submit(order)


def send_all(url: str, mirror: Mirror, orders: list[Order], together: Barrier) -> None:
    """A process of its own: 0 where every order was taken or stood already."""
    with open_database(url) as database:
        broker = paper(DatabaseAccountStore(database), mirror)
        together.wait()
        for order in orders:
            try:
                broker.submit(order)
            except DuplicateOrder:
                continue


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path / 'polybroker.db'}"
    upgrade(made)
    return made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with open_database(url, busy_timeout_seconds=0.1) as opened:
        yield opened


def held(broker: PaperBroker) -> list[tuple[str, int]]:
    return [(position.native_id, int(position.quantity)) for position in broker.snapshot("s", NOW).positions]


@pytest.mark.parametrize("after", [False, True], ids=["before it was written", "after it was written"])
def test_a_killed_process_leaves_an_order_or_none(url: str, database: Database, mirror: Mirror, order: Make, after: bool) -> None:
    process = SPAWN.Process(target=send_and_die, args=(url, mirror, order(), after))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    broker = paper(DatabaseAccountStore(database), mirror)
    found = broker.find_order("A")
    if after:
        assert found is not None
        assert found.state is OrderState.FILLED
        with pytest.raises(DuplicateOrder):
            broker.submit(order())
    else:
        assert found is None
        assert broker.submit(order()).state is OrderState.FILLED
    assert held(broker) == [("ibkr:1", 10)]


def test_two_processes_with_the_same_orders_send_each_once(url: str, database: Database, mirror: Mirror, order: Make) -> None:
    orders, together = [order(f"A{number}", quantity="1") for number in range(ORDERS)], SPAWN.Barrier(2)
    processes = [SPAWN.Process(target=send_all, args=(url, mirror, orders, together)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    broker = paper(DatabaseAccountStore(database), mirror)
    assert [report.state for report in broker.list_orders(open_only=False)] == [OrderState.FILLED] * ORDERS
    assert held(broker) == [("ibkr:1", ORDERS)]


def test_while_another_process_holds_the_database_nothing_is_taken(
    tmp_path: Path, database: Database, mirror: Mirror, order: Make
) -> None:
    broker = paper(DatabaseAccountStore(database), mirror)
    broker.submit(order("A"))
    with closing(sqlite3.connect(tmp_path / "polybroker.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="locked"):
            broker.submit(order("B"))
        assert broker.find_order("B") is None
        assert held(broker) == [("ibkr:1", 10)]
    assert broker.submit(order("B")).state is OrderState.FILLED


@pytest.mark.parametrize("fault", [Fault.ACCEPT_THEN_DROP, Fault.ACCEPT_THEN_SILENT])
def test_a_database_that_goes_away_while_it_writes_leaves_the_outcome_open(
    database: Database, mirror: Mirror, order: Make, fault: Fault
) -> None:
    store = BreakingStore(DatabaseAccountStore(database))
    broker = paper(store, mirror)
    store.faults.add(fault)
    with pytest.raises(OutcomeUnknown, match="shadow"):
        broker.submit(order("A"))
    found = broker.find_order("A")
    assert found is not None
    assert found.state is OrderState.FILLED
    store.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        broker.submit(order("B", quantity="5"))
    assert held(broker) == [("ibkr:1", 15)]


def test_a_question_that_was_written_and_not_answered_may_be_asked_again(database: Database, mirror: Mirror, order: Make) -> None:
    store = BreakingStore(DatabaseAccountStore(database))
    broker = paper(store, mirror)
    broker.submit(order("A"))
    mirror.time = NOW.replace(minute=1)  # a new quote: looking at it is written
    store.faults.add(Fault.ACCEPT_THEN_DROP)
    with pytest.raises(BrokerUnavailable):
        broker.snapshot("s", NOW)
    assert held(broker) == [("ibkr:1", 10)]


class SlowMirror(Mirror):
    """`meanwhile` happens once before it answers."""

    def __init__(self, fast: Mirror) -> None:
        super().__init__()
        self.listed, self.prices = fast.listed, fast.prices
        self.meanwhile: list[Callable[[], object]] = []

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        if self.meanwhile:
            self.meanwhile.pop()()
        return super().quotes(contracts)


def test_a_slow_mirror_keeps_nobody_from_the_account(database: Database, mirror: Mirror, order: Make) -> None:
    slow, store = SlowMirror(mirror), DatabaseAccountStore(database)
    slow.meanwhile.append(lambda: paper(store, mirror).submit(order("B", quantity="5")))
    assert paper(store, slow).submit(order("A")).state is OrderState.FILLED
    slow.meanwhile.append(lambda: paper(store, mirror).submit(order("C", quantity="5")))
    assert held(paper(store, slow)) == [("ibkr:1", 20)]
