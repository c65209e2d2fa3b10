"""The rules of an order's kind: crypto, fractions, extended hours, groups, auctions.

Rules: docs.alpaca.markets/docs/orders-at-alpaca, /docs/fractional-trading.
"""

from datetime import datetime, time

from include.domain.order import OrderType, Side, TimeInForce
from include.sandbox.alpaca.assets import CRYPTO
from include.sandbox.alpaca.desk_order import DeskOrder
from include.sandbox.alpaca.refused import FORBIDDEN, INVALID, UNPROCESSABLE, Refused
from include.sandbox.alpaca.routing import AUCTIONS
from include.sandbox.alpaca.sessions import NEW_YORK, next_open_close
from include.sandbox.alpaca.venue import plain
from include.sandbox.catalogue import Listing

CRYPTO_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT})
CRYPTO_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC})
LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC})
EVENING, LAST_OPG, LAST_CLS = time(19), time(9, 28), time(15, 50)


def check_kind(order: DeskOrder, listing: Listing) -> None:
    """The rules of an order's kind: crypto, fractions, extended hours, groups, auctions."""
    if order.extended_hours and (order.order_type, order.time_in_force) != (OrderType.LIMIT, TimeInForce.DAY):
        raise Refused(UNPROCESSABLE, "extended hours order must be DAY limit orders")
    if order.order_class:
        _check_group(order)
    if order.kind == CRYPTO:
        if order.order_type not in CRYPTO_TYPES:
            raise Refused(UNPROCESSABLE, "invalid order type for crypto order")
        if order.time_in_force not in CRYPTO_TIMES:
            raise Refused(UNPROCESSABLE, "invalid crypto time_in_force")
        if order.quantity % listing.lot_size:
            raise Refused(UNPROCESSABLE, f"qty increment must be {plain(listing.lot_size)}")
        return
    if order.quantity % listing.lot_size:
        raise Refused(FORBIDDEN, f'asset "{listing.symbol}" is not fractionable')
    if order.quantity % 1 or order.notional is not None:
        if order.time_in_force is not TimeInForce.DAY:
            raise Refused(UNPROCESSABLE, "fractional orders must be DAY orders")
        if order.order_type is OrderType.TRAILING_STOP or order.order_class:
            raise Refused(UNPROCESSABLE, "fractional orders must be simple orders")
    if order.order_type is OrderType.TRAILING_STOP and order.time_in_force not in LASTING:
        raise Refused(UNPROCESSABLE, "trailing stop orders must be DAY or GTC orders")
    if order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and order.time_in_force not in LASTING:
        raise Refused(UNPROCESSABLE, "stop orders must be DAY or GTC orders")


def _check_group(order: DeskOrder) -> None:
    if order.order_type not in (OrderType.MARKET, OrderType.LIMIT):
        raise Refused(INVALID, f"{order.order_class} orders must be market or limit orders")
    if order.side is Side.SELL:  # this account is never short, so a sale is no entry
        raise Refused(UNPROCESSABLE, f"{order.order_class} orders must be entry orders")
    if order.time_in_force not in LASTING:
        raise Refused(UNPROCESSABLE, f"{order.order_class} orders must be DAY or GTC orders")
    if order.extended_hours:
        raise Refused(UNPROCESSABLE, f"{order.order_class} orders are not supported in extended hours")
    if order.kind == CRYPTO:
        raise Refused(UNPROCESSABLE, "crypto orders not allowed for advanced order_class: otoco")


def for_auction(order: DeskOrder, now: datetime) -> DeskOrder:
    """An order with the time of its auction, where it is for one."""
    if order.time_in_force not in AUCTIONS:
        return order
    if order.order_type not in (OrderType.MARKET, OrderType.LIMIT):
        raise Refused(UNPROCESSABLE, f"{order.time_in_force.value} orders must be market or limit orders")
    opening, at = order.time_in_force is TimeInForce.OPG, now.astimezone(NEW_YORK).time()
    if (LAST_OPG if opening else LAST_CLS) < at < EVENING:
        end = "9:28am" if opening else "3:50pm"
        raise Refused(FORBIDDEN, f"{order.time_in_force.value} orders must be submitted after 7:00pm and before {end}")
    opens, closes = next_open_close(now)
    return order.model_copy(update={"release_at": opens if opening else closes})
