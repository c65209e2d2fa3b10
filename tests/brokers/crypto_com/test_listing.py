"""Crypto.com's instruments as contracts."""

import json
from pathlib import Path
from typing import Any

import pytest

from include.errors import BrokerUnavailable
from include.sandbox.payloads import list_payload
from tests.brokers.lists import counted, rows, table


def instrument(symbol: str = "BTC_USD", **fields: Any) -> dict[str, Any]:
    base, _, quote = symbol.partition("_")
    return {
        "symbol": symbol,
        "inst_type": "CCY_PAIR",
        "display_name": f"{base}/{quote}",
        "base_ccy": base,
        "quote_ccy": quote,
        "quote_decimals": 2,
        "quantity_decimals": 5,
        "price_tick_size": "0.01",
        "qty_tick_size": "0.00001",
        "max_leverage": "50",
        "tradable": True,
        "expiry_timestamp_ms": 0,
        "beta_product": False,
        **fields,
    }


def derivative(symbol: str, kind: str, expiry: int, **fields: Any) -> dict[str, Any]:
    own = {"inst_type": kind, "base_ccy": "BTC", "quote_ccy": "USD", "contract_size": "1", "expiry_timestamp_ms": expiry}
    return instrument(symbol, **(own | fields))


def listed(*instruments: Any) -> bytes:
    return json.dumps({"id": -1, "method": "public/get-instruments", "code": 0, "result": {"data": instruments}}).encode()


def test_a_spot_pair() -> None:
    row = rows("crypto_com", listed(instrument()))["BTC_USD"]
    assert (row["native_id"], row["base"], row["currency"], row["asset_class"]) == ("BTC_USD", "BTC", "USD", "crypto")
    assert (row["name"], row["expiry"], row["multiplier"], row["min_notional"]) == ("BTC/USD", None, "1", None)
    assert (row["lot_size"], row["tick_size"]) == ("0.00001", "0.01")
    assert (row["tradable"], row["fractionable"], row["inactive_reason"]) == (True, True, None)


def test_dollars_and_stable_coins_stay_apart() -> None:
    quotes = ("USD", "USDT", "USDC", "USD_Stable_Coin")
    found = rows("crypto_com", listed(*(instrument(f"BTC_{quote}") for quote in quotes)))
    assert [row["currency"] for row in found.values()] == list(quotes)


def test_derivatives() -> None:
    payload = listed(
        derivative("BTCUSD-PERP", "PERPETUAL_SWAP", 1624012801123),  # the documentation's own example bears a time
        derivative("BTCUSD-261030", "FUTURE", 1793347200000, contract_size="0.1"),
        derivative("BTCUSD-W", "WARRANT", 1793347200000),
        derivative("BTCUSD-X", "SOMETHING_NEW", 0),
    )
    found = rows("crypto_com", payload)
    assert {name: (row["asset_class"], row["expiry"], row["multiplier"], row["base"]) for name, row in found.items()} == {
        "BTCUSD-PERP": ("future", None, "1", None),
        "BTCUSD-261030": ("future", "2026-10-30", "0.1", None),
        "BTCUSD-W": ("option", "2026-10-30", "1", None),
        "BTCUSD-X": ("other", None, "1", None),
    }
    assert all(row["tradable"] for row in found.values())


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (instrument(tradable=False), "not_tradable"),
        (instrument(tradable="true"), "not_tradable"),
        (derivative("BTC_USD", "FUTURE", 1666944000000), "expired"),
        (derivative("BTC_USD", "FUTURE", 1666944000000, tradable=False), "expired"),
        (derivative("BTC_USD", "FUTURE", 1773964800000), None),  # midnight of the day of the list
    ],
)
def test_what_cannot_be_traded_is_kept_with_its_reason(row: dict[str, Any], reason: str | None) -> None:
    found = rows("crypto_com", listed(row))["BTC_USD"]
    assert (found["tradable"], found["inactive_reason"]) == (reason is None, reason)


def test_an_error_of_the_api() -> None:
    with pytest.raises(BrokerUnavailable, match="error 42901: TOO_MANY_REQUESTS"):
        table("crypto_com", b'{"id": 1, "method": "public/get-instruments", "code": 42901, "message": "TOO_MANY_REQUESTS"}')


@pytest.mark.parametrize(
    "fields",
    [
        {"symbol": ""},
        {"inst_type": None},
        {"base_ccy": None},
        {"quote_ccy": ""},
        {"qty_tick_size": "0"},
        {"price_tick_size": None},
        {"inst_type": "FUTURE", "expiry_timestamp_ms": "soon"},
        {"inst_type": "FUTURE", "expiry_timestamp_ms": 10**20},
    ],
)
def test_one_row_that_makes_no_sense_spoils_the_list(fields: dict[str, Any]) -> None:
    with pytest.raises(BrokerUnavailable, match="crypto_com listed a row"):
        table("crypto_com", listed(instrument("ETH_USD"), instrument(**fields)))


def test_the_real_lists(shared_data: Path) -> None:
    folder = shared_data / "crypto_com"
    read = table("crypto_com", list_payload("crypto_com", folder / "spot_symbols_2022-11.csv"))
    assert counted(read, "currency") == {"USD": 227, "USDT": 195, "BTC": 75, "CRO": 2}
    assert set(read["symbol"].to_pylist()) >= {"BTC_USDT", "ETH_CRO"}
    sample = rows("crypto_com", list_payload("crypto_com", folder / "get_instruments_sample.json"))
    assert [(row["lot_size"], row["tick_size"]) for row in sample.values()] == [
        ("0.00001", "0.01"),
        ("0.00001", "0.01"),
        ("0.0001", "0.01"),
        ("1", "0.00001"),
        ("0.001", "0.001"),
    ]
