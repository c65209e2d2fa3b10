"""What the venue's requests share, and how Alpaca writes its answers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid4, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse

from include.sandbox.alpaca.codes import Codes
from include.sandbox.alpaca.desk import Desk
from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.book import VenueBook

_NAMESPACE = uuid5(NAMESPACE_DNS, "polybroker.sandbox.alpaca.account")
_LOW_BITS = 64


TOKEN_SECONDS = 899  # how long Alpaca's access tokens are good for
SKEW = timedelta(minutes=10)


@dataclass
class Venue:
    """One running venue.

    Attributes:
        book: Listings, account and orders.
        api_key / secret_key: What clients must send; the same are client id and secret where a token is asked for, of an app too.
        limiter: Requests per minute.
        tokens: Access token -> when it ends, None for one of a log-in; they do not survive a restart.
        codes: What logging in at the page gave and nobody has exchanged yet.
        skewed: Whether the answer that is being made shows a clock that is minutes off (a fault).
    """

    book: VenueBook
    api_key: str
    secret_key: str
    limiter: Limiter = field(default_factory=Limiter)
    tokens: dict[str, datetime | None] = field(default_factory=dict)
    codes: Codes = field(default_factory=Codes)
    skewed: bool = False
    _desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        """The orders of the book."""
        if self._desk is None or self._desk.book is not self.book:
            self._desk = Desk(self.book)
        return self._desk

    def new_token(self, *, ends: bool = True) -> str:
        """An access token, good for `TOKEN_SECONDS` or without end."""
        token = uuid4().hex
        self.tokens[token] = self.book.clock() + timedelta(seconds=TOKEN_SECONDS) if ends else None
        return token

    def knows(self, token: str) -> bool:
        """Whether an access token is good now."""
        ends = self.tokens.get(token)
        return token in self.tokens and (ends is None or self.book.clock() < ends)

    @property
    def account_id(self) -> UUID:
        """The account's id, the same after a restart."""
        return uuid5(_NAMESPACE, self.book.account_code)

    def order_uuid(self, number: int) -> UUID:
        """The id that clients see of an order."""
        return UUID(int=(self.account_id.int >> _LOW_BITS << _LOW_BITS) | number)

    def order_number(self, order_uuid: UUID) -> int:
        """The desk's number again; 0 for an id of somebody else's order."""
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


def amount(number: Decimal | None) -> str | None:
    """The same, or null."""
    return None if number is None else plain(number)


def execution_id(venue: Venue, fill_id: str) -> str:
    """The id that clients see of an engine's fill, the same in activities and in the stream."""
    return str(uuid5(venue.account_id, fill_id))


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with nanoseconds, as Alpaca writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
