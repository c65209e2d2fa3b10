"""An order on its way to the engine, and the engine's word for it in Alpaca's."""

from decimal import ROUND_DOWN, Decimal

from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.sandbox.alpaca.desk_order import DeskOrder
from include.simulation.engine import SimOrder, SimRequest

AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
CENT = Decimal("0.01")
_ON_AUCTION = {TimeInForce.OPG: OrderType.MARKET_ON_OPEN, TimeInForce.CLS: OrderType.MARKET_ON_CLOSE}
_ENDS = {OrderState.CANCELLED: "canceled", OrderState.EXPIRED: "expired", OrderState.REJECTED: "rejected"}


def request_of(order: DeskOrder, entry_id: int | None) -> SimRequest:
    """What the engine is asked for the rest of an order.

    Alpaca makes a limit of a stop purchase: 4 % above a stop price below 50, else 2.5 % above it.

    Args:
        entry_id: The engine's order that this one closes; its closing orders are one group.
    """
    order_type, limit = order.order_type, order.limit_price
    if order_type is OrderType.STOP and order.side is Side.BUY and order.stop_price is not None:
        above = Decimal("1.04") if order.stop_price < 50 else Decimal("1.025")
        order_type, limit = OrderType.STOP_LIMIT, (order.stop_price * above).quantize(CENT, ROUND_DOWN)
    if order_type is OrderType.MARKET:
        order_type = _ON_AUCTION.get(order.time_in_force, order_type)
    return SimRequest(
        client_order_id=order.client_order_id,
        native_id=order.native_id,
        symbol=order.symbol,
        currency=order.currency,
        side=order.side,
        order_type=order_type,
        time_in_force=order.time_in_force,
        quantity=order.remaining,
        limit_price=limit,
        stop_price=order.stop_price,
        trail_amount=order.trail_price,
        trail_pct=order.trail_percent,
        expires_at=order.expires_at,
        opens_at=order.release_at if order.time_in_force is TimeInForce.OPG else None,
        closes_at=order.release_at if order.time_in_force is TimeInForce.CLS else None,
        parent_id=entry_id,
        group=None if entry_id is None else f"closing {entry_id}",
    )


def status_of(order: DeskOrder, taken: SimOrder) -> str:
    """Alpaca's word for an order that was open, as the engine has it by now."""
    if taken.is_open:
        return "new" if order.status == "held" and not taken.is_held else order.status
    if taken.reject_code is not None and not order.fills:
        return "rejected"  # the account could not cover it when it was due
    # What an auction leaves is cancelled, it does not expire (docs.alpaca.markets/docs/orders-at-alpaca, time in force).
    return "canceled" if order.time_in_force in AUCTIONS else _ENDS[taken.state]
