"""Alpaca's assets as contracts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from include.brokers.listing import BATCH_ROWS, batches, json_array
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass
from include.errors import BrokerUnavailable

EQUITY, CRYPTO = "us_equity", "crypto"


def contracts(payload: bytes, config: Mapping[str, Any], as_of: date) -> Iterator[pa.RecordBatch]:
    """The assets of a saved answer of GET /v2/assets; see `include.brokers.listing.ListReader`. Nothing here expires."""
    return batches("alpaca", json_array(payload, "alpaca"), AssetReader(config).row)


class AssetReader:
    """Reads the answers of GET /v2/assets.

    The API calls shares and funds alike `us_equity`. Only whole words of the name that no company uses (`etf_name_words`) make
    an `etf`; everything else stays a `stock`. A fund that hides is a stock that nobody asks for; a company taken for a fund would
    never be found.

    Args:
        config: The broker's YAML (`exchanges`, `etf_name_words`, `min_notional`).
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._mics: Mapping[str, str] = config.get("exchanges") or {}
        self._minimum: Mapping[str, Mapping[str, str]] = config.get("min_notional") or {}
        words = "|".join(re.escape(word) for word in config.get("etf_name_words") or ())
        self._etf = re.compile(rf"\b(?:{words})\b") if words else None

    def mic(self, exchange: str) -> str:
        """MIC of Alpaca's word for a market; "" where it is no single market, or an unknown word."""
        return str(self._mics.get(exchange, ""))

    def batches(self, assets: Sequence[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
        """Assets in `CONTRACT_SCHEMA`, at most `BATCH_ROWS` rows at a time; no assets give no batch.

        Raises:
            BrokerUnavailable: A row is no asset: the answer cannot be trusted.
        """
        for start in range(0, len(assets), BATCH_ROWS):
            rows = [self.row(asset) for asset in assets[start : start + BATCH_ROWS]]
            yield pa.RecordBatch.from_pylist(rows, schema=CONTRACT_SCHEMA)

    def row(self, asset: Mapping[str, Any]) -> dict[str, Any]:
        """One asset as a row of `CONTRACT_SCHEMA`. Raises `BrokerUnavailable` for something else than an asset."""
        try:
            native_id, symbol, kind, status = asset["id"], asset["symbol"], asset["class"], asset["status"]
        except (KeyError, TypeError) as error:
            raise BrokerUnavailable(f"alpaca listed an asset without id, symbol, class or status: {str(asset)[:120]}") from error
        name, exchange = asset.get("name") or "", asset.get("exchange") or ""
        currency = symbol.rpartition("/")[2] if kind == CRYPTO else "USD"
        active, tradable = status == "active", bool(asset.get("tradable"))
        step = asset.get("min_trade_increment") or asset.get("min_order_size") if kind == CRYPTO else None
        return {
            "broker": "alpaca",
            "native_id": native_id,
            "symbol": symbol,
            "base": symbol.rpartition("/")[0] or None if kind == CRYPTO else None,
            "name": name,
            "asset_class": self._asset_class(kind, name),
            "currency": currency,
            "mic": self.mic(exchange),
            "exchange": exchange,
            "multiplier": "1",
            "price_magnifier": "1",
            "lot_size": str(step or 1),
            "tick_size": str((asset.get("price_increment") if kind == CRYPTO else None) or "0.01"),
            "min_notional": self._minimum.get(kind, {}).get(currency),
            "tradable": active and tradable,
            "fractionable": bool(asset.get("fractionable")),
            "inactive_reason": None if active and tradable else ("not tradable" if active else str(status)),
        }

    def _asset_class(self, kind: str, name: str) -> str:
        if kind == CRYPTO:
            return AssetClass.CRYPTO.value
        if kind != EQUITY:
            return AssetClass.OTHER.value
        return AssetClass.ETF.value if self._etf and self._etf.search(name) else AssetClass.STOCK.value
