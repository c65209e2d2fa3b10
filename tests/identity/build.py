"""Statements, claims and queries for the tests, true ones of well-known companies."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.identity.source import Identity, Query
from include.identity.table import IDENTITY_SCHEMA
from include.settings import load_settings

MARKETS = load_settings().markets
APPLE, MICROSOFT, NVIDIA, TOYOTA, IBM = "US0378331005", "US5949181045", "US67066G1040", "JP3633400001", "US4592001014"
APPLE_FIGI, APPLE_CLASS = "BBG000B9XRY4", "BBG001S5N8V8"
IBM_FIGI, IBM_CLASS = "BBG000BLNNH6", "BBG001S5S399"
ADDED = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
JANUARY, FEBRUARY, MARCH = date(2026, 1, 5), date(2026, 2, 5), date(2026, 3, 5)


def said(isin: str, symbol: str, **other: Any) -> dict[str, Any]:
    """One statement: a US stock, named after its symbol, said in January by a list, but for what is said otherwise."""
    row = {
        "isin": isin,
        "figi": None,
        "share_class_figi": None,
        "cusip": None,
        "market": "US",
        "symbol": symbol,
        "currency": "USD",
        "asset_class": "stock",
        "name": f"{symbol} Corp",
        "source": "list",
        "source_date": JANUARY,
        "added_at": ADDED,
    }
    return row | other


def table(*statements: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(statements), schema=IDENTITY_SCHEMA)


def query(symbol: str = "AAPL", **other: Any) -> Query:
    values = {"key": symbol, "symbol": symbol, "market": "US", "currency": "USD", "name": f"{symbol} Corp"}
    return Query.model_validate(values | {"asset_class": "stock"} | other)


def identity(symbol: str = "AAPL", **other: Any) -> Identity:
    values = {
        "isin": APPLE,
        "market": "US",
        "symbol": symbol,
        "currency": "USD",
        "asset_class": "stock",
        "name": f"{symbol} Corp",
    }
    return Identity.model_validate(values | {"source": "list", "source_date": JANUARY} | other)


def same_name(ours: str, theirs: str) -> bool:
    """Names are plausible when they are the same but for capitals."""
    return ours.lower() == theirs.lower()


def same_names(ours: pa.Array, theirs: pa.Array) -> pa.Array:
    """The same for columns."""
    return pc.equal(pc.utf8_lower(ours), pc.utf8_lower(theirs))
