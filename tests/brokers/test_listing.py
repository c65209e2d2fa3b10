"""What all list readers share, and what holds for every one of them."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.brokers.listing import day_of, exact, fractions, minimum, step
from include.errors import BrokerUnavailable
from tests.brokers.lists import BROKERS, table

JSON_READERS = ("alpaca", "binance", "coinbase", "crypto_com", "oanda")
READERS = (*JSON_READERS, "zerodha")


def test_every_broker_without_an_adapter_has_a_reader() -> None:
    assert [name for name, config in BROKERS.items() if "list_reader" in config] == sorted(READERS)
    assert [name for name, config in BROKERS.items() if "adapter" not in config] == sorted(set(READERS) - {"alpaca"})


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe\x00",
        b"<html><body>502 Bad Gateway</body></html>",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"[1]",
        b'"maintenance"',
        b'{"symbols": []}',
        b'{"symbols": {}}',
        b'{"products": []}',
        b'{"products": "none"}',
        b'{"instruments": []}',
        b'{"instruments": [null]}',
        b'{"result": {"data": []}}',
        b'{"result": []}',
        b'{"code": -1003, "msg": "Too many requests"}',
        b'{"status": "error", "message": "Invalid token"}',
        b"[" * 100_000,
    ],
)
def test_garbage_is_never_an_empty_list(name: str, payload: bytes) -> None:
    with pytest.raises(BrokerUnavailable, match=name):
        table(name, payload)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.00100000", "0.001"),
        ("100", "100"),
        ("1e-8", "0.00000001"),
        ("1E+3", "1000"),
        (5, "5"),
        (Decimal("0.50"), "0.5"),
        ("0.0", "0"),
        ("10.000", "10"),
    ],
)
def test_numbers_as_texts(value: Any, text: str) -> None:
    assert exact(value) == text


@pytest.mark.parametrize("value", [0.1, True, None, "", "abc", "NaN", "Infinity", "-1", [1]])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        exact(value)


@given(st.decimals(min_value=0, allow_nan=False, allow_infinity=False, places=30))
def test_no_digit_is_lost(number: Decimal) -> None:
    text = exact(str(number))
    assert Decimal(text) == number
    assert "E" not in text
    assert not ("." in text and text.endswith(("0", ".")))


def test_steps_and_minima() -> None:
    assert (step("0.010"), step("0.00000000", 8), step(None, 0), step(None, 2)) == ("0.01", "0.00000001", "1", "0.01")
    with pytest.raises(ValueError, match="expected a step above 0"):
        step("0")
    assert (minimum("5.00"), minimum("0.00"), minimum(""), minimum(None)) == ("5", None, None, None)
    assert (fractions("0.1"), fractions("1"), fractions("1.5"), fractions("100")) == (True, False, True, False)
    assert day_of(1666944000000) == "2022-10-28"


SYMBOL = {
    "status": "TRADING",
    "baseAsset": "A",
    "baseAssetPrecision": 8,
    "quoteAsset": "B",
    "quotePrecision": 8,
    "isSpotTradingAllowed": True,
}
STEPS = st.decimals(min_value="0.00000001", max_value=10**6, allow_nan=False, allow_infinity=False, places=8)


@given(st.lists(st.tuples(st.text(min_size=1), STEPS, STEPS), min_size=1, max_size=30))
def test_every_object_gives_one_row_with_its_own_numbers(symbols: list[tuple[str, Decimal, Decimal]]) -> None:
    listed = [
        SYMBOL
        | {
            "symbol": name,
            "filters": [
                {"filterType": "LOT_SIZE", "stepSize": f"{lot:f}"},
                {"filterType": "PRICE_FILTER", "tickSize": f"{tick:f}"},
            ],
        }
        for name, lot, tick in symbols
    ]
    read = table("binance", json.dumps({"symbols": listed}).encode()).to_pylist()
    assert [(row["native_id"], Decimal(row["lot_size"]), Decimal(row["tick_size"])) for row in read] == symbols
