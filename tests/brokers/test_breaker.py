from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from include.brokers.breaker import CIRCUIT_OPEN, PREFIX, Breaker, BreakerSettings, Circuit, Phase
from include.domain.event import Event
from include.errors import (
    BrokerUnavailable,
    InputError,
    InsufficientFunds,
    OrderRejected,
    OutcomeUnknown,
    PolybrokerError,
    RateLimited,
    Transient,
    Unsupported,
)
from tests.fakes.shared_state import MemoryState

SETTINGS = BreakerSettings(failures=3, window_seconds=100, open_seconds=30, longest_open_seconds=100, probe_seconds=20)
AWAY = BrokerUnavailable("connection refused")


class Heard:
    """Keeps events in a list.

    Attributes:
        away: True while it does not answer.
    """

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.away = False

    def add(self, event: Event) -> None:
        if self.away:
            raise Transient("the database is locked")
        self.told.append(event)


class World:
    """A clock, a store, and breakers of several processes on them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = MemoryState()
        self.events = Heard()
        self.meanwhile: dict[float, Callable[[], None]] = {}  # what other processes do, once somebody sleeps until then

    def process(self, source: str = "ibkr-paper") -> Breaker:
        return Breaker(self.store, source, settings=SETTINGS, clock=lambda: self.now, sleep=self.sleep, events=self.events)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in [each for each in self.meanwhile if each <= self.now]:
            self.meanwhile.pop(moment)()

    def probing(self) -> Breaker:
        """A process whose probe is under way."""
        self.fail(3)
        self.now += 30
        one = self.process()
        one.check("connect")
        return one

    def fail(self, times: int, error: PolybrokerError = AWAY) -> None:
        for _ in range(times):
            self.process().failed("quotes", error)

    @property
    def circuit(self) -> Circuit:
        return Circuit.of(self.store.read(PREFIX + "ibkr-paper"))


@pytest.fixture
def world() -> World:
    return World()


def asked(breaker: Breaker, method: str = "quotes") -> bool:
    try:
        breaker.check(method)
    except BrokerUnavailable as error:
        return error.code != CIRCUIT_OPEN
    return True


def test_closed_until_so_many_failed_in_a_row_over_all_processes(world: World) -> None:
    world.fail(2)
    assert asked(world.process())
    world.fail(1)
    assert not asked(world.process())
    assert world.circuit == Circuit(Phase.OPEN, 3, 1000.0, 1, 1030.0, "quotes CONNECTION_ERROR")


def test_what_is_said_while_it_is_open(world: World) -> None:
    world.fail(3)
    world.now += 10
    words = r"ibkr-paper failed 3 times in a row and is left alone for 20 s more: quotes CONNECTION_ERROR"
    with pytest.raises(BrokerUnavailable, match=words):
        world.process().check("quotes")


def test_another_broker_or_environment_is_not_held(world: World) -> None:
    world.fail(3)
    assert asked(world.process("ibkr-live"))
    assert asked(world.process("alpaca-paper"))


def test_any_answer_begins_the_row_anew(world: World) -> None:
    world.fail(2)
    one = world.process()
    one.check("quotes")
    one.answered()
    world.fail(2)
    assert asked(world.process())
    assert world.circuit.failures == 2


def test_failures_that_are_far_apart_are_no_row(world: World) -> None:
    world.fail(2)
    world.now += 101
    world.fail(2)
    assert asked(world.process())
    assert (world.circuit.failures, world.circuit.since) == (2, 1101.0)


@pytest.mark.parametrize("error", [OrderRejected("no"), InsufficientFunds("no"), RateLimited("slow down")])
def test_a_broker_that_refuses_is_there(world: World, error: PolybrokerError) -> None:
    world.fail(2)
    one = world.process()
    one.check("submit")
    one.failed("submit", error)
    assert world.circuit == Circuit()
    world.fail(9, error)
    assert asked(world.process())


@pytest.mark.parametrize("error", [InputError("a setting"), Unsupported("not declared"), Transient("database is locked")])
def test_what_never_reached_the_broker_says_nothing_of_it(world: World, error: PolybrokerError) -> None:
    world.fail(2)
    one = world.process()
    one.check("quotes")
    one.failed("quotes", error)
    assert world.circuit.failures == 2


def test_orders_of_unknown_outcome_count(world: World) -> None:
    world.fail(3, OutcomeUnknown("timed out"))
    assert not asked(world.process())


@pytest.mark.parametrize(("method", "passes"), [("find_order", True), ("cancel", True), ("connect", False), ("submit", False)])
def test_what_makes_an_account_safer_is_never_held(world: World, method: str, passes: bool) -> None:
    world.fail(3)
    assert asked(world.process(), method) is passes


def test_a_look_up_that_is_answered_closes_it(world: World) -> None:
    world.fail(3)
    one = world.process()
    one.check("find_order")
    one.answered()
    assert asked(world.process())


def test_a_look_up_that_fails_does_not_begin_the_pause_anew(world: World) -> None:
    world.fail(3)
    world.now += 29
    one = world.process()
    one.check("find_order")
    one.failed("find_order", AWAY)
    assert world.circuit.until == 1030.0


def test_one_probe_at_a_time(world: World) -> None:
    world.fail(3)
    world.now += 30
    first, second = world.process(), world.process()
    assert asked(first, "connect")
    assert world.circuit.phase is Phase.HALF_OPEN
    assert not asked(second)
    assert asked(first)  # the process that probes goes on
    first.answered()
    assert asked(second)
    assert world.circuit == Circuit()


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound(world: World) -> None:
    world.fail(3)
    pauses = []
    for _ in range(3):
        world.now = world.circuit.until
        probe = world.process()
        probe.check("connect")
        probe.failed("connect", AWAY)
        pauses.append(world.circuit.until - world.now)
        assert not asked(probe)
    assert pauses == [60, 100, 100]


def test_a_probe_whose_process_died_is_given_up(world: World) -> None:
    world.fail(3)
    world.now += 30
    assert asked(world.process())
    world.now += 19.9
    assert not asked(world.process())
    world.now += 0.1
    assert asked(world.process())


def test_a_clock_that_is_set_back_an_hour_leaves_nobody_alone_for_an_hour(world: World) -> None:
    world.fail(3)
    world.now -= 3600
    probe = world.process()
    assert asked(probe)  # an end that far ahead is of another time
    assert not asked(world.process())
    probe.failed("quotes", AWAY)
    assert not asked(world.process())
    world.now += 60
    assert asked(world.process())


def test_a_store_that_does_not_answer_stands_in_nobodys_way(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.fail(3)
    world.store.away = True
    one = world.process()
    one.check("quotes")
    one.failed("quotes", AWAY)
    one.answered()
    assert "the breaker of ibkr-paper cannot be read" in caplog.text
    world.store.away = False
    assert world.circuit.phase is Phase.OPEN


def test_a_broker_that_behaves_costs_no_writing(world: World) -> None:
    one = world.process()
    for _ in range(5):
        one.check("quotes")
        one.answered()
    assert world.store.changes == 0


def test_no_words_of_a_broker_are_kept(world: World) -> None:
    world.fail(1, BrokerUnavailable("refused key PK123", broker_code="503"))
    assert world.circuit.reason == "quotes CONNECTION_ERROR 503"


def test_who_may_wait_goes_on_once_the_probe_of_another_is_answered(world: World) -> None:
    probe, other = world.probing(), world.process()
    world.meanwhile[1031.1] = probe.answered
    other.check("connect", patience_seconds=10)
    assert world.now == 1031.25  # the first look after it
    assert world.circuit == Circuit()


def test_who_waits_hears_at_once_that_the_probe_failed(world: World) -> None:
    probe = world.probing()
    world.meanwhile[1032] = lambda: probe.failed("connect", AWAY)
    words = "failed 4 times in a row and is left alone for 60 s more: connect CONNECTION_ERROR"
    with pytest.raises(BrokerUnavailable, match=words):
        world.process().check("connect", patience_seconds=10)
    assert world.now == 1032


def test_nobody_waits_longer_than_he_may_for_a_probe(world: World) -> None:
    world.probing()
    words = r"failed 3 times in a row \(quotes CONNECTION_ERROR\); whether it is back was not found out within 10 s: try again"
    with pytest.raises(BrokerUnavailable, match=words) as caught:
        world.process().check("connect", patience_seconds=10.1)
    assert caught.value.code == CIRCUIT_OPEN
    assert world.now == 1040


def test_who_waits_takes_over_a_probe_that_is_given_up(world: World) -> None:
    world.probing()
    other = world.process()
    other.check("connect", patience_seconds=30)
    assert (world.now, world.circuit.until) == (1050, 1070)
    other.answered()
    assert world.circuit == Circuit()


@pytest.mark.parametrize("patience", [0.0, -5.0])
def test_who_may_not_wait_is_refused_at_once(world: World, patience: float) -> None:
    world.probing()
    with pytest.raises(BrokerUnavailable, match="another call is finding out whether it is back, nothing is sent until then"):
        world.process().check("submit", patience_seconds=patience)
    assert world.now == 1030


def test_nobody_waits_for_a_broker_that_is_left_alone(world: World) -> None:
    world.fail(3)
    with pytest.raises(BrokerUnavailable, match="left alone for 30 s more"):
        world.process().check("quotes", patience_seconds=100)
    assert world.now == 1000


def overtaken(world: World, quicker: Callable[[], None]) -> None:
    """The next one who reads that the pause is over is overtaken before it writes."""
    world.fail(3)
    world.now += 30
    stored = world.store.read

    def read(name: str) -> object:
        world.store.read = stored  # type: ignore[method-assign]
        before = stored(name)
        quicker()
        return before

    world.store.read = read  # type: ignore[method-assign, assignment]


def test_who_was_slower_to_take_the_probe_waits_for_it(world: World) -> None:
    quicker = world.process()
    overtaken(world, lambda: quicker.check("connect"))
    world.meanwhile[1031] = quicker.answered
    world.process().check("connect", patience_seconds=10)
    assert world.now == 1031


def test_who_was_slower_and_finds_it_closed_goes_at_once(world: World) -> None:
    quicker, slower = world.process(), world.process()

    def answered() -> None:
        quicker.check("connect")
        quicker.answered()

    overtaken(world, answered)
    slower.check("submit")
    slower.let_go()  # it is no probe
    assert (world.now, world.circuit) == (1030, Circuit())


def test_a_probe_that_finds_out_nothing_undoes_no_answer_of_another(world: World) -> None:
    probe, other = world.probing(), world.process()
    other.check("find_order")
    other.answered()
    probe.let_go()
    assert world.circuit == Circuit()


def test_failures_in_a_row_are_counted_on_however_long_it_stays_away(world: World) -> None:
    world.fail(3)
    for _ in range(2):
        world.now += 1000  # the window for opening is long over
        probe = world.process()
        probe.check("connect")
        probe.failed("connect", AWAY)
    assert (world.circuit.failures, world.circuit.since) == (5, 1000.0)


@pytest.mark.parametrize("error", [InputError("a setting"), Unsupported("not declared"), Transient("database is locked")])
def test_a_probe_that_never_reached_the_broker_leaves_the_next_one_free(world: World, error: PolybrokerError) -> None:
    probe, other = world.probing(), world.process()
    probe.failed("connect", error)
    assert world.circuit.phase is Phase.OPEN
    other.check("connect")
    assert world.circuit.phase is Phase.HALF_OPEN
    probe.let_go()  # it has none any more
    assert world.circuit.phase is Phase.HALF_OPEN


def test_it_is_told_when_it_opened_and_when_it_was_closed_and_nothing_in_between(world: World) -> None:
    world.fail(2)
    assert world.events.told == []
    probe = world.probing()
    assert [event.topic for event in world.events.told] == ["ibkr.breaker.opened"]
    probe.failed("connect", BrokerUnavailable("it said: account DU1", broker_code="502"))
    world.now = world.circuit.until
    last = world.process()
    last.check("connect")
    last.answered()
    last.answered()
    opened, closed = world.events.told
    since = "1970-01-01T00:16:40+00:00"
    assert opened == Event(
        topic="ibkr.breaker.opened",
        time=datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC),
        body={
            "source": "ibkr-paper",
            "failures": 3,
            "openings": 1,
            "failing_since": since,
            "reason": "quotes CONNECTION_ERROR",
        },
    )
    assert closed == Event(
        topic="ibkr.breaker.closed",
        time=datetime(1970, 1, 1, 0, 18, 10, tzinfo=UTC),
        body={
            "source": "ibkr-paper",
            "failures": 4,
            "openings": 2,
            "failing_since": since,
            "reason": "connect CONNECTION_ERROR 502",
        },
    )


def test_a_few_failures_that_an_answer_ends_are_no_event(world: World) -> None:
    world.fail(2)
    one = world.process()
    one.check("quotes")
    one.answered()
    assert world.events.told == []


def test_who_keeps_events_and_does_not_answer_stands_in_nobodys_way(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.events.away = True
    world.fail(3)
    assert world.circuit.phase is Phase.OPEN
    assert "the breaker of ibkr-paper" in caplog.text


@pytest.mark.parametrize("document", [{"phase": "ajar"}, {"until": 3}, {"phase": "open", "of_another_version": 1}, [1]])
def test_what_nobody_can_read_stands_in_nobodys_way_and_is_written_over(world: World, document: object) -> None:
    world.store.change(PREFIX + "ibkr-paper", lambda _: (document, None))
    assert asked(world.process())
    world.fail(3)
    assert world.circuit.phase is Phase.OPEN
