"""Orders that wait to be released."""

from decimal import Decimal

import pytest

from include.domain.order import OrderChange, OrderState, TimeInForce
from include.errors import OrderRejected
from include.simulation.engine import Engine
from tests.simulation.conftest import NOW
from tests.simulation.families.build import MINUTE, Submit, mark, sale


def test_an_order_that_is_not_transmitted_waits_for_its_release(engine: Engine, submit: Submit) -> None:
    order = submit(limit="100", transmit=False)
    mark(engine, "99")
    assert engine.orders[order.order_id] == order
    engine.modify(order.order_id, OrderChange(quantity=Decimal(12)), NOW + MINUTE)
    assert engine.release(order.order_id, NOW + 2 * MINUTE).filled_quantity == 12
    with pytest.raises(OrderRejected, match="no order 9"):
        engine.release(9, NOW)


def test_a_release_asks_again_whether_it_can_be_covered(engine: Engine, submit: Submit) -> None:
    order = submit(limit="90", quantity="100", transmit=False)
    submit(limit="90", quantity="80")
    assert engine.release(order.order_id, NOW).reject_code == "insufficient_funds"


def test_a_released_child_still_waits_for_its_parent(engine: Engine, submit: Submit) -> None:
    submit(limit="95", transmit=False)
    submit(**sale("110", parent_id=1, transmit=False))
    assert engine.release(2, NOW).is_held
    engine.release(1, NOW)
    mark(engine, "95")
    assert not engine.orders[2].is_held
    submit(limit="100", transmit=False, time_in_force=TimeInForce.IOC)
    assert engine.orders[3].is_open
    assert engine.release(3, NOW + 2 * MINUTE).state is OrderState.FILLED


def test_time_ends_a_held_day_order(engine: Engine, submit: Submit) -> None:
    order = submit(limit="95", transmit=False, expires_at=NOW + MINUTE)
    engine.expire(NOW + MINUTE)
    assert engine.orders[order.order_id].state is OrderState.EXPIRED
