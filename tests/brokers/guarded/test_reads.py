"""Reads are repeated, with growing pauses, and only where that may help."""

from decimal import Decimal as D

import pytest

from include.brokers.guarded import Guarded
from include.brokers.patience import Surroundings
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    OutcomeUnknown,
    RateLimited,
)
from tests.brokers.guarded.fakes import AWAY, Flaky, Time, guard
from tests.fakes.orders import make_contract


def test_a_read_is_repeated_with_growing_pauses(broker: Guarded, flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY, AWAY]
    assert broker.quotes([make_contract("101")])["101"].last == D(10)
    assert flaky.asked == ["quotes"] * 3
    assert time.pauses == [0.5, 1.0]  # chance says 1.0: the whole pause


def test_jitter_takes_up_to_half_of_a_pause(flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY]
    Guarded(flaky, surroundings=Surroundings(lambda: time.now, time.sleep, lambda: 0.0)).quotes([])
    assert time.pauses == [0.25]


def test_a_read_is_given_up_after_so_many_attempts(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [AWAY, AWAY, BrokerUnavailable("the last one"), AWAY]
    with pytest.raises(BrokerUnavailable, match="the last one"):
        broker.find_order("any")
    assert flaky.asked == ["find_order"] * 3


def test_the_longest_pause_bounds_the_doubling(flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY] * 5
    guard(flaky, time, attempts=6, longest_pause_seconds=2.0).quotes([])
    assert time.pauses == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_no_attempt_begins_after_the_total_time(flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY] * 9
    with pytest.raises(BrokerUnavailable):
        guard(flaky, time, attempts=9, total_seconds=3.6).quotes([])
    assert time.pauses == [0.5, 1.0, 2.0]  # 3.5 s; the next pause would be 4 s
    assert flaky.asked == ["quotes"] * 4


def test_what_the_broker_asks_for_is_waited(broker: Guarded, flaky: Flaky, time: Time) -> None:
    flaky.troubles = [
        RateLimited("slow down", context={"retry_after": "7"}),
        RateLimited("again", context={"retry_after": "soon"}),
    ]
    broker.quotes([])
    assert time.pauses == [7.0, 1.0]


def test_a_broker_that_wants_longer_peace_than_there_is_time_is_left_alone(broker: Guarded, flaky: Flaky, time: Time) -> None:
    flaky.troubles = [RateLimited("slow down", context={"retry_after": "61"})]
    with pytest.raises(RateLimited):
        broker.quotes([])
    assert time.pauses == []


@pytest.mark.parametrize("error", [AuthenticationFailed("no"), OutcomeUnknown("?"), RuntimeError("a fault of ours")])
def test_only_what_is_transient_is_repeated(broker: Guarded, flaky: Flaky, error: Exception) -> None:
    flaky.troubles = [error]
    with pytest.raises(type(error)):
        broker.quotes([])
    assert flaky.asked == ["quotes"]


def test_a_list_is_asked_again_before_its_first_batch(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [AWAY]
    assert [batch.num_rows for batch in broker.contracts([])] == [1, 1]
    assert flaky.asked == ["contracts", "contracts", "contracts, second batch"]


def test_a_list_that_breaks_in_the_middle_is_not_begun_again(broker: Guarded, flaky: Flaky) -> None:
    batches = broker.contracts([])
    next(batches)
    flaky.troubles = [AWAY]
    with pytest.raises(BrokerUnavailable):
        next(batches)
    assert flaky.asked == ["contracts", "contracts, second batch"]
