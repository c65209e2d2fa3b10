"""GET /v2/assets and /v2/assets/{symbol or id}."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.domain.instrument import AssetClass
from include.sandbox.alpaca.venue import plain, refusal, venue_of
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing

EQUITY, CRYPTO = "us_equity", "crypto"
# Reasons that leave an asset `active` though it cannot be traded; every other one makes it `inactive`.
_STILL_ACTIVE = frozenset({"halted", "not tradable"})


def kind_of(listing: Listing) -> str:
    """Alpaca's class of a listing: it knows `us_equity` and `crypto`."""
    return CRYPTO if listing.asset_class is AssetClass.CRYPTO else EQUITY


def is_active(listing: Listing) -> bool:
    """Whether Alpaca calls the asset `active`."""
    return listing.tradable or listing.inactive_reason in _STILL_ACTIVE


def asset_json(listing: Listing) -> dict[str, Any]:
    """A listing as Alpaca writes an asset."""
    crypto = kind_of(listing) == CRYPTO
    asset: dict[str, Any] = {
        "id": listing.native_id,
        "class": kind_of(listing),
        "exchange": listing.exchange,
        "symbol": listing.symbol,
        "name": listing.name,
        "status": "active" if is_active(listing) else "inactive",
        "tradable": listing.tradable,
        "marginable": listing.tradable and not crypto,
        "maintenance_margin_requirement": 100 if crypto else 30,
        "shortable": False,
        "easy_to_borrow": False,
        "fractionable": listing.lot_size < 1,
        "attributes": [],
    }
    if crypto:
        lot = plain(listing.lot_size)
        asset |= {"min_order_size": lot, "min_trade_increment": lot, "price_increment": plain(listing.tick_size)}
    return asset


def find_asset(book: VenueBook, symbol_or_id: str) -> Listing | None:
    """A listing by id, or by symbol: the active one where several bear it. `BTCUSD` means `BTC/USD`."""
    if found := book.by_native_id.get(symbol_or_id):
        return found
    named = [listing for listing in book.listings if symbol_or_id in (listing.symbol, listing.symbol.replace("/", ""))]
    return next((listing for listing in named if is_active(listing)), named[0] if named else None)


async def list_assets(request: Request) -> Response:
    """All assets of one class (`us_equity` unless asked otherwise), whatever their status unless asked otherwise."""
    query = request.query_params
    kind, status, exchange = query.get("asset_class", EQUITY), query.get("status"), query.get("exchange")
    book = venue_of(request).book
    with book.lock:
        assets = [asset_json(listing) for listing in book.listings if kind_of(listing) == kind]
    return JSONResponse(
        [a for a in assets if status in (None, "all", a["status"]) and exchange in (None, a["exchange"])],
    )


async def get_asset(request: Request) -> Response:
    """One asset by symbol or id."""
    wanted = request.path_params["symbol"]
    listing = find_asset(venue_of(request).book, wanted)
    return refusal(404, 40410000, f"asset not found for {wanted}") if listing is None else JSONResponse(asset_json(listing))
