"""Binance's exchangeInfo as contracts."""

import json
from pathlib import Path
from typing import Any

import pytest

from include.errors import BrokerUnavailable
from include.sandbox.payloads import list_payload
from tests.brokers.lists import counted, rows, table


def symbol(name: str, base: str, quote: str, **fields: Any) -> dict[str, Any]:
    return {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        **fields,
    }


def info(*symbols: Any) -> bytes:
    return json.dumps({"timezone": "UTC", "serverTime": 1700000000000, "symbols": symbols}).encode()


def test_a_spot_pair() -> None:
    assert rows("binance", info(symbol("BTCUSDT", "BTC", "USDT"))) == {
        "BTCUSDT": {
            "broker": "binance",
            "native_id": "BTCUSDT",
            "symbol": "BTCUSDT",
            "base": "BTC",
            "name": "",
            "asset_class": "crypto",
            "currency": "USDT",
            "mic": "",
            "exchange": "",
            "isin": None,
            "figi": None,
            "share_class_figi": None,
            "cusip": None,
            "expiry": None,
            "multiplier": "1",
            "price_magnifier": "1",
            "lot_size": "0.00001",
            "tick_size": "0.01",
            "min_notional": "5",
            "tradable": True,
            "fractionable": True,
            "inactive_reason": None,
            "evidence": None,
        }
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "BREAK"}, "break"),
        ({"status": "HALT"}, "halt"),
        ({"status": "END_OF_DAY"}, "end_of_day"),
        ({"status": "A_NEW_WORD"}, "a_new_word"),
        ({"isSpotTradingAllowed": False, "permissions": ["LEVERAGED"]}, "no_spot_trading"),
    ],
)
def test_what_does_not_trade_is_kept_with_its_reason(fields: dict[str, Any], reason: str) -> None:
    row = rows("binance", info(symbol("BTCUSDT", "BTC", "USDT", **fields)))["BTCUSDT"]
    assert (row["tradable"], row["inactive_reason"]) == (False, reason)


def test_a_leveraged_token_is_a_coin_of_its_own() -> None:
    found = rows("binance", info(symbol("BTCUPUSDT", "BTCUP", "USDT"), symbol("BTCDOWNUSDT", "BTCDOWN", "USDT")))
    assert [(row["base"], row["currency"], row["asset_class"]) for row in found.values()] == [
        ("BTCUP", "USDT", "crypto"),
        ("BTCDOWN", "USDT", "crypto"),
    ]


def test_the_older_filter_and_rules_that_are_switched_off() -> None:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.00000000"},
        {"filterType": "LOT_SIZE", "stepSize": "1.00000000"},
        {"filterType": "MIN_NOTIONAL", "minNotional": "0.00010000"},
    ]
    row = rows("binance", info(symbol("ADABTC", "ADA", "BTC", filters=filters)))["ADABTC"]
    assert (row["lot_size"], row["tick_size"], row["min_notional"]) == ("1", "0.00000001", "0.0001")
    assert row["fractionable"] is False
    bare = rows("binance", info(symbol("ADABTC", "ADA", "BTC", filters=[])))["ADABTC"]
    assert (bare["lot_size"], bare["tick_size"], bare["min_notional"]) == ("0.00000001", "0.00000001", None)


@pytest.mark.parametrize("key", ["symbol", "status", "baseAsset", "quoteAsset", "filters", "isSpotTradingAllowed"])
def test_one_row_without_what_it_needs_spoils_the_list(key: str) -> None:
    broken = symbol("ETHUSDT", "ETH", "USDT")
    del broken[key]
    with pytest.raises(BrokerUnavailable, match=f"binance listed a row that cannot be read.*{key}"):
        table("binance", info(symbol("BTCUSDT", "BTC", "USDT"), broken))


@pytest.mark.parametrize(
    "fields", [{"symbol": ""}, {"symbol": 3}, {"baseAsset": None}, {"filters": [{"filterType": "LOT_SIZE", "stepSize": "x"}]}]
)
def test_values_of_another_type(fields: dict[str, Any]) -> None:
    with pytest.raises(BrokerUnavailable, match="binance"):
        table("binance", info(symbol("BTCUSDT", "BTC", "USDT", **fields)))


def test_the_real_list_of_2021(shared_data: Path) -> None:
    read = table("binance", (shared_data / "binance" / "exchange_info_2021-04.json").read_bytes())
    assert counted(read, "asset_class") == {"crypto": 1418}
    assert counted(read, "inactive_reason") == {None: 1008, "break": 370, "no_spot_trading": 40}
    bases = set(read["base"].to_pylist())
    assert {"BTC", "BTCUP", "BTCDOWN", "BULL"} <= bases
    assert sum(row["base"] == "BTC" and row["currency"] == "USDT" for row in read.to_pylist()) == 1


def test_the_real_symbols_of_2026(shared_data: Path) -> None:
    path = shared_data / "binance" / "symbol_properties_2026-02.csv"
    read = table("binance", list_payload("binance", path))
    assert (read.num_rows, read["tradable"].to_pylist().count(True)) == (3320, 3320)
