"""What Alpaca refuses about an order before it stands, in Alpaca's words and codes.

Rules: docs.alpaca.markets/docs/orders-at-alpaca, /docs/fractional-trading; texts: see `refused.py`.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from include.domain.order import OrderType, Side, TimeInForce
from include.sandbox.alpaca.account_check import check_account, price_for
from include.sandbox.alpaca.assets import CRYPTO, find_asset, is_active, kind_of
from include.sandbox.alpaca.desk import Desk
from include.sandbox.alpaca.desk_order import DeskOrder
from include.sandbox.alpaca.kind_check import check_kind, for_auction
from include.sandbox.alpaca.legs_check import read_legs
from include.sandbox.alpaca.permissions import forbidden, forbidden_kind
from include.sandbox.alpaca.refused import FORBIDDEN, INVALID, UNPROCESSABLE, Refused, permit
from include.sandbox.alpaca.sessions import next_open_close
from include.sandbox.alpaca.values import CENT, client_id, number, one_of, price
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing

TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
QUANTITY_DIGITS = 9
STEP = Decimal(1).scaleb(-QUANTITY_DIGITS)
SMALLEST_TRAIL_PERCENT = Decimal("0.1")
_PRICES = ("limit_price", "stop_price", "trail_price", "trail_percent")
_WANTED = {
    OrderType.MARKET: ((), "market orders require no stop or limit price"),
    OrderType.LIMIT: (("limit_price",), "limit orders require a limit price"),
    OrderType.STOP: (("stop_price",), "stop orders require a stop price"),
    OrderType.STOP_LIMIT: (("limit_price", "stop_price"), "stop limit orders require both stop and limit price"),
}


def read_order(desk: Desk, body: Mapping[str, Any]) -> tuple[DeskOrder, list[DeskOrder]]:
    """The order of a POST body, and its closing orders.

    Raises:
        Refused: The body, or what it asks for, is against the rules.
    """
    book, now = desk.book, desk.book.clock()
    permit(forbidden(book))
    client_order_id = client_id(desk, body)
    order_type = one_of(OrderType, body.get("type"), "invalid order type", TYPES)
    side = one_of(Side, body.get("side"), "invalid side")
    times = one_of(TimeInForce, body.get("time_in_force"), "invalid time_in_force")
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
    check_kind(order, listing)
    order = for_auction(order, now)
    check_account(book, order)
    return order, read_legs(book, order, body, listing)


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
