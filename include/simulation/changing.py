"""What an open order becomes by a change, checked like a new one."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.domain.order import OrderChange, OrderType, TimeInForce
from include.errors import OrderRejected
from include.simulation import checks, families
from include.simulation.orders import SimOrder
from include.simulation.triggers import trailing_stop

if TYPE_CHECKING:
    from include.simulation.matching import Matching

_STANDING = (TimeInForce.DAY, TimeInForce.GTC)


def changed(engine: "Matching", order_id: int, change: OrderChange, now: datetime) -> SimOrder:
    """The order as it would stand; nothing is changed yet.

    Raises:
        OrderRejected: There is no such order, it is final, nothing is changed, its type has no such price, or it would not be
            taken like that.
    """
    order = engine.orders.get(order_id)
    if order is None:
        raise OrderRejected(f"there is no order {order_id}")
    values = change.model_dump(exclude_none=True)
    if not order.is_open:
        raise OrderRejected(f"order {order_id} is {order.state.value} and cannot be changed")
    if not values:
        raise OrderRejected(f"order {order_id}: expected something to change")
    _check_fields(order, values)
    if "quantity" in values and order.leg is not None:
        raise OrderRejected(f"order {order_id}: a closing order is as large as what its entry bought")
    if "quantity" in values and values["quantity"] <= order.filled_quantity:
        raise OrderRejected(f"order {order_id}: {order.filled_quantity} are filled already; cancel the rest instead")
    if "time_in_force" in values:
        values["expires_at"] = _expiry(order, values["time_in_force"], now)
    if "quantity" in values and order.wanted_quantity is not None:
        values["wanted_quantity"] = values["quantity"]
        values["quantity"] = min(values["quantity"], families.allowance(engine, order))
    wanted = order.changed(now, **values)
    if ("trail_amount" in values or "trail_pct" in values) and order.best_price is not None:
        wanted = wanted.changed(now, stop_price=trailing_stop(wanted, order.best_price))
    code = checks.refusal(engine, wanted)
    if code is not None:
        raise OrderRejected(f"order {order_id} cannot be changed like that: {code}", broker_code=code)
    return wanted


def _check_fields(order: SimOrder, values: dict[str, Any]) -> None:
    kind = order.order_type
    waits = order.triggered_at is None
    allowed = {
        "quantity": True,
        "time_in_force": True,
        "limit_price": order.is_limited,
        "stop_price": kind in (OrderType.STOP, OrderType.STOP_LIMIT) and waits,
        "trail_amount": order.trail_amount is not None and waits,
        "trail_pct": order.trail_pct is not None and waits,
    }
    for name in values:
        if not allowed[name]:
            triggered = "" if waits else " that is triggered"
            raise OrderRejected(f"order {order.order_id}: a {kind.value} order{triggered} has no {name} to change")


def _expiry(order: SimOrder, wanted: TimeInForce, now: datetime) -> datetime | None:
    if order.time_in_force not in _STANDING or wanted not in _STANDING:
        raise OrderRejected(f"order {order.order_id}: only day and gtc can be changed into each other")
    return (order.expires_at or now + timedelta(hours=24)) if wanted is TimeInForce.DAY else None
