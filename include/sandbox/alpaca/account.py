"""GET /v2/account and /v2/positions."""

from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.sandbox.alpaca.assets import find_asset, kind_of
from include.sandbox.alpaca.desk import Desk, held_for_orders, reserved_cash
from include.sandbox.alpaca.permissions import configurations_of, flags_of, options_level
from include.sandbox.alpaca.venue import Venue, plain, refusal, venue_of
from include.sandbox.book import VenueBook
from include.simulation.engine import SimPosition

CENT = Decimal("0.01")
ZERO = Decimal(0)


def price_of(book: VenueBook, position: SimPosition) -> Decimal:
    """Last price of a holding, its cost where there is none."""
    quote = book.engine.quote(position.native_id)
    return quote.last if quote else position.average_cost


def account_json(venue: Venue) -> dict[str, Any]:
    """The account: a cash account in USD, so buying power is the cash that is not set aside."""
    book = venue.book
    flags, own = flags_of(book), configurations_of(book)
    cash = book.engine.cash.get("USD", ZERO)
    held = [p for p in book.engine.positions.values() if p.currency == "USD"]
    market_value = sum((p.quantity * price_of(book, p) for p in held), ZERO)
    equity, power = plain((cash + market_value).quantize(CENT)), plain(max(cash - reserved_cash(venue.desk), ZERO).quantize(CENT))
    return {
        "id": str(venue.account_id),
        "account_number": book.account_code,
        "status": "ACTIVE",
        "crypto_status": flags.crypto_status,
        "currency": "USD",
        "cash": plain(cash.quantize(CENT)),
        "equity": equity,
        "last_equity": equity,
        "portfolio_value": equity,
        "long_market_value": plain(market_value.quantize(CENT)),
        "short_market_value": "0",
        "buying_power": power,
        "regt_buying_power": power,
        "non_marginable_buying_power": power,
        "daytrading_buying_power": "0",
        "multiplier": "1",
        "pattern_day_trader": False,
        "trading_blocked": flags.trading_blocked,
        "transfers_blocked": False,
        "account_blocked": flags.account_blocked,
        "shorting_enabled": False,
        "trade_suspended_by_user": own.suspend_trade,
        "options_approved_level": flags.options_approved_level,
        "options_trading_level": options_level(book),
        "daytrade_count": 0,
    }


def position_json(desk: Desk, position: SimPosition) -> dict[str, Any]:
    """A holding; Alpaca writes pairs without the slash here (`BTCUSD`)."""
    book = desk.book
    listing = book.by_native_id.get(position.native_id)
    price = price_of(book, position)
    cost, value = position.quantity * position.average_cost, position.quantity * price
    return {
        "asset_id": position.native_id,
        "symbol": position.symbol.replace("/", ""),
        "exchange": listing.exchange if listing else "",
        "asset_class": kind_of(listing) if listing else "us_equity",
        "asset_marginable": False,
        "avg_entry_price": plain(position.average_cost),
        "qty": plain(position.quantity),
        "qty_available": plain(position.quantity - held_for_orders(desk, position.native_id)),
        "side": "long",
        "market_value": plain(value),
        "cost_basis": plain(cost),
        "unrealized_pl": plain(value - cost),
        "unrealized_plpc": plain((value / cost - 1).quantize(Decimal("0.000001"))) if cost else "0",
        "current_price": plain(price),
        "lastday_price": plain(price),
        "change_today": "0",
    }


async def get_account(request: Request) -> Response:
    """The account."""
    venue = venue_of(request)
    with venue.book.lock:
        venue.desk.advance()
        return JSONResponse(account_json(venue))


async def list_positions(request: Request) -> Response:
    """All holdings."""
    venue = venue_of(request)
    with venue.book.lock:
        venue.desk.advance()
        return JSONResponse([position_json(venue.desk, position) for position in venue.book.engine.positions.values()])


async def get_position(request: Request) -> Response:
    """One holding by symbol or asset id."""
    venue = venue_of(request)
    book = venue.book
    with book.lock:
        venue.desk.advance()
        listing = find_asset(book, request.path_params["symbol"])
        position = book.engine.positions.get(listing.native_id) if listing else None
        if position is None:
            return refusal(404, 40410000, "position does not exist")
        return JSONResponse(position_json(venue.desk, position))
