"""Market data, made of the engine's marks: the latest quotes, trades and minute bars, and bars of what was seen so far."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.sandbox.alpaca.assets import CRYPTO, EQUITY, kind_of
from include.sandbox.alpaca.desk import Desk
from include.sandbox.alpaca.sessions import NEW_YORK
from include.sandbox.alpaca.venue import refusal, stamp, venue_of
from include.simulation.engine import SimQuote

_SYMBOL = re.compile(r"[A-Z0-9]+([./-][A-Z0-9]+)*")
SIZE = 100
MAX_BARS = 10_000
# Alpaca's word for a size: the beginning of the bar that a moment falls in.
_SIZES: dict[str, Callable[[datetime], datetime]] = {
    "1Min": lambda moment: moment.replace(second=0, microsecond=0),
    "1Hour": lambda moment: moment.replace(minute=0, second=0, microsecond=0),
    "1Day": lambda moment: moment.replace(hour=0, minute=0, second=0, microsecond=0),
}


def quote_json(quote: SimQuote) -> dict[str, Any]:
    """A quote; market data are numbers at Alpaca, not texts."""
    return {
        "t": stamp(quote.time),
        "ax": "V",
        "ap": float(quote.ask),
        "as": SIZE,
        "bx": "V",
        "bp": float(quote.bid),
        "bs": SIZE,
        "c": ["R"],
        "z": "C",
    }


def bar_json(quote: SimQuote) -> dict[str, Any]:
    """The minute of the last mark."""
    last = float(quote.last)
    return {"t": stamp(quote.time), "o": last, "h": last, "l": last, "c": last, "v": SIZE, "n": 1, "vw": last}


def trade_json(quote: SimQuote) -> dict[str, Any]:
    """The last mark as a trade."""
    return {"t": stamp(quote.time), "x": "V", "p": float(quote.last), "s": SIZE, "c": ["@"], "i": 1, "z": "C"}


def _latest(request: Request, kind: str, name: str, row: Callable[[SimQuote], dict[str, Any]]) -> Response:
    """Rows by symbol; a symbol without data is left out, a malformed one is refused with the whole request."""
    symbols = [s for s in request.query_params.get("symbols", "").split(",") if s]
    if not symbols:
        return refusal(400, None, "symbols is required")
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            return refusal(400, None, f"invalid symbol: {symbol}")
    book = venue_of(request).book
    wanted, found = set(symbols), {}
    with book.lock:
        for listing in book.listings:
            quote = book.engine.quote(listing.native_id) if listing.symbol in wanted and kind_of(listing) == kind else None
            if quote is not None:
                found[listing.symbol] = row(quote)
    return JSONResponse({name: found})


async def stock_quotes(request: Request) -> Response:
    """GET /v2/stocks/quotes/latest."""
    return _latest(request, EQUITY, "quotes", quote_json)


async def stock_bars(request: Request) -> Response:
    """GET /v2/stocks/bars/latest."""
    return _latest(request, EQUITY, "bars", bar_json)


async def stock_trades(request: Request) -> Response:
    """GET /v2/stocks/trades/latest."""
    return _latest(request, EQUITY, "trades", trade_json)


async def crypto_quotes(request: Request) -> Response:
    """GET /v1beta3/crypto/us/latest/quotes."""
    return _latest(request, CRYPTO, "quotes", quote_json)


async def stock_history(request: Request) -> Response:
    """GET /v2/stocks/bars; days begin at New York's midnight."""
    return _history(request, EQUITY)


async def crypto_history(request: Request) -> Response:
    """GET /v1beta3/crypto/us/bars."""
    return _history(request, CRYPTO)


def _history(request: Request, kind: str) -> Response:
    """Bars by symbol, `limit` of them over all symbols; `page_token` is the number of bars told before."""
    query = request.query_params
    begin = _SIZES.get(query.get("timeframe", ""))
    try:
        start, end = (_moment(query.get(name)) for name in ("start", "end"))
        limit, skip = min(int(query.get("limit", "1000")), MAX_BARS), int(query.get("page_token") or 0)
    except ValueError:
        return refusal(400, None, "invalid start, end, limit or page_token")
    if begin is None:
        return refusal(400, None, f"invalid timeframe: {query.get('timeframe', '')}")
    venue, wanted = venue_of(request), {s for s in query.get("symbols", "").split(",") if s}
    zone = UTC if kind == CRYPTO else NEW_YORK
    with venue.book.lock:
        rows = [
            (listing.symbol, bar)
            for listing in venue.book.listings
            if listing.symbol in wanted and kind_of(listing) == kind
            for bar in _bars(venue.desk, listing.native_id, lambda moment: begin(moment.astimezone(zone)), start, end)
        ]
    page: dict[str, list[dict[str, Any]]] = {}
    for symbol, bar in rows[skip : skip + limit]:
        page.setdefault(symbol, []).append(bar)
    more = str(skip + limit) if skip + limit < len(rows) else None
    return JSONResponse({"bars": page, "next_page_token": more})


def _bars(
    desk: Desk, native_id: str, begin: Callable[[datetime], datetime], start: datetime | None, end: datetime | None
) -> list[dict[str, Any]]:
    """Bars of the tape that begin between `start` and `end`, both included."""
    prices: dict[datetime, list[float]] = {}
    for moment, price in desk.tape_of(native_id):
        prices.setdefault(begin(moment), []).append(float(price))
    return [
        {
            "t": stamp(time),
            "o": seen[0],
            "h": max(seen),
            "l": min(seen),
            "c": seen[-1],
            "v": SIZE * len(seen),
            "n": len(seen),
            "vw": sum(seen) / len(seen),
        }
        for time, seen in sorted(prices.items())
        if (start is None or time >= start) and (end is None or time <= end)
    ]


def _moment(text: str | None) -> datetime | None:
    """A time of a query; UTC where it names no zone."""
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
