"""The closing orders of a bracket: made when the entry fills, as large as what it bought, and one of them at most is filled."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.simulation.orders import STOP_LOSS, TAKE_PROFIT, SimOrder

if TYPE_CHECKING:
    from include.simulation.matching import Matching


def follow(engine: "Matching", order: SimOrder, now: datetime) -> None:
    """Work a fill into its bracket; an order that belongs to none is left alone."""
    if order.parent_id is not None:
        _leg_filled(engine, engine.orders[order.parent_id], now)
    elif order.is_bracket and not order.leg_ids:
        _open_legs(engine, order, now)
    elif order.is_bracket:
        _resize(engine, order, now)


def _open_legs(engine: "Matching", entry: SimOrder, now: datetime) -> None:
    wanted = []
    if entry.take_profit_price is not None:
        wanted.append(_leg(engine, entry, TAKE_PROFIT, len(engine.orders) + 1, now))
    if entry.stop_loss_price is not None:
        wanted.append(_leg(engine, entry, STOP_LOSS, len(engine.orders) + len(wanted) + 1, now))
    for leg in wanted:
        engine.put(leg)
    engine.put(entry.changed(now, leg_ids=tuple(leg.order_id for leg in wanted)))
    for leg in wanted:
        engine.match(leg.order_id, now)


def _leg(engine: "Matching", entry: SimOrder, kind: str, order_id: int, now: datetime) -> SimOrder:
    """One closing order. It stands as long as a DAY or GTC entry does, for good after any other."""
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
    )


def _leg_filled(engine: "Matching", entry: SimOrder, now: datetime) -> None:
    """The other leg shrinks; when all that was bought is closed, what is left of leg and entry is cancelled."""
    if entry.filled_quantity > _closed(engine, entry):
        _resize(engine, entry, now)
        return
    for order_id in (*entry.leg_ids, entry.order_id):
        if engine.orders[order_id].is_open:
            engine.put(engine.orders[order_id].changed(now, state=OrderState.CANCELLED))


def _resize(engine: "Matching", entry: SimOrder, now: datetime) -> None:
    """Every open leg may close what no leg has closed yet."""
    unclosed = entry.filled_quantity - _closed(engine, entry)
    for order_id in entry.leg_ids:
        leg = engine.orders[order_id]
        if leg.is_open and leg.remaining != unclosed:
            engine.put(leg.changed(now, quantity=leg.filled_quantity + unclosed))


def _closed(engine: "Matching", entry: SimOrder) -> Decimal:
    return sum((engine.orders[order_id].filled_quantity for order_id in entry.leg_ids), Decimal(0))
