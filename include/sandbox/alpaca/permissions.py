"""What the account may do: flags that Alpaca sets, and configurations that its owner sets (PATCH /v2/account/configurations).

Texts: "account is not authorized to trade" alpaca-trade-api-csharp, issue 330; "crypto orders not allowed for account" with 422
40010001, as alpaca-java, issue 147, shows it of us_equity; "new orders are rejected by user request" is Alpaca's answer while
`suspend_trade` is on; the others: sources of include/brokers/alpaca/errors.yaml. Fields: alpaca-py, trading/models.py.
"""

import json
import logging
from typing import Any

from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.domain.model import Value
from include.errors import InputError
from include.sandbox.alpaca.venue import refusal, venue_of
from include.sandbox.book import VenueBook
from include.sandbox.files import read_json

logger = logging.getLogger(__name__)
ACCOUNT_FILE = "alpaca.account.json"
ACTIVE = "ACTIVE"
BLOCKED = (403, 40310000, "account is not authorized to trade")
SUSPENDED = (403, 40310000, "new orders are rejected by user request")
NO_CRYPTO = (422, 40010001, "crypto orders not allowed for account")
NO_FRACTIONS = (403, 40310000, "fractional trading is disabled for this account")
NO_SHORT = (403, 40310000, "account is not allowed to short")


class AccountFlags(Value):
    """What Alpaca itself decides of an account. It is a cash account, so it is never short.

    Attributes:
        trading_blocked: No orders.
        account_blocked: No orders either; at Alpaca no transfers too, which this venue has none of.
        crypto_status: Anything but `ACTIVE`: no orders for crypto.
        options_approved_level: 0 to 3; this venue lists no options, so it is only told.
    """

    trading_blocked: bool = False
    account_blocked: bool = False
    crypto_status: str = ACTIVE
    options_approved_level: int = Field(0, ge=0, le=3)


class Configurations(Value):
    """What the account's owner decides.

    Attributes:
        suspend_trade: No new orders.
        fractional_trading: Whether parts of a share can be traded, and amounts of money.
        max_options_trading_level: 0 to 3; None: as high as Alpaca approved.
    """

    suspend_trade: bool = False
    no_shorting: bool = False
    fractional_trading: bool = True
    max_margin_multiplier: str = "1"
    max_options_trading_level: int | None = Field(None, ge=0, le=3)
    trade_confirm_email: str = "none"
    ptp_no_exception_entry: bool = False


def flags_of(book: VenueBook) -> AccountFlags:
    """The flags that `set_flags` set, and over them those of `alpaca.account.json` beside the state, read at every question."""
    told: dict[str, Any] = dict(book.meta.get("account", {}))
    try:
        found = read_json(book.state_path.parent / ACCOUNT_FILE) if book.state_path else None
        return AccountFlags.model_validate({**told, **(found or {})})
    except (InputError, ValidationError, TypeError) as error:  # a venue must not end by somebody's file
        logger.warning("%s is left aside: %s", ACCOUNT_FILE, error)
        return AccountFlags.model_validate(told)


def set_flags(book: VenueBook, **flags: Any) -> AccountFlags:
    """Change flags, for good; what is not named stays.

    Raises:
        ValidationError: There is no such flag, or not with this value.
    """
    with book.lock:
        changed = AccountFlags.model_validate({**book.meta.get("account", {}), **flags})
        book.meta["account"] = changed.model_dump(mode="json")
        book.save()
        return changed


def configurations_of(book: VenueBook) -> Configurations:
    """The configurations."""
    return Configurations.model_validate(book.meta.get("configurations", {}))


def options_level(book: VenueBook) -> int:
    """The lower one of what Alpaca approved and what the owner wants."""
    approved, wanted = flags_of(book).options_approved_level, configurations_of(book).max_options_trading_level
    return approved if wanted is None else min(approved, wanted)


def forbidden(book: VenueBook) -> tuple[int, int, str] | None:
    """Status, code and text of the answer to any order; None where orders are taken."""
    flags = flags_of(book)
    if flags.trading_blocked or flags.account_blocked:
        return BLOCKED
    return SUSPENDED if configurations_of(book).suspend_trade else None


def forbidden_kind(book: VenueBook, crypto: bool, fraction: bool) -> tuple[int, int, str] | None:
    """The same to an order of a kind.

    Args:
        crypto: Whether it is for crypto.
        fraction: Whether it is for a part of a share, or for an amount of money.
    """
    if crypto:
        return None if flags_of(book).crypto_status == ACTIVE else NO_CRYPTO
    return NO_FRACTIONS if fraction and not configurations_of(book).fractional_trading else None


async def get_configurations(request: Request) -> Response:
    """GET /v2/account/configurations."""
    book = venue_of(request).book
    with book.lock:
        return JSONResponse(configurations_of(book).model_dump(mode="json"))


async def set_configurations(request: Request) -> Response:
    """PATCH /v2/account/configurations: what is told is changed, the rest stays; fields that there are not are ignored."""
    book = venue_of(request).book
    try:
        told = json.loads(await request.body())
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return refusal(400, 40010000, "request body format is invalid")
    known = {name: value for name, value in told.items() if name in Configurations.model_fields}
    with book.lock:
        try:
            changed = Configurations.model_validate({**book.meta.get("configurations", {}), **known}, strict=True)
        except ValidationError as error:
            return refusal(422, 40010001, f"invalid {error.errors()[0]['loc'][0]}")
        book.meta["configurations"] = changed.model_dump(mode="json")
        book.save()
        return JSONResponse(book.meta["configurations"])
