"""Breaker and measures hear how every call ended."""

from collections.abc import Sequence

import pytest

from include.brokers.guarded import Guarded
from include.brokers.measures import Measures
from include.domain.health import CallCount
from include.errors import (
    BrokerUnavailable,
    OrderRejected,
    OutcomeUnknown,
)
from tests.brokers.guarded.fakes import AWAY, Counted, Flaky, Time, watched
from tests.fakes.broker import Fault
from tests.fakes.orders import make_order
from tests.fakes.shared_state import MemoryState


def test_a_broker_that_failed_too_often_is_not_asked(flaky: Flaky, time: Time) -> None:
    store = MemoryState()
    flaky.troubles = [AWAY] * 3
    with pytest.raises(BrokerUnavailable, match="connection refused"):
        watched(flaky, time, store).quotes([])
    with pytest.raises(BrokerUnavailable, match="is left alone for 30 s more"):
        watched(flaky, time, store).submit(make_order())
    assert flaky.asked == ["quotes"] * 3
    time.now += 30
    watched(flaky, time, store).submit(make_order())
    assert flaky.asked[3:] == ["submit"]


def test_a_retry_ends_when_the_breaker_opens(flaky: Flaky, time: Time) -> None:
    flaky.troubles = [AWAY] * 9
    with pytest.raises(BrokerUnavailable, match="left alone"):
        watched(flaky, time, MemoryState(), attempts=9).quotes([])
    assert flaky.asked == ["quotes"] * 3


def test_an_order_of_unknown_outcome_is_looked_up_although_the_breaker_is_open(flaky: Flaky, time: Time) -> None:
    flaky.venue.faults = [Fault.LOST_REQUEST, Fault.LOST_REQUEST, Fault.LOST_ANSWER]
    broker, order = watched(flaky, time, MemoryState()), make_order()
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            broker.submit(order)
    found = broker.find_order(order.client_order_id)
    assert found is not None
    assert found.client_order_id == order.client_order_id
    assert broker.quotes([]) == {}  # the answer closed it


def test_calls_are_counted_and_kept_when_it_closes(flaky: Flaky, time: Time) -> None:
    counted = Counted()
    flaky.troubles = [AWAY]
    broker = watched(flaky, time, MemoryState(), counted)
    broker.quotes([])
    broker.find_order("any")
    flaky.venue.faults = [Fault.REJECT]
    with pytest.raises(OrderRejected):
        broker.submit(make_order())
    assert counted.rows == []
    broker.close()
    assert counted.rows == [
        "quotes CONNECTION_ERROR 1 0",
        "quotes answered 1 0",
        "find_order answered 1 0",
        "submit ORDER_REJECTED 1 0",
    ]


def test_attempts_to_connect_are_counted_although_nothing_was_opened(flaky: Flaky, time: Time) -> None:
    counted = Counted()
    flaky.troubles = [AWAY] * 3
    with pytest.raises(BrokerUnavailable), watched(flaky, time, MemoryState(), counted):
        pass
    assert counted.rows == ["connect CONNECTION_ERROR 3 0"]


def test_what_cannot_be_noted_never_hides_how_an_order_went(flaky: Flaky, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Measures):
        def count(self, method: str, code: str, seconds: float, broker_code: str = "") -> None:
            raise RuntimeError("no such table")

    broker = Guarded(flaky, measures=Broken(Counted(), "fake", "fake-sbx"))
    assert broker.submit(make_order()).broker_order_id == "V1"
    assert "how submit ended could not be noted" in caplog.text


def test_a_client_library_that_loads_slowly_is_no_slow_broker(flaky: Flaky, time: Time) -> None:
    class Slow(Flaky):
        def load(self) -> None:
            time.now += 2.5

        def connect(self) -> None:
            super().connect()
            time.now += 0.25

    counted = Counted()
    with watched(Slow(flaky.venue), time, MemoryState(), counted):
        pass
    assert counted.rows == ["connect answered 1 0.25"]


def test_the_brokers_own_code_is_counted_with_the_error(flaky: Flaky, time: Time) -> None:
    class Own(Counted):
        def add(self, counts: Sequence[CallCount]) -> None:
            self.rows += [f"{row.method} {row.code} {row.broker_code}" for row in counts]

    counted = Own()
    flaky.troubles = [BrokerUnavailable("something new", code="UNKNOWN", broker_code="10197")]
    broker = watched(flaky, time, MemoryState(), counted)
    broker.quotes([])
    broker.close()
    assert counted.rows == ["quotes UNKNOWN 10197", "quotes  "]
