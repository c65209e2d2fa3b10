import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.order import Side
from include.trading.order_id import client_order_id

FIELDS = st.tuples(
    st.text(max_size=8),
    st.sampled_from(["sandbox", "paper", "live"]),
    st.text(max_size=8),
    st.text(max_size=10),
    st.integers(0, 10**6),
    st.text(max_size=16),
    st.sampled_from(list(Side)),
    st.integers(0, 1000),
)


def test_the_id_of_an_intent_never_changes_between_versions() -> None:
    made = client_order_id("main", "sandbox", "ibkr-main", "2026-01-05", 1, "isin:US0378331005", "buy")
    assert made == "TSCLCQDYOPMM4NX3NDWO"


@given(FIELDS)
def test_twenty_base32_characters_and_deterministic(fields: tuple[str, str, str, str, int, str, Side, int]) -> None:
    made = client_order_id(*fields)
    assert re.fullmatch("[A-Z2-7]{20}", made)
    assert client_order_id(*fields) == made


@given(FIELDS, FIELDS)
def test_different_intents_have_different_ids(
    one: tuple[str, str, str, str, int, str, Side, int], other: tuple[str, str, str, str, int, str, Side, int]
) -> None:
    assert (client_order_id(*one) == client_order_id(*other)) == (one == other)


@given(st.text(max_size=6), st.text(min_size=1, max_size=6), st.text(max_size=6))
def test_characters_that_move_over_a_boundary_change_the_id(left: str, moved: str, right: str) -> None:
    def made(portfolio: str, account: str) -> str:
        return client_order_id(portfolio, "paper", account, "2026-01-05", 1, "ticker:A", Side.BUY)

    assert made(left + moved, right) != made(left, moved + right)


def test_separators_inside_fields_are_no_separators() -> None:
    one = client_order_id('a","paper', "paper", "x", "2026-01-05", 1, "i", "buy")
    other = client_order_id("a", "paper", 'paper","x', "2026-01-05", 1, "i", "buy")
    assert one != other


def test_side_as_word_or_value_is_the_same_intent() -> None:
    fields = ("main", "paper", "a", "2026-01-05", 1, "ticker:A")
    assert client_order_id(*fields, "sell") == client_order_id(*fields, Side.SELL) != client_order_id(*fields, "buy")


def test_an_unknown_side_is_refused() -> None:
    with pytest.raises(ValueError, match="hold"):
        client_order_id("main", "paper", "a", "2026-01-05", 1, "ticker:A", "hold")
