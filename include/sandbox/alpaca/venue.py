"""What the venue's requests share, and how Alpaca writes its answers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse

from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.book import VenueBook

_NAMESPACE = uuid5(NAMESPACE_DNS, "polybroker.sandbox.alpaca.account")
_LOW_BITS = 64


@dataclass
class Venue:
    """One running venue.

    Attributes:
        book: Listings, account and orders.
        api_key / secret_key: What clients must send.
        limiter: Requests per minute.
    """

    book: VenueBook
    api_key: str
    secret_key: str
    limiter: Limiter = field(default_factory=Limiter)

    @property
    def account_id(self) -> UUID:
        """The account's id, the same after a restart."""
        return uuid5(_NAMESPACE, self.book.account_code)

    def order_uuid(self, order_id: int) -> UUID:
        """The id that clients see of an engine's order."""
        return UUID(int=(self.account_id.int >> _LOW_BITS << _LOW_BITS) | order_id)

    def order_id(self, order_uuid: UUID) -> int:
        """The engine's id again; 0 for an id of somebody else's order."""
        same = order_uuid.int >> _LOW_BITS == self.account_id.int >> _LOW_BITS
        return order_uuid.int & ((1 << _LOW_BITS) - 1) if same else 0


def venue_of(request: Request) -> Venue:
    """The venue a request arrived at."""
    found = request.app.state.venue
    assert isinstance(found, Venue)
    return found


def refusal(status: int, code: int | None, message: str, **details: Any) -> JSONResponse:
    """Alpaca's error body; without a code for what its gateway answers (`{"message": "forbidden."}`)."""
    body = {"message": message} if code is None else {"code": code, "message": message, **details}
    return JSONResponse(body, status_code=status)


def plain(number: Decimal) -> str:
    """Alpaca's text of a number: no exponent, no trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with nanoseconds, as Alpaca writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
