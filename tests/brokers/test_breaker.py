import pytest

from include.brokers.breaker import CIRCUIT_OPEN, PREFIX, Breaker, BreakerSettings, Circuit, Phase
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


class World:
    """A clock, a store, and breakers of several processes on them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = MemoryState()

    def process(self, source: str = "ibkr-paper") -> Breaker:
        return Breaker(self.store, source, settings=SETTINGS, clock=lambda: self.now)

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
