"""OANDA's instruments as contracts."""

import json
from pathlib import Path
from typing import Any

import pytest

from include.errors import BrokerUnavailable
from include.sandbox.payloads import list_payload
from tests.brokers.lists import counted, rows, table


def instrument(name: str = "EUR_USD", kind: str = "CURRENCY", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "displayName": name.replace("_", "/"),
        "pipLocation": -4,
        "displayPrecision": 5,
        "tradeUnitsPrecision": 0,
        "minimumTradeSize": "1",
        "maximumOrderUnits": "100000000",
        "marginRate": "0.0333",
        "tags": [{"type": "ASSET_CLASS", "name": kind}],
        **fields,
    }


def listed(*instruments: Any) -> bytes:
    return json.dumps({"instruments": instruments, "lastTransactionID": "6356"}).encode()


def test_kinds_and_their_two_sides() -> None:
    payload = listed(
        instrument(),
        instrument("XAU_USD", "METAL", displayName="Gold", displayPrecision=3, tradeUnitsPrecision=1, minimumTradeSize="0.1"),
        instrument("XAU_XAG", "METAL"),
        instrument("DE30_EUR", "CFD", displayName="Germany 30", displayPrecision=1),
        instrument("BTC_USD", "CRYPTO"),
    )
    found = rows("oanda", payload)
    assert {name: (row["asset_class"], row["base"], row["currency"]) for name, row in found.items()} == {
        "EUR_USD": ("fx", "EUR", "USD"),
        "XAU_USD": ("metal", "XAU", "USD"),
        "XAU_XAG": ("metal", "XAU", "XAG"),
        "DE30_EUR": ("cfd", None, "EUR"),
        "BTC_USD": ("other", None, "USD"),
    }
    assert [row["name"] for row in found.values()][:2] == ["EUR/USD", "Gold"]
    assert all(row["tradable"] and row["native_id"] == row["symbol"] for row in found.values())
    assert (found["XAU_USD"]["lot_size"], found["XAU_USD"]["tick_size"]) == ("0.1", "0.001")
    assert (found["EUR_USD"]["lot_size"], found["EUR_USD"]["tick_size"]) == ("1", "0.00001")
    assert (found["XAU_USD"]["fractionable"], found["EUR_USD"]["fractionable"]) == (True, False)


@pytest.mark.parametrize(("places", "smallest", "lot"), [(0, "1", "1"), (1, "0.1", "0.1"), (2, "1", "1"), (0, "0.1", "1")])
def test_the_lot_is_never_below_the_smallest_order_nor_finer_than_the_units(places: int, smallest: str, lot: str) -> None:
    row = instrument(tradeUnitsPrecision=places, minimumTradeSize=smallest)
    assert rows("oanda", listed(row))["EUR_USD"]["lot_size"] == lot


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "EURUSD"},
        {"name": "_USD"},
        {"name": None},
        {"type": None},
        {"displayPrecision": None},
        {"displayPrecision": "5"},
        {"minimumTradeSize": "0"},
        {"displayName": 3},
    ],
)
def test_one_row_that_makes_no_sense_spoils_the_list(fields: dict[str, Any]) -> None:
    with pytest.raises(BrokerUnavailable, match="oanda listed a row"):
        table("oanda", listed(instrument("GBP_USD"), {**instrument(), **fields}))


def test_an_error_of_the_api() -> None:
    with pytest.raises(BrokerUnavailable, match="no list in instruments"):
        table("oanda", b'{"errorMessage": "Insufficient authorization to perform request."}')


def test_the_real_lists_agree_where_both_know_an_instrument(shared_data: Path) -> None:
    own = table("oanda", list_payload("oanda", shared_data / "oanda" / "oanda_instruments.csv"))
    assert counted(own, "asset_class") == {"fx": 68, "cfd": 34, "metal": 21}
    newer = table("oanda", list_payload("oanda", shared_data / "oanda" / "symbol_properties_2026-02.csv"))
    assert counted(newer, "asset_class") == {"fx": 71, "cfd": 28, "metal": 23}
    first, second = ({row["symbol"]: row for row in read.to_pylist()} for read in (own, newer))
    both = first.keys() & second.keys()
    assert len(both) == 119
    differing = {name for name in both for key in ("base", "currency", "tick_size") if first[name][key] != second[name][key]}
    assert differing <= {"XPD_USD", "XPT_USD"}
