"""What orders reserve: cash for purchases, units for sales. Of a group the largest order counts, held ones do not."""

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


class Reserved:
    """Cash that open purchases reserve, summed per currency, so that asking costs as much with many of them as with few.

    What a limit order may cost is known until it changes. What others cost is asked again each time: it follows the market, the
    month's volume or, in a group, each other.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, Decimal]] = {}
        self._others: set[int] = set()
        self._changed: set[int] = set()
        self._totals: dict[str, Decimal] = {}

    def changed(self, order_id: int) -> None:
        """An order is another one than before, or none any more."""
        self._changed.add(order_id)

    def all_changed(self) -> None:
        """Costs or contracts are others than before."""
        self._changed |= self._others
        self._changed.update(self._known)

    def beside(self, engine: "Matching", order: SimOrder) -> dict[str, Decimal]:
        """Currency -> cash that all open purchases but this one, and but the others of its group, may still cost."""
        self._look_again(engine)
        needed = dict(self._totals)
        if order.order_id in self._known:
            currency, amount = self._known[order.order_id]
            needed[currency] -= amount
        groups: dict[tuple[str, str], Decimal] = {}
        for order_id in sorted(self._others):
            other = engine.orders[order_id]
            if order_id == order.order_id or _same_group(order, other):
                continue
            price = reserve_price(engine, other)
            amount = ZERO if price is None else cost(engine, other, other.remaining, price)
            if other.group is not None:  # the dearest counts
                key = (other.group, other.currency)
                amount = max(amount - groups.get(key, ZERO), ZERO)
                groups[key] = groups.get(key, ZERO) + amount
            needed[other.currency] = needed.get(other.currency, ZERO) + amount
        return needed

    def _look_again(self, engine: "Matching") -> None:
        for order_id in self._changed:
            self._others.discard(order_id)
            if order_id in self._known:
                currency, amount = self._known.pop(order_id)
                self._totals[currency] -= amount
            order = engine.orders.get(order_id)
            if order is None or not order.is_open or order.is_held or order.side is not Side.BUY:
                continue
            if order.is_limited and order.limit_price is not None and order.group is None and not engine.costs.commission_tiers:
                amount = cost(engine, order, order.remaining, order.limit_price)
                self._known[order_id] = (order.currency, amount)
                self._totals[order.currency] = self._totals.get(order.currency, ZERO) + amount
            else:
                self._others.add(order_id)
        self._changed.clear()


def affordable(engine: "Matching", order: SimOrder, quantity: Decimal, price: Decimal) -> bool:
    """Whether a purchase can be paid beside what all other open purchases may still cost."""
    needed = engine.reserved.beside(engine, order)
    needed[order.currency] = needed.get(order.currency, ZERO) + cost(engine, order, quantity, price)
    return engine.ledger.can_pay({currency: amount for currency, amount in needed.items() if amount})


def unreserved(engine: "Matching", order: SimOrder) -> Decimal:
    """Units of the order's contract that are held and that no other open sale has reserved."""
    position = engine.positions.get(order.native_id)
    reserved = ZERO
    groups: dict[str, Decimal] = {}
    for other in engine.open_orders(order.native_id):
        if other.side is not Side.SELL or other.order_id == order.order_id or other.is_held or _same_group(order, other):
            continue
        if other.group is None:
            reserved += other.remaining
        else:
            groups[other.group] = max(groups.get(other.group, ZERO), other.remaining)
    return (position.quantity if position else ZERO) - reserved - sum(groups.values(), ZERO)


def _same_group(one: SimOrder, other: SimOrder) -> bool:
    return one.group is not None and one.group == other.group
