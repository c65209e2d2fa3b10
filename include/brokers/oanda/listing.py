"""OANDA's instruments as contracts: GET /v3/accounts/{id}/instruments of the v20 API, which lists what that account may trade."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from include.brokers.listing import Row, batches, fractions, json_object, rows_of, step, word
from include.domain.instrument import AssetClass

NAME = "oanda"
KINDS = {"CURRENCY": AssetClass.FX, "METAL": AssetClass.METAL, "CFD": AssetClass.CFD}


def contracts(payload: bytes, config: Mapping[str, Any], as_of: date) -> Iterator[pa.RecordBatch]:
    """Currency pairs, metals and contracts for difference; see `include.brokers.listing.ListReader`."""
    return batches(NAME, rows_of(json_object(payload, NAME), NAME, "instruments"), _row)


def _row(instrument: Mapping[str, Any]) -> Row:
    kind = KINDS.get(word(instrument, "type"), AssetClass.OTHER)
    base, _, currency = word(instrument, "name").rpartition("_")
    if not base or not currency:
        raise ValueError("expected a name of two parts")
    # A smallest order above one step (none is known) becomes the step: orders are then a multiple that is never too small.
    lot = max(step(None, instrument["tradeUnitsPrecision"]), step(instrument["minimumTradeSize"]), key=Decimal)
    return {
        "native_id": instrument["name"],
        "symbol": instrument["name"],
        "base": base if kind in (AssetClass.FX, AssetClass.METAL) else None,
        "name": instrument.get("displayName") or "",
        "asset_class": kind.value,
        "currency": currency,
        "lot_size": lot,
        "tick_size": step(None, instrument["displayPrecision"]),
        "tradable": True,
        "fractionable": fractions(lot),
    }
