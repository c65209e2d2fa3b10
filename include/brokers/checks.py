"""Whether an order makes sense, and whether a broker declares that it can do it: asked before anything is sent."""

from decimal import Decimal

from include.brokers.base import Capabilities
from include.domain.contract import Contract
from include.domain.order import Order, OrderType, TimeInForce
from include.errors import InvalidQuantity, InvalidSymbol, OrderRejected, Unsupported

_NEEDS_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_NEEDS_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_ONLY_WITH = {OrderType.MARKET_ON_OPEN: TimeInForce.OPG, OrderType.MARKET_ON_CLOSE: TimeInForce.CLS}


def check_order(order: Order, capabilities: Capabilities) -> None:
    """Nothing where the order can be sent.

    Raises:
        OrderRejected: It contradicts itself: a price is missing, or one that its type does not have is told.
        InvalidQuantity: No positive quantity or amount of money, or a price that is not positive.
        Unsupported: The broker does not declare that it can do this.
    """
    _check_numbers(order)
    _check_prices(order)
    _check_capabilities(order, capabilities)


def check_own(broker: str, *contracts: Contract) -> None:
    """Nothing where every contract is one of this broker's.

    Raises:
        InvalidSymbol: It is another's: ids of two brokers may be alike, so nothing may be asked or sent with it.
    """
    for contract in contracts:
        if contract.broker != broker:
            words = f"{contract.symbol}: a contract of {contract.broker} is none of {broker}: map the instrument at {broker}"
            raise InvalidSymbol(words, broker=broker)


def _check_numbers(order: Order) -> None:
    numbers = {
        "quantity": order.quantity,
        "cash_amount": order.cash_amount,
        "limit_price": order.limit_price,
        "stop_price": order.stop_price,
        "trail_amount": order.trail_amount,
        "trail_pct": order.trail_pct,
        "take_profit_price": order.take_profit_price,
        "stop_loss_price": order.stop_loss_price,
        "stop_loss_limit_price": order.stop_loss_limit_price,
    }
    for name, number in numbers.items():
        if number is not None and number <= Decimal(0):
            raise InvalidQuantity(f"{order.ticker}: expected a positive {name}, found {number}")


def _check_prices(order: Order) -> None:
    kind = order.order_type
    wanted = {
        "limit_price": kind in _NEEDS_LIMIT,
        "stop_price": kind in _NEEDS_STOP,
        "a trail": kind is OrderType.TRAILING_STOP,
    }
    told = {
        "limit_price": order.limit_price is not None,
        "stop_price": order.stop_price is not None,
        "a trail": order.trail_amount is not None or order.trail_pct is not None,
    }
    for name, needed in wanted.items():
        if needed and not told[name]:
            raise OrderRejected(f"{order.ticker}: a {kind.value} order needs {name}")
        if told[name] and not needed:
            raise OrderRejected(f"{order.ticker}: a {kind.value} order has no {name}")
    if order.trail_amount is not None and order.trail_pct is not None:
        raise OrderRejected(f"{order.ticker}: expected trail_amount or trail_pct, not both")
    if order.stop_loss_limit_price is not None and order.stop_loss_price is None:
        raise OrderRejected(f"{order.ticker}: stop_loss_limit_price needs stop_loss_price")
    needs = _ONLY_WITH.get(kind)
    if needs is not None and order.time_in_force is not needs:
        raise OrderRejected(f"{order.ticker}: a {kind.value} order is only for {needs.value}")
    if kind is OrderType.MARKET and order.time_in_force in _ONLY_WITH.values():
        raise OrderRejected(f"{order.ticker}: at market for {order.time_in_force.value} is its own type of order")


def _check_capabilities(order: Order, able: Capabilities) -> None:
    kind = order.contract.asset_class
    can = able.for_kind(kind)
    because = f" in this account: {able.why_not[kind]}" if kind in able.why_not else ""
    asked = {
        f"trades no {kind.value}{because}": kind in able.asset_classes,
        f"takes no {order.order_type.value} orders for {kind.value}": order.order_type in can.order_types,
        f"takes no {order.time_in_force.value} orders for {kind.value}": order.time_in_force in can.times_in_force,
        f"takes no fractions of {kind.value}": order.cash_amount is not None or not order.quantity % 1 or can.fractional,
        "takes no brackets": not order.is_bracket or can.brackets,
        "takes no amount of money": order.cash_amount is None or can.cash_amounts,
        f"sells no {kind.value} short": order.target_quantity >= 0 or can.shorting,
        "closes the oldest position first: no bracket beside what is held": not (
            can.fifo_only and order.is_bracket and order.current_quantity
        ),
        "fills only in regular hours": not order.extended_hours or can.extended_hours,
    }
    for words, possible in asked.items():
        if not possible:
            raise Unsupported(f"{order.ticker}: {order.contract.broker} {words}", broker=order.contract.broker)
