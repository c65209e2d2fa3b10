"""Our orders and changes as alpaca-py's requests. Here, and only here, exact numbers become floats.

Rules that the port's checks cannot know are Alpaca's own (docs.alpaca.markets/docs/orders-at-alpaca, /docs/fractional-trading).
"""

import warnings
from decimal import Decimal
from typing import Any

from include.domain.instrument import AssetClass
from include.domain.order import Order, OrderChange, OrderType, TimeInForce
from include.errors import InvalidQuantity, OrderRejected, Unsupported

with warnings.catch_warnings():
    # Its streaming half, which is imported along and not used, still wants websockets' old API.
    warnings.filterwarnings("ignore", message="websockets", category=DeprecationWarning)
    from alpaca.trading import enums
    from alpaca.trading.requests import (
        LimitOrderRequest,
        MarketOrderRequest,
        OrderRequest,
        ReplaceOrderRequest,
        StopLimitOrderRequest,
        StopLossRequest,
        StopOrderRequest,
        TakeProfitRequest,
        TrailingStopOrderRequest,
    )

_LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC})
_AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_ENTRIES = frozenset({OrderType.MARKET, OrderType.LIMIT})


def check_rules(order: Order) -> None:
    """Refuse what Alpaca is known to refuse, before anything is sent.

    Raises:
        Unsupported: A combination that Alpaca does not take.
        InvalidQuantity: A fraction where only whole units are taken.
    """
    crypto = order.contract.asset_class is AssetClass.CRYPTO
    kind, times = order.order_type, order.time_in_force
    fraction = not crypto and (order.quantity % 1 != 0 or order.cash_amount is not None)
    refused = {
        "stops as day or gtc only": kind in _STOPS and times not in _LASTING,
        "only market and limit orders for an auction": times in _AUCTIONS and kind in _STOPS,
        "extended hours for limit orders for the day only": order.extended_hours
        and (kind is not OrderType.LIMIT or times is not TimeInForce.DAY),
        "market and limit orders with brackets only": order.is_bracket and kind not in _ENTRIES,
        "brackets as day or gtc only": order.is_bracket and times not in _LASTING,
        "brackets in regular hours only": order.is_bracket and order.extended_hours,
        "fractions and amounts of money for the day only": fraction and times is not TimeInForce.DAY,
        "fractions and amounts of money as simple orders only": fraction
        and (kind is OrderType.TRAILING_STOP or order.is_bracket),
    }
    for words, broken in refused.items():
        if broken:
            raise Unsupported(f"{order.ticker}: alpaca takes {words}", broker="alpaca")


def order_request(order: Order) -> OrderRequest:
    """alpaca-py's request for an order.

    Raises:
        InvalidQuantity: A number that a float cannot carry, or a limit order without a price.
        OrderRejected: alpaca-py finds that the order contradicts itself.
    """
    fields: dict[str, Any] = {
        "symbol": order.contract.symbol,
        "side": enums.OrderSide(order.side.value),
        "time_in_force": enums.TimeInForce(order.time_in_force.value),
        "client_order_id": order.client_order_id,
        "extended_hours": order.extended_hours or None,
        **_bracket(order),
    }
    amount = ("qty", order.quantity) if order.cash_amount is None else ("notional", order.cash_amount)
    fields[amount[0]] = exact_float(amount[1])
    try:
        return _typed(order, fields)
    except ValueError as error:  # pydantic's error is one
        raise OrderRejected(f"{order.ticker}: {' '.join(str(error).split())[:200]}", broker="alpaca") from error


def _typed(order: Order, fields: dict[str, Any]) -> OrderRequest:
    match order.order_type:
        case OrderType.STOP:
            return StopOrderRequest(**fields, stop_price=_price(order, order.stop_price))
        case OrderType.STOP_LIMIT:
            stop, limit = _price(order, order.stop_price), _price(order, order.limit_price)
            return StopLimitOrderRequest(**fields, stop_price=stop, limit_price=limit)
        case OrderType.TRAILING_STOP:
            trail = {"trail_price": order.trail_amount, "trail_percent": order.trail_pct}
            return TrailingStopOrderRequest(**fields, **{k: exact_float(v) for k, v in trail.items() if v is not None})
    if order.order_type is OrderType.LIMIT or order.limit_price is not None:
        return LimitOrderRequest(**fields, limit_price=_price(order, order.limit_price))
    return MarketOrderRequest(**fields)  # at the open and at the close too: `opg` and `cls` say so


def _bracket(order: Order) -> dict[str, Any]:
    """Class and closing orders; one of two is `oto`."""
    if not order.is_bracket:
        return {}
    gain, loss = order.take_profit_price, order.stop_loss_price
    found: dict[str, Any] = {"order_class": enums.OrderClass.BRACKET if gain and loss else enums.OrderClass.OTO}
    if gain is not None:
        found["take_profit"] = TakeProfitRequest(limit_price=exact_float(gain))
    if loss is not None:
        limit = None if order.stop_loss_limit_price is None else exact_float(order.stop_loss_limit_price)
        found["stop_loss"] = StopLossRequest(stop_price=exact_float(loss), limit_price=limit)
    return found


def change_request(change: OrderChange, client_order_id: str) -> ReplaceOrderRequest:
    """alpaca-py's request for a change.

    Args:
        client_order_id: Of the order that takes the place of the old one.

    Raises:
        InvalidQuantity: A fraction: Alpaca changes whole quantities only.
        OrderRejected: Nothing is changed, or both trails are told.
    """
    if change.quantity is not None and change.quantity % 1:
        raise InvalidQuantity(f"alpaca changes quantities to whole units only, found {change.quantity}", broker="alpaca")
    if change.trail_amount is not None and change.trail_pct is not None:
        raise OrderRejected("expected trail_amount or trail_pct, not both", broker="alpaca")
    trail = change.trail_amount if change.trail_amount is not None else change.trail_pct
    numbers = {"limit_price": change.limit_price, "stop_price": change.stop_price, "trail": trail}
    fields: dict[str, Any] = {name: exact_float(value) for name, value in numbers.items() if value is not None}
    if change.quantity is not None:
        fields["qty"] = int(change.quantity)
    if change.time_in_force is not None:
        fields["time_in_force"] = enums.TimeInForce(change.time_in_force.value)
    if not fields:
        raise OrderRejected("expected a change of something", broker="alpaca")
    try:
        return ReplaceOrderRequest(**fields, client_order_id=client_order_id)
    except ValueError as error:
        raise OrderRejected(f"alpaca changes no order like this: {' '.join(str(error).split())[:200]}") from error


def exact_float(number: Decimal) -> float:
    """The float whose shortest text is `number`.

    Raises:
        InvalidQuantity: There is none: the number is not finite or has too many digits.
    """
    value = float(number)
    if not number.is_finite() or Decimal(repr(value)) != number:
        raise InvalidQuantity(f"{number} has more digits than alpaca-py can send")
    return value


def _price(order: Order, price: Decimal | None) -> float:
    if price is None:
        raise InvalidQuantity(f"{order.ticker}: a {order.order_type.value} order needs a limit price or a stop price")
    return exact_float(price)
