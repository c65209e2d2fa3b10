from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.price import round_to_tick

ticks = st.sampled_from([Decimal(t) for t in ("0.0001", "0.005", "0.01", "0.05", "0.5", "1", "5")])
prices = st.decimals("0.0001", "1000000", places=4)


@pytest.mark.parametrize(
    ("price", "tick", "up", "expected"),
    [
        ("10.013", "0.01", False, "10.01"),
        ("10.013", "0.01", True, "10.02"),
        ("10.01", "0.01", True, "10.01"),
        ("10.01", "0.01", False, "10.01"),
        ("2503", "5", False, "2500"),
        ("2503", "5", True, "2505"),
        ("0.1", "0.005", True, "0.1"),
        ("-0.013", "0.01", False, "-0.02"),
    ],
)
def test_by_hand(price: str, tick: str, up: bool, expected: str) -> None:
    assert round_to_tick(Decimal(price), Decimal(tick), up=up) == Decimal(expected)


@given(prices, ticks)
def test_the_result_is_on_the_grid_and_within_one_tick(price: Decimal, tick: Decimal) -> None:
    low, high = round_to_tick(price, tick, up=False), round_to_tick(price, tick, up=True)
    assert low % tick == 0
    assert high % tick == 0
    assert low <= price <= high
    assert high - low == (0 if price % tick == 0 else tick)


@given(prices, ticks, st.booleans())
def test_rounding_twice_is_rounding_once(price: Decimal, tick: Decimal, up: bool) -> None:
    once = round_to_tick(price, tick, up=up)
    assert round_to_tick(once, tick, up=up) == round_to_tick(once, tick, up=not up) == once


@given(prices, prices, ticks, st.booleans())
def test_order_is_kept(one: Decimal, other: Decimal, tick: Decimal, up: bool) -> None:
    low, high = sorted([one, other])
    assert round_to_tick(low, tick, up=up) <= round_to_tick(high, tick, up=up)
