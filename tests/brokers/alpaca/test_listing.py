"""Assets as contracts."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from include.brokers.alpaca.listing import AssetReader
from include.domain.contract import CONTRACT_SCHEMA, from_row
from include.errors import BrokerUnavailable
from tests.brokers.alpaca.conftest import CONFIG

READER = AssetReader(CONFIG)


def asset(**fields: Any) -> dict[str, Any]:
    return {
        "id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "class": "us_equity",
        "exchange": "NASDAQ",
        "symbol": "AAPL",
        "name": "Apple Inc. Common Stock",
        "status": "active",
        "tradable": True,
        "fractionable": True,
        **fields,
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Apple Inc. Common Stock", "stock"),
        ("SPDR S&P 500 ETF Trust", "etf"),
        ("Invesco Exchange-Traded Fund Trust II Invesco KBW Bank", "etf"),
        ("Vanguard Total Stock Market Index Fund", "etf"),
        ("iPath Bloomberg Commodity Index Total Return ETN", "etf"),
        ("Netflix, Inc. Common Stock", "stock"),
        ("Invesco Ltd Common Stock", "stock"),
        ("Diversified Healthcare Trust - Common Shares", "stock"),
        ("Calamos Global Total Return Fund - Closed End Fund", "stock"),
        ("Etfonics Inc.", "stock"),
        ("", "stock"),
        (None, "stock"),
    ],
)
def test_only_a_word_of_the_name_makes_a_fund(name: str | None, kind: str) -> None:
    assert READER.row(asset(name=name))["asset_class"] == kind


@pytest.mark.parametrize(
    ("exchange", "mic"),
    [
        ("NASDAQ", "XNAS"),
        ("NYSE", "XNYS"),
        ("ARCA", "ARCX"),
        ("AMEX", "XASE"),
        ("BATS", "BATS"),
        ("OTC", ""),
        ("CRYPTO", ""),
        ("TXSE", ""),
        (None, ""),
    ],
)
def test_mics(exchange: str | None, mic: str) -> None:
    row = READER.row(asset(exchange=exchange))
    assert (row["mic"], row["exchange"]) == (mic, exchange or "")


@pytest.mark.parametrize(
    ("status", "tradable", "reason"),
    [
        ("active", True, None),
        ("active", False, "not tradable"),
        ("inactive", False, "inactive"),
        ("inactive", True, "inactive"),
        ("pending", True, "pending"),
    ],
)
def test_why_an_asset_cannot_be_traded(status: str, tradable: bool, reason: str | None) -> None:
    row = READER.row(asset(status=status, tradable=tradable))
    assert (row["tradable"], row["inactive_reason"]) == (reason is None, reason)


def test_shares_trade_whole_in_cents() -> None:
    contract = from_row({**dict.fromkeys(CONTRACT_SCHEMA.names), **READER.row(asset(price_increment="0.0001"))})
    assert (str(contract.lot_size), str(contract.tick_size), contract.fractionable) == ("1", "0.01", True)


@pytest.mark.parametrize(
    ("fields", "lot", "tick"),
    [
        ({"min_trade_increment": "0.000000001", "min_order_size": "0.000028", "price_increment": "0.1"}, "0.000000001", "0.1"),
        ({"min_order_size": "0.0001", "price_increment": "0.5"}, "0.0001", "0.5"),
        ({}, "1", "0.01"),
    ],
)
def test_steps_of_a_pair(fields: dict[str, str], lot: str, tick: str) -> None:
    row = READER.row(asset(**{"class": "crypto", "symbol": "ETH/BTC", "exchange": "CRYPTO", **fields}))
    assert (row["lot_size"], row["tick_size"], row["currency"], row["min_notional"]) == (lot, tick, "BTC", None)


def test_a_class_of_tomorrow_is_neither_share_nor_fund() -> None:
    assert READER.row(asset(**{"class": "crypto_perp", "name": "ETF of perps"}))["asset_class"] == "other"


@pytest.mark.parametrize("broken", [{}, {"id": "x", "symbol": "A", "class": "us_equity"}, "AAPL", None, 7])
def test_something_else_than_an_asset_spoils_the_answer(broken: Any) -> None:
    with pytest.raises(BrokerUnavailable, match="without id"):
        list(READER.batches([asset(), broken]))


def test_no_assets_no_batches() -> None:
    assert list(READER.batches([])) == []


def test_without_a_table_nothing_is_guessed() -> None:
    row = AssetReader({}).row(asset(name="SPDR S&P 500 ETF Trust"))
    assert (row["asset_class"], row["mic"], row["min_notional"]) == ("stock", "", None)


def test_the_real_funds_of_alpaca(shared_data: Path) -> None:
    """Of the published list of Alpaca's funds, everything but three rows without a marker is found to be one."""
    listed = json.loads((shared_data / "alpaca" / "alpaca_etfs_only.json").read_text(encoding="utf-8"))["etfs"]
    assets = [{**row, "id": row["asset_id"], "class": row["asset_class"]} for row in listed]
    table = pa.Table.from_batches(READER.batches(assets))
    assert table.num_rows == 3995
    kinds = table.column("asset_class").to_pylist()
    assert (kinds.count("etf"), kinds.count("stock")) == (3992, 3)
    assert set(table.column("mic").to_pylist()) == {"XNAS", "XNYS", "ARCX", "BATS"}


def test_the_real_crypto_assets(shared_data: Path) -> None:
    listed = json.loads((shared_data / "alpaca" / "alpaca_crypto_assets_ccxt_sample.json").read_text(encoding="utf-8"))
    rows = {row["symbol"]: row for row in pa.Table.from_batches(READER.batches(listed)).to_pylist()}
    bitcoin = from_row(rows["BTC/USD"])
    assert (str(bitcoin.tick_size), f"{bitcoin.lot_size:f}", bitcoin.currency) == ("1", "0.000000001", "USD")
