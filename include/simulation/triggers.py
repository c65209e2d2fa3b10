"""When stops are triggered, and how a trailing one follows the market. The mark's price decides, not its sides."""

from datetime import datetime
from decimal import Decimal

from include.domain.order import OrderType, Side
from include.simulation.orders import SimOrder

HUNDRED = Decimal(100)


def followed(order: SimOrder, price: Decimal, now: datetime) -> SimOrder:
    """The order after a mark: triggered where the price has reached its stop, else with its stop moved after the market.

    An order that is no stop, or was triggered before, stays as it is.
    """
    if not order.is_stop or order.triggered_at is not None:
        return order
    if order.stop_price is not None and (price - order.stop_price) * order.side.sign >= 0:
        return order.changed(now, triggered_at=now)
    if order.order_type is not OrderType.TRAILING_STOP:
        return order
    if order.best_price is not None and (order.best_price - price) * order.side.sign <= 0:
        return order
    stop = trailing_stop(order, price)
    if order.stop_price is not None and (order.stop_price - stop) * order.side.sign <= 0:
        stop = order.stop_price
    return order.changed(now, stop_price=stop, best_price=price)


def trailing_stop(order: SimOrder, price: Decimal) -> Decimal:
    """Where a trailing stop would stand if the market were at `price`: below it for a sale, above it for a purchase."""
    distance = order.trail_amount if order.trail_amount is not None else price * (order.trail_pct or Decimal(0)) / HUNDRED
    return price + order.side.sign * distance


def crosses(order: SimOrder, bid: Decimal, ask: Decimal) -> bool:
    """Whether an order that waits for no trigger can trade against these sides."""
    if not order.is_limited or order.limit_price is None:
        return True
    return ask <= order.limit_price if order.side is Side.BUY else bid >= order.limit_price
