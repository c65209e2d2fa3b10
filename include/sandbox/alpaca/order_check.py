"""What Alpaca refuses about an order before it stands, in Alpaca's words and codes.

Market and limit orders by quantity are offered; stops, brackets, `notional` and extended hours are refused.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar
from uuid import uuid4

from starlette.responses import Response

from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.sandbox.alpaca.account import held_for_orders, reserved_cash
from include.sandbox.alpaca.assets import CRYPTO, find_asset, is_active, kind_of
from include.sandbox.alpaca.venue import plain, refusal
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.simulation.engine import SimOrder, SimRequest

CRYPTO_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
MINIMUM_COST = {CRYPTO: Decimal(10)}  # USD; anything else at least 1
QUANTITY_DIGITS = 9
MAX_MAGNITUDE = 15  # of a number, as a power of ten: beyond it nothing can be counted in steps
CENT, SUB_CENT = Decimal("0.01"), Decimal("0.0001")
_INVALID, _UNPROCESSABLE, _FORBIDDEN = (422, 40010001), (422, 42210000), (403, 40310000)


T = TypeVar("T", bound=StrEnum)


class Refused(Exception):
    """Carries the answer to an order that does not stand."""

    def __init__(self, kind: tuple[int, int], message: str, **details: Any) -> None:
        super().__init__(message)
        self.response: Response = refusal(kind[0], kind[1], message, **details)


def read_order(book: VenueBook, body: Mapping[str, Any]) -> SimRequest:
    """The engine's request for a POST body.

    Raises:
        Refused: The body, or what it asks for, is against the rules.
    """
    client_order_id = _client_order_id(book, body)
    order_type = _one_of(OrderType, body.get("type"), "invalid order type")
    side = _one_of(Side, body.get("side"), "invalid side")
    time_in_force = _one_of(TimeInForce, body.get("time_in_force"), "invalid time_in_force")
    for field in ("notional", "stop_price", "trail_price", "trail_percent", "legs", "take_profit", "stop_loss"):
        if body.get(field) is not None:
            raise Refused(_INVALID, f"{field} is not offered by this venue")
    if body.get("extended_hours"):
        raise Refused(_INVALID, "extended_hours is not offered by this venue")
    listing = _listing(book, str(body.get("symbol") or ""))
    quantity = _number(body, "qty")
    limit_price = _limit_price(body, order_type, listing)
    _check_quantity(quantity, listing, time_in_force)
    request = SimRequest(
        client_order_id=client_order_id,
        native_id=listing.native_id,
        symbol=listing.symbol,
        currency=listing.currency,
        side=side,
        order_type=order_type,
        time_in_force=time_in_force,
        quantity=quantity,
        limit_price=limit_price,
    )
    _check_account(book, request, listing)
    return request


def standing(book: VenueBook, client_order_id: str) -> SimOrder | None:
    """The order under a client order id; what was refused never stood."""
    found = [order for order in book.engine.find(client_order_id) if order.state is not OrderState.REJECTED]
    return found[0] if found else None


def refusal_of(order: SimOrder) -> Refused:
    """What the engine's own refusal is at Alpaca."""
    if order.reject_code == "insufficient_funds":
        return Refused(_FORBIDDEN, "insufficient buying power")
    return Refused(_UNPROCESSABLE, f"order refused: {order.reject_code}")


def _client_order_id(book: VenueBook, body: Mapping[str, Any]) -> str:
    client_order_id = str(body.get("client_order_id") or uuid4())
    if len(client_order_id) > 128:
        raise Refused(_INVALID, "client_order_id must be no more than 128 characters")
    if standing(book, client_order_id) is not None:
        raise Refused(_INVALID, "client_order_id must be unique")
    return client_order_id


def _one_of(kind: type[T], value: Any, message: str) -> T:
    try:
        return kind(value)
    except ValueError:
        raise Refused(_INVALID, message) from None


def _listing(book: VenueBook, symbol: str) -> Listing:
    if not symbol:
        raise Refused(_INVALID, "symbol is required")
    listing = find_asset(book, symbol)
    if listing is None:
        raise Refused(_UNPROCESSABLE, f'asset "{symbol}" not found')
    if not is_active(listing):
        raise Refused(_UNPROCESSABLE, f"asset {symbol} is not active")
    if not listing.tradable:
        raise Refused(_UNPROCESSABLE, f"asset {symbol} is not tradable")
    return listing


def _number(body: Mapping[str, Any], field: str) -> Decimal:
    value = body.get(field)
    if value is None:
        raise Refused(_INVALID, f"{field} is required")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Refused(_INVALID, f"{field} must be a number") from None
    if number.is_finite() and abs(number.adjusted()) > MAX_MAGNITUDE:
        raise Refused(_INVALID, f"{field} must be a number")
    if not number.is_finite() or number <= 0:
        raise Refused(_INVALID, f"{field} must be > 0")
    return number


def _limit_price(body: Mapping[str, Any], order_type: OrderType, listing: Listing) -> Decimal | None:
    if order_type is OrderType.MARKET:
        if body.get("limit_price") is not None:
            raise Refused(_INVALID, "market orders require no stop or limit price")
        return None
    if body.get("limit_price") is None:
        raise Refused(_INVALID, "limit orders require limit price")
    price = _number(body, "limit_price")
    equity_step = CENT if price >= 1 else SUB_CENT
    if price % (listing.tick_size if kind_of(listing) == CRYPTO else equity_step):
        raise Refused(
            _UNPROCESSABLE, f"invalid limit_price {plain(price)}. sub-penny increment does not fulfill minimum pricing criteria"
        )
    return price


def _check_quantity(quantity: Decimal, listing: Listing, time_in_force: TimeInForce) -> None:
    if quantity % Decimal(1).scaleb(-QUANTITY_DIGITS):
        raise Refused(_INVALID, f"qty must have at most {QUANTITY_DIGITS} decimal places")
    if kind_of(listing) == CRYPTO:
        if time_in_force not in CRYPTO_TIMES:
            raise Refused(_UNPROCESSABLE, "invalid crypto time_in_force")
        if quantity % listing.lot_size:
            raise Refused(_UNPROCESSABLE, f"qty increment must be {plain(listing.lot_size)}")
        return
    if quantity % listing.lot_size:
        raise Refused(_FORBIDDEN, f'asset "{listing.symbol}" is not fractionable')
    if quantity % 1 and time_in_force is not TimeInForce.DAY:
        raise Refused(_UNPROCESSABLE, "fractional orders must be DAY orders")


def _check_account(book: VenueBook, request: SimRequest, listing: Listing) -> None:
    quote = book.engine.quote(request.native_id)
    price = request.limit_price or (quote.ask if quote else None)
    if request.side is Side.SELL:
        position = book.engine.positions.get(request.native_id)
        existing = position.quantity if position else Decimal(0)
        held = held_for_orders(book, request.native_id)
        free = plain(existing - held)
        if request.quantity > existing - held:
            raise Refused(
                _FORBIDDEN,
                f"insufficient qty available for order (requested: {plain(request.quantity)}, available: {free})",
                available=free,
                existing_qty=plain(existing),
                held_for_orders=plain(held),
                symbol=listing.symbol,
            )
        return
    if price is None:
        return
    cost, power = price * request.quantity, book.engine.cash.get(listing.currency, Decimal(0)) - reserved_cash(book)
    if listing.currency == "USD" and cost < (minimum := MINIMUM_COST.get(kind_of(listing), Decimal(1))):
        raise Refused(_FORBIDDEN, f"cost basis must be >= minimal amount of order {minimum}")
    if cost > power:
        raise Refused(_FORBIDDEN, "insufficient buying power", buying_power=plain(power), cost_basis=plain(cost))
