"""The universe document as allocation reads it: typed access whose faults name file, ticker and field."""

import math
import re
from collections.abc import Iterator
from typing import Any

from include.domain import identifiers
from include.errors import InputError

Document = dict[str, Any]
Stock = dict[str, Any]

_PERCENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)%")  # the same as screening accepts
_LARGEST = 1e6  # nothing grows a million times in a quarter; more would only overflow in the statistics


def section(document: Document, name: str, source: object) -> dict[str, Any]:
    """A mapping of the document (`metadata`, `screens`, `all_stocks`); absent or of another type is an `InputError`."""
    found = document.get(name) if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise InputError("expected a mapping", source=source, field=name, value=type(found).__name__)
    return found


def screens(document: Document, source: object) -> dict[str, list[Stock]]:
    """Screen key to its stocks, in the document's order. A screen whose ticker stands twice is an `InputError`."""
    found: dict[str, list[Stock]] = {}
    for key, screen in section(document, "screens", source).items():
        stocks = screen.get("stocks") if isinstance(screen, dict) else None
        if not isinstance(stocks, list):
            raise InputError("expected a list", source=source, field=f"screens.{key}.stocks", value=type(stocks).__name__)
        seen: set[str] = set()
        for number, stock in enumerate(stocks, 1):
            ticker = stock.get("ticker") if isinstance(stock, dict) else None
            if not isinstance(ticker, str) or ticker in seen:
                raise InputError("expected each ticker once", source=source, row=number, field=f"screens.{key}", value=ticker)
            seen.add(ticker)
        found[key] = stocks
    return found


def members(document: Document, source: object) -> dict[str, Stock]:
    """Ticker to stock in `all_stocks`; a key that is not its ticker, or a screen's stock missing there, is an `InputError`."""
    found = section(document, "all_stocks", source)
    for ticker, stock in found.items():
        if not isinstance(stock, dict) or stock.get("ticker") != ticker:
            raise InputError("expected a stock under its ticker", source=source, field=f"all_stocks.{ticker}")
    for key, stocks in screens(document, source).items():
        for stock in stocks:
            if stock["ticker"] not in found:
                raise InputError(f"expected the stocks of screen {key}", source=source, field="all_stocks", value=stock["ticker"])
    return found


def every_stock(document: Document, source: object) -> Iterator[Stock]:
    """Every stock entry: those of `all_stocks`, then those of each screen (a name in two screens comes three times)."""
    yield from members(document, source).values()
    for stocks in screens(document, source).values():
        yield from stocks


def instrument_id(stock: Stock) -> str:
    """The key that listings of one instrument share; without one the ticker stands for itself."""
    return str(stock.get("instrument_id") or identifiers.instrument_id(isin=stock.get("isin"), ticker=stock["ticker"]))


def positive(stock: Stock, field: str, source: object) -> float:
    """A positive finite number of a stock.

    Raises:
        InputError: Missing, not a number, NaN, infinite, zero or negative.
    """
    value = stock.get(field)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise InputError("expected a positive number", source=source, field=f"{stock.get('ticker')}.{field}", value=value)
    return float(value)


def percent(value: object, source: object, field: str) -> float:
    """`"-9.09%"` as a fraction (-0.0909).

    Raises:
        InputError: Anything else than a decimal number followed by the percent sign, or more than a millionfold.
    """
    if not isinstance(value, str) or not _PERCENT.fullmatch(value):
        raise InputError('expected a percentage such as "-9.09%"', source=source, field=field, value=value)
    number = float(value[:-1]) / 100
    if abs(number) > _LARGEST:
        raise InputError("expected a percentage of at most a millionfold", source=source, field=field, value=value[:40])
    return number
