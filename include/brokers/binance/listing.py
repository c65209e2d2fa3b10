"""Binance's spot symbols as contracts: GET /api/v3/exchangeInfo (binance-spot-api-docs: rest-api.md, filters.md, enums.md)."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from include.brokers.listing import Row, batches, fractions, json_object, minimum, rows_of, step, word
from include.domain.instrument import AssetClass

NAME = "binance"


def contracts(payload: bytes, config: Mapping[str, Any], as_of: date) -> Iterator[pa.RecordBatch]:
    """Spot symbols; see `include.brokers.listing.ListReader`. Nothing here expires, and the API tells no names.

    A leveraged token (`BTCUP`, `BTCDOWN`) is a coin of its own: its base is what Binance calls it.
    """
    return batches(NAME, rows_of(json_object(payload, NAME), NAME, "symbols"), _row)


def _row(symbol: Mapping[str, Any]) -> Row:
    filters = {found["filterType"]: found for found in symbol["filters"]}
    lot = step(filters.get("LOT_SIZE", {}).get("stepSize"), symbol["baseAssetPrecision"])
    # Before 2023 the smallest order was in MIN_NOTIONAL, since then in NOTIONAL.
    smallest = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
    reason = _inactive(word(symbol, "status"), symbol["isSpotTradingAllowed"])
    return {
        "native_id": word(symbol, "symbol"),
        "symbol": symbol["symbol"],
        "base": word(symbol, "baseAsset"),
        "asset_class": AssetClass.CRYPTO.value,
        "currency": word(symbol, "quoteAsset"),
        "lot_size": lot,
        "tick_size": step(filters.get("PRICE_FILTER", {}).get("tickSize"), symbol["quotePrecision"]),
        "min_notional": minimum(smallest.get("minNotional")),
        "tradable": reason is None,
        "fractionable": fractions(lot),
        "inactive_reason": reason,
    }


def _inactive(status: str, spot: bool) -> str | None:
    if status != "TRADING":
        return status.lower()
    return None if spot is True else "no_spot_trading"
