"""What orders reserve: cash for purchases, units for sales. Of a bracket's two closing orders one can fill, so one counts."""

from decimal import Decimal
from typing import TYPE_CHECKING

from include.domain.order import OrderType, Side
from include.simulation.ledger import ZERO
from include.simulation.orders import SimOrder

if TYPE_CHECKING:
    from include.simulation.matching import Matching


def reserve_price(engine: "Matching", order: SimOrder) -> Decimal | None:
    """What a unit may cost, in currency units: the limit, else the stop or what a taker pays now; None where nobody knows."""
    if order.is_limited:
        return order.limit_price
    market = engine.taker_price(order, order.remaining) if order.native_id in engine.marks else None
    if order.stop_price is None or order.triggered_at is not None or order.order_type is OrderType.TRAILING_STOP:
        return market
    return order.stop_price if market is None else max(market, order.stop_price)


def cost(engine: "Matching", order: SimOrder, quantity: Decimal, price: Decimal) -> Decimal:
    """What buying so much more would take, the further commission included."""
    return quantity * price * engine.contracts[order.native_id].multiplier + commission(engine, order, quantity, price)


def commission(engine: "Matching", order: SimOrder, quantity: Decimal, price: Decimal) -> Decimal:
    """Commission that one more fill brings; 0 where the order's minimum is paid already."""
    notional = (order.filled_value + quantity * price) * engine.contracts[order.native_id].multiplier
    total = engine.costs.commission(notional, order.filled_quantity + quantity, engine.month_units(engine.now))
    return max(total - order.commission, ZERO)


def affordable(engine: "Matching", order: SimOrder, quantity: Decimal, price: Decimal) -> bool:
    """Whether a purchase can be paid beside what all other open purchases may still cost."""
    needed = {order.currency: cost(engine, order, quantity, price)}
    groups: dict[int, Decimal] = {}
    for other in engine.open_buys():
        if other.order_id == order.order_id or _same_bracket(order, other):
            continue
        reserve = _reserved_cash(engine, other)
        if other.parent_id is not None:
            reserve = max(reserve - groups.get(other.parent_id, ZERO), ZERO)
            groups[other.parent_id] = groups.get(other.parent_id, ZERO) + reserve
        needed[other.currency] = needed.get(other.currency, ZERO) + reserve
    return engine.ledger.can_pay(needed)


def unreserved(engine: "Matching", order: SimOrder) -> Decimal:
    """Units of the order's contract that are held and that no other open sale has reserved."""
    position = engine.positions.get(order.native_id)
    reserved, brackets = ZERO, set()
    for other in engine.open_orders(order.native_id):
        if other.side is not Side.SELL or other.order_id == order.order_id or other.parent_id in brackets:
            continue
        if not _same_bracket(order, other):
            reserved += other.remaining
        if other.parent_id is not None:
            brackets.add(other.parent_id)  # the other leg has the same rest
    return (position.quantity if position else ZERO) - reserved


def _reserved_cash(engine: "Matching", order: SimOrder) -> Decimal:
    price = reserve_price(engine, order)
    return ZERO if price is None else cost(engine, order, order.remaining, price)


def _same_bracket(one: SimOrder, other: SimOrder) -> bool:
    return one.parent_id is not None and one.parent_id == other.parent_id
