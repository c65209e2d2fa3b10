"""The list of contracts, from the payload as the API sends it to `CONTRACT_SCHEMA`. Pure: a kept payload is read the same way."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass
from include.errors import BrokerUnavailable

NAME = "template"
BATCH_ROWS = 4096


def contracts(payload: bytes, config: Mapping[str, Any], as_of: date) -> Iterator[pa.RecordBatch]:
    """Everything the broker lists, tradable or not.

    Args:
        payload: One answer of the API.
        config: The broker's YAML.
        as_of: Day of the list, for what has expired since.

    Raises:
        BrokerUnavailable: The payload is no list of assets: an answer that makes no sense is never an empty list.
    """
    try:
        rows = [_row(asset, config) for asset in json.loads(payload)["assets"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokerUnavailable(f"{NAME} listed something else than assets: {payload[:120]!r}") from error
    for start in range(0, len(rows), BATCH_ROWS):
        yield pa.RecordBatch.from_pylist(rows[start : start + BATCH_ROWS], schema=CONTRACT_SCHEMA)


def _row(asset: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """One asset; what the API does not tell is left out (null), never made up."""
    tradable = asset["state"] == "open"
    return {
        "broker": NAME,
        "native_id": str(asset["id"]),
        "symbol": asset["code"],
        "name": asset["title"],
        "asset_class": AssetClass(asset["kind"]).value,
        "currency": asset["currency"],
        "mic": config.get("exchanges", {}).get(asset["venue"], ""),
        "exchange": asset["venue"],
        "isin": asset.get("isin"),
        "multiplier": "1",
        "price_magnifier": "1",
        "lot_size": str(asset["step"]),
        "tick_size": str(asset["tick"]),
        "tradable": tradable,
        "fractionable": False,
        "inactive_reason": None if tradable else asset["state"],
    }
