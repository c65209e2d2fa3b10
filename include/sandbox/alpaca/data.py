"""Market data: the latest quotes, trades and minute bars, made of the engine's marks."""

import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.sandbox.alpaca.assets import CRYPTO, EQUITY, kind_of
from include.sandbox.alpaca.venue import refusal, stamp, venue_of
from include.simulation.engine import SimQuote

_SYMBOL = re.compile(r"[A-Z0-9]+([./-][A-Z0-9]+)*")
SIZE = 100


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
