"""What Alpaca refuses about an order before it stands, in Alpaca's words and codes.

Rules: docs.alpaca.markets/docs/orders-at-alpaca, /docs/fractional-trading; texts: sources of include/brokers/alpaca/errors.yaml.
A text that no source tells is this venue's own: "trailing stop orders must be DAY or GTC orders" and its likes.
"""

from collections.abc import Mapping
from datetime import datetime, time
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar
from uuid import uuid4

from starlette.responses import Response

from include.domain.order import OrderType, Side, TimeInForce
from include.sandbox.alpaca.assets import CRYPTO, find_asset, is_active, kind_of
from include.sandbox.alpaca.desk import AUCTIONS, Desk, held_for_orders, price_for, reserved_cash
from include.sandbox.alpaca.desk_order import DeskOrder
from include.sandbox.alpaca.permissions import NO_SHORT, forbidden, forbidden_kind
from include.sandbox.alpaca.sessions import NEW_YORK, next_open_close
from include.sandbox.alpaca.venue import plain, refusal
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing

TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
CRYPTO_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT})
CRYPTO_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC})
LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC})
MINIMUM_COST = {CRYPTO: Decimal(10)}  # USD; anything else at least 1
QUANTITY_DIGITS = 9
STEP = Decimal(1).scaleb(-QUANTITY_DIGITS)
MAX_MAGNITUDE = 15  # of a number, as a power of ten: beyond it nothing can be counted in steps
CENT, SUB_CENT = Decimal("0.01"), Decimal("0.0001")
SMALLEST_TRAIL_PERCENT = Decimal("0.1")
EVENING, LAST_OPG, LAST_CLS = time(19), time(9, 28), time(15, 50)
INVALID, UNPROCESSABLE, FORBIDDEN = (422, 40010001), (422, 42210000), (403, 40310000)
_PRICES = ("limit_price", "stop_price", "trail_price", "trail_percent")
_WANTED = {
    OrderType.MARKET: ((), "market orders require no stop or limit price"),
    OrderType.LIMIT: (("limit_price",), "limit orders require a limit price"),
    OrderType.STOP: (("stop_price",), "stop orders require a stop price"),
    OrderType.STOP_LIMIT: (("limit_price", "stop_price"), "stop limit orders require both stop and limit price"),
}

T = TypeVar("T", bound=StrEnum)


class Refused(Exception):
    """Carries the answer to an order that does not stand."""

    def __init__(self, kind: tuple[int, int], message: str, **details: Any) -> None:
        super().__init__(message)
        self.response: Response = refusal(kind[0], kind[1], message, **details)


def read_order(desk: Desk, body: Mapping[str, Any]) -> tuple[DeskOrder, list[DeskOrder]]:
    """The order of a POST body, and its closing orders.

    Raises:
        Refused: The body, or what it asks for, is against the rules.
    """
    book, now = desk.book, desk.book.clock()
    permit(forbidden(book))
    client_order_id = client_id(desk, body)
    order_type = _one_of(OrderType, body.get("type"), "invalid order type", TYPES)
    side = _one_of(Side, body.get("side"), "invalid side")
    times = _one_of(TimeInForce, body.get("time_in_force"), "invalid time_in_force")
    listing = _listing(book, str(body.get("symbol") or ""))
    order = DeskOrder(
        number=desk.next_number(),
        client_order_id=client_order_id,
        native_id=listing.native_id,
        symbol=listing.symbol,
        currency=listing.currency,
        kind=kind_of(listing),
        side=side,
        order_type=order_type,
        time_in_force=times,
        quantity=Decimal(0),
        extended_hours=bool(body.get("extended_hours")),
        order_class=_order_class(body),
        created_at=now,
        updated_at=now,
        expires_at=next_open_close(now)[1] if times is TimeInForce.DAY else None,
        **_prices(body, order_type, listing),
    )
    order = order.model_copy(update=_amount(book, order, body, listing))
    fraction = order.notional is not None or bool(order.quantity % 1)
    permit(forbidden_kind(book, order.kind == CRYPTO, fraction))
    _check_kind(order, listing)
    order = _for_auction(order, now)
    check_account(desk, order)
    return order, _legs(desk, order, body, listing)


def permit(answer: tuple[int, int, str] | None) -> None:
    """Raises `Refused` with an answer of `forbidden`; None passes."""
    if answer is not None:
        raise Refused(answer[:2], answer[2])


def check_account(desk: Desk, order: DeskOrder, but: int | None = None) -> None:
    """Whether money or holding suffice.

    Args:
        but: Number of an open order that this one takes the place of.

    Raises:
        Refused: They do not, or the order is too small.
    """
    book = desk.book
    if order.side is Side.SELL:
        position = book.engine.positions.get(order.native_id)
        existing = position.quantity if position else Decimal(0)
        held = held_for_orders(desk, order.native_id, but)
        free = plain(existing - held)
        if not existing and order.kind != CRYPTO:
            permit(NO_SHORT)
        if order.quantity > existing - held:
            raise Refused(
                FORBIDDEN,
                f"insufficient qty available for order (requested: {plain(order.quantity)}, available: {free})",
                available=free,
                existing_qty=plain(existing),
                held_for_orders=plain(held),
                symbol=order.symbol,
            )
        return
    price = price_for(book, order)
    if price is None:
        return
    cost = order.notional or price * order.quantity
    power = book.engine.cash.get(order.currency, Decimal(0)) - reserved_cash(desk, but)
    if order.currency == "USD" and cost < (minimum := MINIMUM_COST.get(order.kind, Decimal(1))):
        raise Refused(FORBIDDEN, f"cost basis must be >= minimal amount of order {minimum}")
    if cost > power:
        raise Refused(FORBIDDEN, "insufficient buying power", buying_power=plain(power), cost_basis=plain(cost))


def number(body: Mapping[str, Any], field: str) -> Decimal:
    """A positive number of a body. Raises `Refused`."""
    value = body.get(field)
    if value is None:
        raise Refused(INVALID, f"{field} is required")
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise Refused(INVALID, f"{field} must be a number") from None
    if found.is_finite() and abs(found.adjusted()) > MAX_MAGNITUDE:
        raise Refused(INVALID, f"{field} must be a number")
    if not found.is_finite() or found <= 0:
        raise Refused(INVALID, f"{field} must be > 0")
    return found


def price(body: Mapping[str, Any], field: str, listing: Listing) -> Decimal:
    """A price of a body, in steps that are allowed. Raises `Refused`."""
    found = number(body, field)
    equity_step = CENT if found >= 1 else SUB_CENT
    if found % (listing.tick_size if kind_of(listing) == CRYPTO else equity_step):
        words = "sub-penny increment does not fulfill minimum pricing criteria"
        raise Refused(UNPROCESSABLE, f"invalid {field} {plain(found)}. {words}")
    return found


def client_id(desk: Desk, body: Mapping[str, Any]) -> str:
    """The client order id of a body, a fresh one where it has none. Raises `Refused` for one that is taken."""
    found = str(body.get("client_order_id") or uuid4())
    if len(found) > 128:
        raise Refused(INVALID, "client_order_id must be no more than 128 characters")
    if desk.find(found) is not None:
        raise Refused(INVALID, "client_order_id must be unique")
    return found


def _one_of(kind: type[T], value: Any, message: str, among: frozenset[T] | None = None) -> T:
    try:
        found = kind(value)
    except ValueError:
        raise Refused(INVALID, message) from None
    if among is not None and found not in among:
        raise Refused(INVALID, message)
    return found


def _order_class(body: Mapping[str, Any]) -> str:
    found = str(body.get("order_class") or "")
    if found not in ("", "simple", "bracket", "oto"):
        raise Refused(INVALID, f"order_class {found} is not offered by this venue")
    return "" if found == "simple" else found


def _listing(book: VenueBook, symbol: str) -> Listing:
    if not symbol:
        raise Refused(INVALID, "symbol is required")
    listing = find_asset(book, symbol)
    if listing is None:
        raise Refused(UNPROCESSABLE, f'asset "{symbol}" not found')
    if not is_active(listing):
        raise Refused(UNPROCESSABLE, f"asset {symbol} is not active")
    if not listing.tradable:
        raise Refused(UNPROCESSABLE, f"asset {symbol} is not tradable")
    return listing


def _prices(body: Mapping[str, Any], order_type: OrderType, listing: Listing) -> dict[str, Decimal]:
    told = [name for name in _PRICES if body.get(name) is not None]
    if order_type is OrderType.TRAILING_STOP:
        if told not in (["trail_price"], ["trail_percent"]):
            raise Refused(INVALID, "trailing stop orders must specify one of trail_price or trail_percent")
        if told == ["trail_percent"] and number(body, "trail_percent") < SMALLEST_TRAIL_PERCENT:
            raise Refused(INVALID, "trail_percent must be greater than or equal to 0.1")
        return {told[0]: number(body, told[0])}
    wanted, words = _WANTED[order_type]
    if set(told) != set(wanted):
        raise Refused(INVALID, words)
    return {name: price(body, name, listing) for name in wanted}


def _amount(book: VenueBook, order: DeskOrder, body: Mapping[str, Any], listing: Listing) -> dict[str, Decimal]:
    if body.get("notional") is None:
        if body.get("qty") is None:
            raise Refused(INVALID, "qty or notional is required")
        quantity = number(body, "qty")
        if quantity % STEP:
            raise Refused(INVALID, f"qty must have at most {QUANTITY_DIGITS} decimal places")
        return {"quantity": quantity}
    if body.get("qty") is not None:
        raise Refused(INVALID, "only one of qty or notional is accepted")
    notional = number(body, "notional")
    if notional < 1:
        raise Refused(INVALID, "notional must be >= 1.00")
    if notional % CENT:
        raise Refused(INVALID, "notional must have at most 2 decimal places")
    if not listing.lot_size % 1 and order.kind != CRYPTO:
        raise Refused(FORBIDDEN, f'asset "{listing.symbol}" is not fractionable')
    at = price_for(book, order)
    if at is None:
        raise Refused(UNPROCESSABLE, "order refused: no_quote")
    lots = (notional / at / listing.lot_size).to_integral_value(ROUND_DOWN)
    return {"notional": notional, "quantity": lots * listing.lot_size}


def _check_kind(order: DeskOrder, listing: Listing) -> None:
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


def _for_auction(order: DeskOrder, now: datetime) -> DeskOrder:
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


def _legs(desk: Desk, order: DeskOrder, body: Mapping[str, Any], listing: Listing) -> list[DeskOrder]:
    """The closing orders, held until the entry has filled: first the one with a gain."""
    gain, loss = body.get("take_profit"), body.get("stop_loss")
    if not order.order_class:
        if gain or loss:
            raise Refused(INVALID, "take_profit and stop_loss require an advanced order_class")
        return []
    if order.order_class == "bracket" and not gain:
        raise Refused(INVALID, "bracket orders require take_profit.limit_price")
    if order.order_class == "bracket" and not loss:
        raise Refused(INVALID, "bracket orders require stop_loss.stop_price")
    if order.order_class == "oto" and bool(gain) == bool(loss):
        raise Refused(INVALID, "oto orders require either take_profit or stop_loss")
    found = []
    if gain:
        found.append({"order_type": OrderType.LIMIT, "limit_price": price(_object(gain), "limit_price", listing)})
    if loss:
        stop = {"order_type": OrderType.STOP, "stop_price": price(_object(loss), "stop_price", listing)}
        if _object(loss).get("limit_price") is not None:
            stop |= {"order_type": OrderType.STOP_LIMIT, "limit_price": price(_object(loss), "limit_price", listing)}
        found.append(stop)
    _check_distance(desk.book, order, found)
    common: dict[str, Any] = {"side": Side.SELL, "status": "held", "parent": order.number, "limit_price": None}
    return [
        order.model_copy(update={**common, "number": order.number + 1 + n, "client_order_id": str(uuid4()), **leg})
        for n, leg in enumerate(found)
    ]


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused((400, 40010000), "request body format is invalid")
    return value


def _check_distance(book: VenueBook, order: DeskOrder, legs: list[dict[str, Any]]) -> None:
    """A gain is taken above the entry's price, a loss at least a cent below it (and below the market)."""
    quote = book.engine.quote(order.native_id)
    bases = [base for base in (order.limit_price, quote.last if quote else None) if base is not None]
    for leg in legs:
        if leg["order_type"] is OrderType.LIMIT and any(leg["limit_price"] < base + CENT for base in bases[:1]):
            raise Refused(UNPROCESSABLE, "take_profit.limit_price must be >= base_price + 0.01")
        if leg["order_type"] is not OrderType.LIMIT and any(leg["stop_price"] > base - CENT for base in bases):
            raise Refused(UNPROCESSABLE, "stop_loss.stop_price must be <= base_price - 0.01")
