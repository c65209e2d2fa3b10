"""Crypto.com's instruments as contracts: GET public/get-instruments of the Exchange API v1."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from include.brokers.listing import EXPIRED, Row, batches, day_of, fractions, json_object, rows_of, step, word
from include.domain.instrument import AssetClass
from include.errors import BrokerUnavailable

NAME = "crypto_com"
SPOT, PERPETUAL = "CCY_PAIR", "PERPETUAL_SWAP"
KINDS = {SPOT: AssetClass.CRYPTO, PERPETUAL: AssetClass.FUTURE, "FUTURE": AssetClass.FUTURE, "WARRANT": AssetClass.OPTION}


def contracts(payload: bytes, config: Mapping[str, Any], as_of: date) -> Iterator[pa.RecordBatch]:
    """Spot pairs and derivatives; see `include.brokers.listing.ListReader`.

    The quote side is the venue's own word: `USD` is neither `USDT` nor `USDC`, and `USD_Stable_Coin` (2022) none of them.
    """
    document = json_object(payload, NAME)
    if code := document.get("code"):
        raise BrokerUnavailable(f"crypto_com answered with error {code}: {document.get('message')}")
    return batches(NAME, rows_of(document, NAME, "result", "data"), lambda instrument: _row(instrument, as_of))


def _row(instrument: Mapping[str, Any], as_of: date) -> Row:
    kind = KINDS.get(word(instrument, "inst_type"), AssetClass.OTHER)
    expiry = _expiry(instrument)
    lot = step(instrument["qty_tick_size"])
    expired = expiry is not None and expiry < as_of.isoformat()
    reason = EXPIRED if expired else None if instrument["tradable"] is True else "not_tradable"
    return {
        "native_id": word(instrument, "symbol"),
        "symbol": instrument["symbol"],
        "base": word(instrument, "base_ccy") if kind is AssetClass.CRYPTO else None,
        "name": instrument.get("display_name") or "",
        "asset_class": kind.value,
        "currency": word(instrument, "quote_ccy"),
        "expiry": expiry,
        "multiplier": step(instrument.get("contract_size") or "1"),
        "lot_size": lot,
        "tick_size": step(instrument["price_tick_size"]),
        "tradable": reason is None,
        "fractionable": fractions(lot),
        "inactive_reason": reason,
    }


def _expiry(instrument: Mapping[str, Any]) -> str | None:
    """Day on which an instrument ends; None for pairs and perpetual swaps, which may bear a time all the same."""
    moment = instrument.get("expiry_timestamp_ms")
    return day_of(moment) if moment and instrument["inst_type"] not in (SPOT, PERPETUAL) else None
