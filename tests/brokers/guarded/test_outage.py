"""Two accounts at one broker after an outage: both are read, though one of them was first to ask."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.brokers.breaker import CIRCUIT_OPEN, PREFIX, Breaker, BreakerSettings, Circuit, Phase
from include.brokers.guarded import Guarded
from include.brokers.patience import Policy, Surroundings
from include.errors import BrokerUnavailable
from include.storage.database import Database, open_database, upgrade
from include.storage.shared_states import DatabaseSharedState
from tests.brokers.guarded.fakes import AWAY, Flaky, Time
from tests.fakes.broker import FakeVenue
from tests.fakes.orders import make_order


class Outage:
    """A broker that was away, whose breaker's pause is over, and the processes that ask it now."""

    def __init__(self, database: Database) -> None:
        self.database, self.time, self.venue = database, Time(), FakeVenue()
        for _ in range(3):
            self.breaker().failed("connect", AWAY)
        self.time.now += 30
        self.while_waiting: Callable[[], None] = lambda: None

    @property
    def store(self) -> DatabaseSharedState:
        return DatabaseSharedState(self.database)

    @property
    def circuit(self) -> Circuit:
        return Circuit.of(self.store.read(PREFIX + Flaky(self.venue).source))

    def breaker(self) -> Breaker:
        def sleep(seconds: float) -> None:
            self.time.sleep(seconds)
            self.while_waiting()

        settings = BreakerSettings(failures=3)
        return Breaker(self.store, Flaky(self.venue).source, settings=settings, clock=lambda: self.time.now, sleep=sleep)

    def process(self, account: Flaky, sleep: Callable[[float], None] | None = None) -> Guarded:
        around = Surroundings(clock=lambda: self.time.now, sleep=sleep or self.time.sleep, random=lambda: 1.0)
        return Guarded(account, policy=Policy(), breaker=self.breaker(), surroundings=around)

    def first_account(self) -> tuple[Flaky, threading.Event, threading.Thread]:
        """One that connects until the event; its thread has sent the probe."""
        first, answer = Flaky(self.venue), threading.Event()
        first.hangs_on = answer
        broker = self.process(first)
        # What it raises is seen in what is kept: a thread has nobody to raise it to.
        thread = threading.Thread(target=lambda: _quietly(broker.connect))
        thread.start()
        while self.circuit.phase is not Phase.HALF_OPEN:
            assert thread.is_alive()
        return first, answer, thread


def _quietly(work: Callable[[], None]) -> None:
    try:
        work()
    except BrokerUnavailable:
        return


@pytest.fixture
def outage(tmp_path: Path) -> Iterator[Outage]:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    upgrade(url)
    with open_database(url) as database:
        yield Outage(database)


def test_both_are_read_when_it_is_back(outage: Outage) -> None:
    first, answer, thread = outage.first_account()
    second = Flaky(outage.venue)

    def answered() -> None:
        answer.set()
        thread.join()

    outage.while_waiting = answered
    with outage.process(second) as broker:
        assert broker.quotes([]) == {}
    assert (first.asked, second.asked) == (["connect"], ["connect", "quotes", "close"])
    assert outage.circuit == Circuit()


def test_the_second_is_not_asked_when_it_is_still_away(outage: Outage) -> None:
    first, answer, thread = outage.first_account()
    first.troubles = [AWAY]
    second = Flaky(outage.venue)

    def failed() -> None:
        answer.set()
        thread.join()

    outage.while_waiting = failed
    with pytest.raises(BrokerUnavailable, match="failed 4 times in a row and is left alone for 60 s more") as caught:
        outage.process(second).connect()
    assert caught.value.code == CIRCUIT_OPEN
    assert (first.asked, second.asked) == (["connect"], [])


def test_an_order_does_not_wait(outage: Outage) -> None:
    _, answer, thread = outage.first_account()
    second = Flaky(outage.venue)
    with pytest.raises(BrokerUnavailable, match="nothing is sent until then"):
        outage.process(second).submit(make_order())
    assert (second.asked, outage.time.pauses) == ([], [])
    answer.set()
    thread.join()


def test_a_read_waits_no_longer_than_its_patience(outage: Outage) -> None:
    _, answer, thread = outage.first_account()
    begun = outage.time.now
    with pytest.raises(BrokerUnavailable, match="not found out within 30 s"):
        outage.process(Flaky(outage.venue)).connect()
    assert outage.time.now - begun == 30
    answer.set()
    thread.join()


def test_a_probe_that_ends_in_a_fault_of_ours_leaves_the_next_one_free(outage: Outage) -> None:
    first, second = Flaky(outage.venue), Flaky(outage.venue)
    first.troubles = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        outage.process(first).connect()
    outage.process(second).connect()
    assert (second.asked, outage.time.pauses) == (["connect"], [])


def test_who_connects_again_between_two_attempts_waits_too(outage: Outage) -> None:
    account, other = Flaky(outage.venue), outage.breaker()
    outage.while_waiting = other.answered

    def away_for_others(seconds: float) -> None:
        for _ in range(3):
            other.failed("connect", AWAY)
        outage.time.now += 30
        other.check("connect")

    broker = outage.process(account, away_for_others)
    broker.connect()
    account.troubles = [BrokerUnavailable("the line broke")]
    assert broker.quotes([]) == {}
    assert account.asked == ["connect", "quotes", "close", "connect", "quotes"]
