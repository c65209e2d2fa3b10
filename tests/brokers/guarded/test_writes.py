"""What changes something at the broker goes out once."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D

import pytest

from include.brokers.guarded import Guarded
from include.domain.order import OrderChange
from include.errors import (
    BrokerUnavailable,
    InvalidQuantity,
    OrderRejected,
    OutcomeUnknown,
)
from tests.brokers.guarded.fakes import AWAY, Flaky
from tests.fakes.broker import FakeVenue, Fault
from tests.fakes.orders import make_order


@pytest.mark.parametrize(
    "write", [lambda broker: broker.submit(make_order()), lambda broker: broker.cancel("any")], ids=["submit", "cancel"]
)
def test_writes_go_out_once(broker: Guarded, flaky: Flaky, write: Callable[[Guarded], object]) -> None:
    flaky.troubles = [BrokerUnavailable("the connection broke")]
    with pytest.raises(BrokerUnavailable):
        write(broker)
    assert len(flaky.asked) == 1  # and nothing was connected anew


def test_a_change_goes_out_once(broker: Guarded, flaky: Flaky) -> None:
    flaky.capabilities = replace(flaky.capabilities, modifies=True)
    flaky.troubles = [AWAY, AWAY]
    with pytest.raises(BrokerUnavailable):
        broker.modify("any", OrderChange(quantity=D(1)))
    assert flaky.asked == ["modify"]


def test_an_order_that_makes_no_sense_is_never_sent(broker: Guarded, venue: FakeVenue) -> None:
    with pytest.raises(InvalidQuantity):
        broker.submit(make_order(quantity=D(0)))
    assert venue.submits == 0


def test_an_order_that_can_be_sent_is(broker: Guarded, venue: FakeVenue) -> None:
    order = make_order()
    assert broker.submit(order).client_order_id == order.client_order_id
    assert [standing.order for standing in venue.book] == [order]


def test_a_refusal_and_an_unknown_outcome_come_through(broker: Guarded, venue: FakeVenue) -> None:
    venue.faults = [Fault.REJECT, Fault.LOST_ANSWER]
    with pytest.raises(OrderRejected):
        broker.submit(make_order())
    with pytest.raises(OutcomeUnknown):
        broker.submit(make_order())
    assert len(venue.book) == 1
