import pytest

from include.brokers.breaker import PREFIX, Circuit, Phase
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
from tests.brokers.breaker.fakes import AWAY, World, asked


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


def test_failures_in_a_row_are_counted_on_however_long_it_stays_away(world: World) -> None:
    world.fail(3)
    for _ in range(2):
        world.now += 1000  # the window for opening is long over
        probe = world.process()
        probe.check("connect")
        probe.failed("connect", AWAY)
    assert (world.circuit.failures, world.circuit.since) == (5, 1000.0)


@pytest.mark.parametrize("document", [{"phase": "ajar"}, {"until": 3}, {"phase": "open", "of_another_version": 1}, [1]])
def test_what_nobody_can_read_stands_in_nobodys_way_and_is_written_over(world: World, document: object) -> None:
    world.store.change(PREFIX + "ibkr-paper", lambda _: (document, None))
    assert asked(world.process())
    world.fail(3)
    assert world.circuit.phase is Phase.OPEN
