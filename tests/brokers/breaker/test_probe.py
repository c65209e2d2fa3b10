"""Half open: who probes, and who waits for what the probe finds out."""

from collections.abc import Callable

import pytest

from include.brokers.breaker import CIRCUIT_OPEN, Circuit, Phase
from include.errors import (
    BrokerUnavailable,
    InputError,
    PolybrokerError,
    Transient,
    Unsupported,
)
from tests.brokers.breaker.fakes import AWAY, World, asked


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


@pytest.mark.parametrize("error", [InputError("a setting"), Unsupported("not declared"), Transient("database is locked")])
def test_a_probe_that_never_reached_the_broker_leaves_the_next_one_free(world: World, error: PolybrokerError) -> None:
    probe, other = world.probing(), world.process()
    probe.failed("connect", error)
    assert world.circuit.phase is Phase.OPEN
    other.check("connect")
    assert world.circuit.phase is Phase.HALF_OPEN
    probe.let_go()  # it has none any more
    assert world.circuit.phase is Phase.HALF_OPEN
