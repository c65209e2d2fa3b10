"""The closing orders of a bracket or an `oto`, and what is refused about them."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from include.domain.order import OrderType, Side
from include.sandbox.alpaca.desk_order import DeskOrder
from include.sandbox.alpaca.refused import INVALID, UNPROCESSABLE, Refused
from include.sandbox.alpaca.values import CENT, json_object, price
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing


def read_legs(book: VenueBook, order: DeskOrder, body: Mapping[str, Any], listing: Listing) -> list[DeskOrder]:
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
        found.append({"order_type": OrderType.LIMIT, "limit_price": price(json_object(gain), "limit_price", listing)})
    if loss:
        stop = {"order_type": OrderType.STOP, "stop_price": price(json_object(loss), "stop_price", listing)}
        if json_object(loss).get("limit_price") is not None:
            stop |= {"order_type": OrderType.STOP_LIMIT, "limit_price": price(json_object(loss), "limit_price", listing)}
        found.append(stop)
    _check_distance(book, order, found)
    common: dict[str, Any] = {"side": Side.SELL, "status": "held", "parent": order.number, "limit_price": None}
    return [
        order.model_copy(update={**common, "number": order.number + 1 + n, "client_order_id": str(uuid4()), **leg})
        for n, leg in enumerate(found)
    ]


def _check_distance(book: VenueBook, order: DeskOrder, legs: list[dict[str, Any]]) -> None:
    """A gain is taken above the entry's price, a loss at least a cent below it (and below the market)."""
    quote = book.engine.quote(order.native_id)
    bases = [base for base in (order.limit_price, quote.last if quote else None) if base is not None]
    for leg in legs:
        if leg["order_type"] is OrderType.LIMIT and any(leg["limit_price"] < base + CENT for base in bases[:1]):
            raise Refused(UNPROCESSABLE, "take_profit.limit_price must be >= base_price + 0.01")
        if leg["order_type"] is not OrderType.LIMIT and any(leg["stop_price"] > base - CENT for base in bases):
            raise Refused(UNPROCESSABLE, "stop_loss.stop_price must be <= base_price - 0.01")
