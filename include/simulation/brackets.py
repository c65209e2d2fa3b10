"""The closing orders of a bracket: made when the entry has filled, children of it and one group, as large as what it filled."""

from datetime import datetime

from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.simulation.orders import STOP_LOSS, TAKE_PROFIT, SimOrder


def legs(entry: SimOrder, first_id: int, now: datetime) -> list[SimOrder]:
    """The closing orders, first the one with a gain; ids from `first_id` on.

    They stand as long as a DAY or GTC entry does, for good after any other.
    """
    prices = {TAKE_PROFIT: entry.take_profit_price, STOP_LOSS: entry.stop_loss_price}
    kinds = [kind for kind, price in prices.items() if price is not None]
    return [_leg(entry, kind, first_id + number, now) for number, kind in enumerate(kinds)]


def group_of(entry_id: int) -> str:
    """The name of the group that an entry's closing orders are."""
    return f"bracket {entry_id}"


def _leg(entry: SimOrder, kind: str, order_id: int, now: datetime) -> SimOrder:
    gain = kind == TAKE_PROFIT
    limit = entry.take_profit_price if gain else entry.stop_loss_limit_price
    stop_type = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    day = entry.time_in_force is TimeInForce.DAY
    return SimOrder(
        order_id=order_id,
        client_order_id=f"{entry.client_order_id}-{kind}",
        native_id=entry.native_id,
        symbol=entry.symbol,
        currency=entry.currency,
        side=Side.SELL if entry.side is Side.BUY else Side.BUY,
        order_type=OrderType.LIMIT if gain else stop_type,
        time_in_force=TimeInForce.DAY if day else TimeInForce.GTC,
        quantity=entry.filled_quantity,
        limit_price=limit,
        stop_price=None if gain else entry.stop_loss_price,
        state=OrderState.ACCEPTED,
        created_at=now,
        updated_at=now,
        expires_at=entry.expires_at if day else None,
        extended_hours=entry.extended_hours,
        parent_id=entry.order_id,
        leg=kind,
        group=group_of(entry.order_id),
    )
