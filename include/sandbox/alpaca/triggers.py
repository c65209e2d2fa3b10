"""Stops at Alpaca: when they are hit, and what they become. The engine of this venue takes market and limit orders only."""

from decimal import ROUND_DOWN, ROUND_UP, Decimal

from include.domain.order import OrderType, Side
from include.sandbox.alpaca.desk_order import DeskOrder
from include.simulation.engine import SimQuote

STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
CENT, HUNDRED = Decimal("0.01"), Decimal(100)


def trailed(order: DeskOrder, quote: SimQuote) -> DeskOrder:
    """A trailing stop after the market moved; other orders as they are. Its stop price only moves towards the market."""
    if order.order_type is not OrderType.TRAILING_STOP:
        return order
    better = max if order.side is Side.SELL else min
    hwm = quote.last if order.hwm is None else better(order.hwm, quote.last)
    distance = order.trail_price if order.trail_price is not None else hwm * (order.trail_percent or Decimal(0)) / HUNDRED
    stop = (hwm + order.side.sign * distance).quantize(CENT, ROUND_UP if order.side is Side.BUY else ROUND_DOWN)
    return order if (hwm, stop) == (order.hwm, order.stop_price) else order.model_copy(update={"hwm": hwm, "stop_price": stop})


def is_hit(order: DeskOrder, quote: SimQuote) -> bool:
    """Whether the last price has reached the stop price: from below for a purchase, from above for a sale."""
    if order.order_type not in STOPS or order.stop_price is None:
        return False
    return quote.last >= order.stop_price if order.side is Side.BUY else quote.last <= order.stop_price


def routed_as(order: DeskOrder) -> tuple[OrderType, Decimal | None]:
    """Type and limit of what is sent to the market once the order is due.

    Alpaca makes a limit of a stop purchase: 4 % above a stop price below 50, else 2.5 % above it.
    """
    if order.order_type is OrderType.STOP and order.side is Side.BUY and order.stop_price is not None:
        above = Decimal("1.04") if order.stop_price < 50 else Decimal("1.025")
        return OrderType.LIMIT, (order.stop_price * above).quantize(CENT, ROUND_DOWN)
    if order.limit_price is not None:
        return OrderType.LIMIT, order.limit_price
    return OrderType.MARKET, None
