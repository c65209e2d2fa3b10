"""Single values of a request's body, checked. Everything here raises `Refused`."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar
from uuid import uuid4

from include.sandbox.alpaca.assets import CRYPTO, kind_of
from include.sandbox.alpaca.desk import Desk
from include.sandbox.alpaca.refused import INVALID, UNPROCESSABLE, Refused
from include.sandbox.alpaca.venue import plain
from include.sandbox.catalogue import Listing

MAX_MAGNITUDE = 15  # of a number, as a power of ten: beyond it nothing can be counted in steps
CENT, SUB_CENT = Decimal("0.01"), Decimal("0.0001")

T = TypeVar("T", bound=StrEnum)


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


def one_of(kind: type[T], value: Any, message: str, among: frozenset[T] | None = None) -> T:
    """A word of a kind, and where told one of some."""
    try:
        found = kind(value)
    except ValueError:
        raise Refused(INVALID, message) from None
    if among is not None and found not in among:
        raise Refused(INVALID, message)
    return found


def json_object(value: Any) -> Mapping[str, Any]:
    """An object inside of a body."""
    if not isinstance(value, Mapping):
        raise Refused((400, 40010000), "request body format is invalid")
    return value
