"""Connecting, connecting anew, and calls that hang."""

import threading
from collections.abc import Callable

import pytest

from include.brokers.base import BrokerContext, ConnectionState
from include.brokers.guarded import Guarded
from include.errors import (
    BrokerUnavailable,
    OutcomeUnknown,
)
from tests.brokers.guarded.fakes import AWAY, Flaky, Time, guard
from tests.fakes.orders import make_contract, make_order


def test_a_connection_that_broke_is_opened_anew_between_two_reads(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [BrokerUnavailable("the connection broke")]
    assert broker.quotes([]) == {}
    assert flaky.asked == ["quotes", "close", "connect", "quotes"]


def test_while_it_cannot_be_opened_anew_nothing_is_sent(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [BrokerUnavailable("the connection broke"), AWAY, AWAY]
    with pytest.raises(BrokerUnavailable):
        broker.quotes([])
    assert flaky.asked == ["quotes", "close", "connect", "connect"]
    with pytest.raises(BrokerUnavailable, match="the connection is lost"):
        broker.submit(make_order())
    assert broker.find_order("any") is None  # the next read connects first
    assert flaky.asked[4:] == ["connect", "find_order"]
    broker.submit(make_order())


def test_entering_connects_with_patience_and_leaving_closes(broker: Guarded, flaky: Flaky) -> None:
    flaky.troubles = [AWAY]
    with broker as opened:
        assert opened is broker
    assert flaky.asked == ["connect", "connect", "close"]


def test_who_connects_when_asked_is_not_connected(flaky: Flaky, time: Time) -> None:
    flaky.context = BrokerContext(connects_when_asked=True)
    with guard(flaky, time):
        pass
    assert flaky.asked == ["close"]


@pytest.mark.parametrize(
    ("use", "error"),
    [(lambda broker: broker.quotes([]), BrokerUnavailable), (lambda broker: broker.submit(make_order()), OutcomeUnknown)],
    ids=["read", "write"],
)
def test_a_call_that_hangs_ends_here_and_so_does_the_connection(
    flaky: Flaky, time: Time, use: Callable[[Guarded], object], error: type[Exception]
) -> None:
    broker, flaky.hangs_on = guard(flaky, time, call_seconds=0.01), threading.Event()
    try:
        with pytest.raises(error, match=r"did not end within 0\.01 s"):
            use(broker)
        assert broker.state is ConnectionState.CLOSED
        with pytest.raises(BrokerUnavailable, match="open the broker again"):
            broker.find_order("any")
        broker.close()
        assert len(flaky.asked) == 1
    finally:
        flaky.hangs_on.set()


def test_more_items_have_more_time(flaky: Flaky, time: Time) -> None:
    broker, flaky.hangs_on = guard(flaky, time, call_seconds=0.01, item_seconds=0.02), threading.Event()
    try:
        with pytest.raises(BrokerUnavailable, match=r"quotes did not end within 0\.05 s"):
            broker.quotes([make_contract("101"), make_contract("102")])
    finally:
        flaky.hangs_on.set()
