"""The project's orders in the simulation's words."""

from datetime import datetime

from include.domain.calendars import calendar
from include.domain.order import Order, TimeInForce
from include.errors import InputError
from include.simulation.engine import SimRequest


def request(order: Order, now: datetime) -> SimRequest:
    """The engine's request. Whether an order may go after its `valid_until` is decided elsewhere; here it then stands a day."""
    valid = order.valid_until if order.valid_until > now else None
    auction = order.time_in_force in (TimeInForce.OPG, TimeInForce.CLS)
    return SimRequest(
        client_order_id=order.client_order_id,
        native_id=order.contract.native_id,
        symbol=order.contract.symbol,
        currency=order.contract.currency,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        limit_price=order.limit_price,
        expires_at=valid,
        cash_amount=order.cash_amount,
        stop_price=order.stop_price,
        trail_amount=order.trail_amount,
        trail_pct=order.trail_pct,
        take_profit_price=order.take_profit_price,
        stop_loss_price=order.stop_loss_price,
        stop_loss_limit_price=order.stop_loss_limit_price,
        extended_hours=order.extended_hours,
        opens_at=session_opening(order.mic or order.contract.mic, order.valid_until) if auction else None,
        closes_at=order.valid_until if auction else None,
    )


def session_opening(mic: str, close: datetime) -> datetime | None:
    """When the session opens that ends at `close`, by the market's calendar; None for a market nobody keeps one of."""
    import pandas as pd

    try:
        opening: datetime = calendar(mic, close.year).previous_open(pd.Timestamp(close)).to_pydatetime()
    except (InputError, ValueError):
        return None
    return opening
