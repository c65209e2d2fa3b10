"""An order as Alpaca writes it."""

from decimal import Decimal
from typing import Any

from include.sandbox.alpaca.desk_order import DeskOrder, Event
from include.sandbox.alpaca.venue import Venue, amount, execution_id, plain, stamp

# Times that an order has once it is in that state, all of them the time of its last change.
_ENDED = {
    "filled": "filled_at",
    "expired": "expired_at",
    "canceled": "canceled_at",
    "replaced": "replaced_at",
    "rejected": "failed_at",
}


def order_json(venue: Venue, order: DeskOrder, status: str | None = None, nested: bool = False) -> dict[str, Any]:
    """An order.

    Args:
        status: Instead of the desk's, where Alpaca's first answer differs.
        nested: Whether its closing orders are told inside of it.
    """
    word = status or order.status
    legs = venue.desk.legs(order.number) if nested else []
    times = dict.fromkeys(_ENDED.values())
    if word in _ENDED:
        times[_ENDED[word]] = stamp(order.updated_at)
    return {
        "id": str(venue.order_uuid(order.number)),
        "client_order_id": order.client_order_id,
        "created_at": stamp(order.created_at),
        "updated_at": stamp(order.updated_at),
        "submitted_at": stamp(order.created_at),
        **times,
        "expires_at": stamp(order.expires_at) if order.expires_at else None,
        "replaced_by": str(venue.order_uuid(order.replaced_by)) if order.replaced_by else None,
        "replaces": str(venue.order_uuid(order.replaces)) if order.replaces else None,
        "asset_id": order.native_id,
        "symbol": order.symbol,
        "asset_class": order.kind,
        "notional": amount(order.notional),
        "qty": None if order.notional is not None else plain(order.quantity),
        "filled_qty": plain(order.filled_quantity),
        "filled_avg_price": amount(order.average_price),
        "order_class": order.order_class,
        "order_type": order.order_type.value,
        "type": order.order_type.value,
        "side": order.side.value,
        "time_in_force": order.time_in_force.value,
        "limit_price": amount(order.limit_price),
        "stop_price": amount(order.stop_price),
        "status": word,
        "extended_hours": order.extended_hours,
        "legs": [order_json(venue, leg) for leg in legs] or None,
        "trail_percent": amount(order.trail_percent),
        "trail_price": amount(order.trail_price),
        "hwm": amount(order.hwm),
    }


def activity_json(venue: Venue, order: DeskOrder, index: int) -> dict[str, Any]:
    """One execution of an order, as GET /v2/account/activities/FILL tells it."""
    fill = order.fills[index]
    so_far = sum((one.quantity for one in order.fills[: index + 1]), Decimal(0))
    done = so_far == order.quantity
    moment = fill.time.strftime("%Y%m%d%H%M%S%f")[:17]
    return {
        "id": f"{moment}::{execution_id(venue, fill.fill_id)}",
        "account_id": str(venue.account_id),
        "activity_type": "FILL",
        "transaction_time": stamp(fill.time),
        "type": "fill" if done else "partial_fill",
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "side": order.side.value,
        "symbol": order.symbol,
        "leaves_qty": plain(order.quantity - so_far),
        "order_id": str(venue.order_uuid(order.number)),
        "cum_qty": plain(so_far),
        "order_status": "filled" if done else "partially_filled",
    }


def event_json(venue: Venue, event: Event) -> dict[str, Any]:
    """What happened to an order, as the stream `trade_updates` tells it."""
    data: dict[str, Any] = {
        "event": event.name,
        "timestamp": stamp(event.at),
        "order": order_json(venue, event.order),
        "position_qty": plain(event.position),
    }
    if event.fill is not None:
        data |= {
            "execution_id": execution_id(venue, event.fill.fill_id),
            "price": plain(event.fill.price),
            "qty": plain(event.fill.quantity),
        }
    return {"stream": "trade_updates", "data": data}
