"""PATCH /v2/orders/{id}: another order in the place of an open one."""

from collections.abc import Mapping
from typing import Any

from include.domain.order import OrderType, TimeInForce
from include.sandbox.alpaca.desk import Desk
from include.sandbox.alpaca.desk_order import DeskOrder
from include.sandbox.alpaca.order_check import (
    FORBIDDEN,
    INVALID,
    UNPROCESSABLE,
    Refused,
    check_account,
    client_id,
    number,
    permit,
    price,
)
from include.sandbox.alpaca.permissions import forbidden
from include.sandbox.alpaca.sessions import next_open_close
from include.sandbox.alpaca.triggers import trailed


def read_changes(desk: Desk, order: DeskOrder, body: Mapping[str, Any]) -> dict[str, Any]:
    """The changed fields of an open order, its new client order id among them.

    Raises:
        Refused: It is not open, nothing changes, or the change is against the rules.
    """
    permit(forbidden(desk.book))
    if order.status not in ("new", "partially_filled"):
        raise Refused(UNPROCESSABLE, "unable to replace order, order is not open")
    if (order.parent and desk.orders[order.parent].order_class == "oto") or order.order_class == "oto":
        raise Refused(UNPROCESSABLE, "order replacement is not supported for oto orders")
    changes = _values(desk, order, body)
    if not any(getattr(order, name) != value for name, value in changes.items()):
        raise Refused(FORBIDDEN, "order parameters are not changed")
    changed = order.model_copy(update=changes)
    quote = desk.book.engine.quote(order.native_id)
    check_account(desk, trailed(changed, quote) if quote else changed, but=order.number)
    return {**changes, "client_order_id": client_id(desk, body)}


def _values(desk: Desk, order: DeskOrder, body: Mapping[str, Any]) -> dict[str, Any]:
    listing = desk.book.by_native_id[order.native_id]
    changes: dict[str, Any] = {}
    if body.get("qty") is not None:
        if order.notional is not None or order.quantity % 1 or number(body, "qty") % 1:
            raise Refused(UNPROCESSABLE, "qty of fractional and notional orders cannot be replaced")
        changes["quantity"] = number(body, "qty")
    for name in ("limit_price", "stop_price"):
        if body.get(name) is not None:
            if getattr(order, name) is None or order.order_type is OrderType.TRAILING_STOP:
                raise Refused(INVALID, f"{name} is not accepted for {order.order_type.value} orders")
            changes[name] = price(body, name, listing)
    if body.get("trail") is not None:
        if order.order_type is not OrderType.TRAILING_STOP:
            raise Refused(INVALID, f"trail is not accepted for {order.order_type.value} orders")
        changes["trail_price" if order.trail_price is not None else "trail_percent"] = number(body, "trail")
    if body.get("time_in_force") is not None:
        if body["time_in_force"] not in ("day", "gtc"):
            raise Refused(INVALID, "invalid time_in_force")
        changes["time_in_force"] = TimeInForce(body["time_in_force"])
        lasts = changes["time_in_force"] is not TimeInForce.DAY
        changes["expires_at"] = None if lasts else next_open_close(desk.book.clock())[1]
    return changes
