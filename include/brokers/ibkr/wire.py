"""An order in TWS's words: the entry, and the orders that close it."""

from decimal import Decimal
from typing import Any

from include.brokers.ibkr.details import number
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.order import Order, OrderChange, OrderType, Side, TimeInForce
from include.errors import OrderRejected, Unsupported

FX_EXCHANGE = "IDEALPRO"
TAKE_PROFIT, STOP_LOSS = "/tp", "/sl"  # what a closing order's reference adds to the entry's
REDUCE_WITH_BLOCK = 2  # of a group: what one fills is taken off the others, never both at once
UNSET = 1e300  # the library's "unset" is a number near the largest float
_KINDS = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TRAILING_STOP: "TRAIL",
    OrderType.MARKET_ON_OPEN: "MKT",
    OrderType.MARKET_ON_CLOSE: "MOC",
}
_OUTSIDE_HOURS = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})  # for others TWS ignores it, with a notice


def routing(asset_class: AssetClass, exchange: str) -> str:
    """Where IBKR takes orders and requests for a kind of contract: pairs, coins and futures have no smart routing."""
    if asset_class is AssetClass.FX:
        return FX_EXCHANGE
    if asset_class in (AssetClass.CRYPTO, AssetClass.FUTURE):
        return exchange
    return "SMART"


def kinds_of(order: Order) -> tuple[str, ...]:
    """An order, its auction and what closes it in the words of `ContractDetails.orderTypes`, which have no blanks."""
    stop = "STP" if order.stop_loss_limit_price is None else "STPLMT"
    kinds = [
        (_kind(order).replace(" ", ""), True),
        ("OPG", order.time_in_force is TimeInForce.OPG),
        ("LMT", order.take_profit_price is not None),
        (stop, order.stop_loss_price is not None),
    ]
    return tuple(kind for kind, is_asked in kinds if is_asked)


def wire_contract(library: Any, contract: Contract) -> Any:
    """The library's contract of ours: the conId says which, the exchange where."""
    exchange = routing(contract.asset_class, contract.exchange)
    if not exchange:
        raise Unsupported(f"IBKR told no exchange for {contract.symbol}: look the contract up again", broker="ibkr")
    return library.Contract(conId=int(contract.native_id), symbol=contract.symbol, exchange=exchange, currency=contract.currency)


def wire_orders(library: Any, order: Order, account: str) -> list[Any]:
    """The entry first, then what closes it; only the last one transmits, and all with it.

    Raises:
        Unsupported: IBKR would ignore a part of it.
        OrderRejected: A price is missing.
    """
    magnifier = order.contract.price_magnifier
    entry = library.Order(
        action=order.side.value.upper(),
        totalQuantity=number(order.quantity),
        orderType=_kind(order),
        tif=_time_in_force(order.time_in_force),
        orderRef=order.client_order_id,
        account=account,
    )
    _price(entry, order.limit_price, order.stop_price, magnifier)
    if order.order_type is OrderType.LIMIT and order.limit_price is None:
        raise OrderRejected(f"limit order {order.client_order_id} has no limit price", broker="ibkr")
    if order.trail_amount is not None:
        entry.auxPrice = number(order.trail_amount * magnifier)
    if order.trail_pct is not None:
        entry.trailingPercent = number(order.trail_pct)
    if order.cash_amount is not None:
        entry.totalQuantity, entry.cashQty = 0, number(order.cash_amount)
    if order.extended_hours:
        if order.order_type not in _OUTSIDE_HOURS or entry.tif == "OPG" or entry.orderType == "LOC":
            raise Unsupported(f"IBKR fills no {order.order_type.value} order outside of regular hours", broker="ibkr")
        entry.outsideRth = True
    return [entry, *_legs(library, order, account)]


def changed(library: Any, standing: Any, change: OrderChange, magnifier: Decimal) -> Any:
    """A standing order with other values, to be sent under its own number.

    Only what this project sends is taken over: what TWS tells back holds more, which it would not take again.

    Raises:
        OrderRejected: The change is of something that the order does not have.
    """
    kept = ("orderId", "permId", "clientId", "action", "totalQuantity", "orderType", "lmtPrice", "auxPrice", "tif", "ocaGroup")
    more = ("ocaType", "orderRef", "account", "parentId", "outsideRth", "trailingPercent", "cashQty")
    wire = library.Order(**{name: getattr(standing, name) for name in (*kept, *more)})
    if not 0 < wire.cashQty < UNSET:
        wire.cashQty = library.Order().cashQty
    _check_change(standing, change)
    if wire.orderType == "TRAIL":  # one of the two is told as 0
        wire.auxPrice, wire.trailingPercent = _trail(library, standing, change, magnifier)
    _price(wire, change.limit_price, change.stop_price, magnifier)
    if change.quantity is not None:
        wire.totalQuantity = number(change.quantity)
    if change.time_in_force is not None:
        wire.tif = _time_in_force(change.time_in_force)
    return wire


def _legs(library: Any, order: Order, account: str) -> list[Any]:
    magnifier, side = order.contract.price_magnifier, Side.SELL if order.side is Side.BUY else Side.BUY

    def leg(suffix: str, kind: str, limit: Decimal | None, stop: Decimal | None) -> Any:
        wire = library.Order(
            action=side.value.upper(),
            totalQuantity=number(order.quantity),
            orderType=kind,
            tif="GTC",  # the position lasts beyond the day
            orderRef=order.client_order_id + suffix,
            account=account,
            ocaGroup=order.client_order_id,
            ocaType=REDUCE_WITH_BLOCK,
        )
        _price(wire, limit, stop, magnifier)
        return wire

    legs = []
    if order.take_profit_price is not None:
        legs.append(leg(TAKE_PROFIT, "LMT", order.take_profit_price, None))
    if order.stop_loss_price is not None:
        limit = order.stop_loss_limit_price
        legs.append(leg(STOP_LOSS, "STP" if limit is None else "STP LMT", limit, order.stop_loss_price))
    return legs


def _kind(order: Order) -> str:
    if order.time_in_force is TimeInForce.CLS:
        return "MOC" if order.order_type is OrderType.MARKET_ON_CLOSE else "LOC"
    return _KINDS[order.order_type]


def _time_in_force(value: TimeInForce) -> str:
    """TWS tells the closing auction by the type of order, with DAY."""
    return "DAY" if value is TimeInForce.CLS else value.value.upper()


def _price(wire: Any, limit: Decimal | None, stop: Decimal | None, magnifier: Decimal) -> None:
    if limit is not None:
        wire.lmtPrice = number(limit * magnifier)
    if stop is not None:
        wire.auxPrice = number(stop * magnifier)


def _check_change(standing: Any, change: OrderChange) -> None:
    kind = standing.orderType
    wrong = {
        "limit_price": change.limit_price is not None and kind not in ("LMT", "STP LMT", "LOC"),
        "stop_price": change.stop_price is not None and kind not in ("STP", "STP LMT"),
        "trail": (change.trail_amount is not None or change.trail_pct is not None) and kind != "TRAIL",
        "auction": change.time_in_force in (TimeInForce.OPG, TimeInForce.CLS),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise OrderRejected(f"a {kind} order at IBKR cannot be changed in its {name}: cancel it", broker="ibkr")


def _trail(library: Any, standing: Any, change: OrderChange, magnifier: Decimal) -> tuple[Any, Any]:
    unset = library.Order().auxPrice
    if change.trail_amount is not None:
        return number(change.trail_amount * magnifier), unset
    if change.trail_pct is not None:
        return unset, number(change.trail_pct)
    by_percent = 0 < standing.trailingPercent < UNSET
    return (unset, standing.trailingPercent) if by_percent else (standing.auxPrice, unset)
