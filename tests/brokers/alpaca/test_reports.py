"""Alpaca's answers in our words."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.brokers.alpaca.order_requests import exact_float
from include.brokers.alpaca.reports import moment, number, order_report, position, quote
from include.domain.order import OrderState, Side
from include.errors import InvalidQuantity
from tests.brokers.alpaca.conftest import contract


def row(**fields: Any) -> dict[str, Any]:
    return {
        "id": "61e69015-8549-4bfd-b9c3-01e75843f47d",
        "client_order_id": "A" * 20,
        "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "side": "buy",
        "status": "new",
        "updated_at": "2025-09-19T14:00:00.123456789Z",
        **fields,
    }


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("new", "0", OrderState.ACCEPTED),
        ("accepted", "0", OrderState.ACCEPTED),
        ("pending_new", "0", OrderState.ACCEPTED),
        ("held", "0", OrderState.ACCEPTED),
        ("pending_cancel", "4", OrderState.PARTIALLY_FILLED),
        ("partially_filled", "4", OrderState.PARTIALLY_FILLED),
        ("done_for_day", "4", OrderState.PARTIALLY_FILLED),
        ("done_for_day", "0", OrderState.ACCEPTED),
        ("filled", "10", OrderState.FILLED),
        ("canceled", "4", OrderState.CANCELLED),
        ("replaced", "0", OrderState.CANCELLED),
        ("expired", "0", OrderState.EXPIRED),
        ("rejected", "0", OrderState.REJECTED),
        ("a_word_of_tomorrow", "0", OrderState.UNKNOWN),
    ],
)
def test_states(status: str, filled: str, state: OrderState) -> None:
    report = order_report(row(status=status, filled_qty=filled, filled_avg_price="200.5"))
    assert (report.state, report.filled_quantity) == (state, Decimal(filled))
    assert report.average_price == (Decimal("200.5") if filled != "0" else None)


def test_a_whole_report() -> None:
    report = order_report(row(side="sell", filled_qty="10", filled_avg_price="200.02", status="filled"))
    assert (report.side, report.quantity, report.fills, report.message) == (Side.SELL, Decimal(10), (), None)
    assert report.updated_at == datetime(2025, 9, 19, 14, 0, 0, 123456, tzinfo=UTC)


def test_an_order_by_value_has_no_quantity() -> None:
    report = order_report(row(qty=None, side="", updated_at=None, asset_id=""))
    assert (report.quantity, report.side, report.updated_at, report.native_id) == (None, None, None, None)


@pytest.mark.parametrize(
    "broken", [{}, row(status=None) | {"id": 1, "qty": "ten"}, row(qty=True), row(qty="NaN"), row(updated_at="today")]
)
def test_something_else_than_an_order(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        order_report(broken)


@pytest.mark.parametrize(
    ("qty", "side", "signed"), [("5", "long", "5"), ("-5", "short", "-5"), ("5", "short", "-5"), ("0.5", "long", "0.5")]
)
def test_positions_are_signed(qty: str, side: str, signed: str) -> None:
    fields = {"asset_id": "x", "symbol": "AAPL", "exchange": "NASDAQ", "qty": qty, "side": side, "avg_entry_price": "1"}
    found = position(fields, lambda exchange: f"mic of {exchange}")
    assert (found.quantity, found.mic, found.market_price) == (Decimal(signed), "mic of NASDAQ", None)


TIME = "2025-09-18T20:00:00Z"


@pytest.mark.parametrize(
    ("quoted", "bar", "expected"),
    [
        ({"bp": 199.98, "ap": 200.02, "t": TIME}, None, ("199.98", "200.02", None)),
        ({"bp": 0, "ap": 200.02, "t": TIME}, {"c": 200, "t": TIME}, (None, "200.02", "200")),
        ({"bp": 0, "ap": 0, "t": TIME}, {"c": 200, "t": TIME}, (None, None, "200")),
        (None, {"c": 200, "t": TIME}, (None, None, "200")),
    ],
)
def test_quotes_with_missing_sides(quoted: Any, bar: Any, expected: tuple[str | None, ...]) -> None:
    found = quote(contract(), quoted, bar)
    assert found is not None
    assert (found.bid, found.ask, found.last) == tuple(None if text is None else Decimal(text) for text in expected)
    assert found.time == datetime(2025, 9, 18, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(("quoted", "bar"), [(None, None), ({"bp": 0, "ap": 0, "t": TIME}, None), (None, {"c": 0, "t": TIME})])
def test_no_price_is_no_quote(quoted: Any, bar: Any) -> None:
    assert quote(contract(), quoted, bar) is None


def test_a_time_needs_its_zone() -> None:
    assert moment("2025-09-18T16:00:00-04:00") == datetime(2025, 9, 18, 20, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="zone"):
        moment("2025-09-18T16:00:00")


@pytest.mark.parametrize(("value", "expected"), [(None, None), ("", None), ("1.50", "1.50"), (3, "3"), (0.1, "0.1")])
def test_numbers(value: Any, expected: str | None) -> None:
    assert number(value) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize("value", ["abc", "Infinity", True, [], {}])
def test_no_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        number(value)


@given(st.decimals(min_value="0.0001", max_value="9999999", places=4))
def test_prices_survive_the_way_through_a_float(price: Decimal) -> None:
    assert Decimal(repr(exact_float(price))) == price


@pytest.mark.parametrize("text", ["NaN", "Infinity", "0.1234567890123456789"])
def test_what_a_float_cannot_carry(text: str) -> None:
    with pytest.raises(InvalidQuantity):
        exact_float(Decimal(text))
