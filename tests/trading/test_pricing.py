from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.order import Side
from include.domain.portfolio import Limits
from include.trading.pricing import distrust, limit_price
from tests.trading.build import contract, quote

LIMITS = Limits()


@pytest.mark.parametrize(
    ("price", "side", "tick", "expected"),
    [
        ("200", Side.BUY, "0.01", "201.00"),
        ("200", Side.SELL, "0.01", "199.00"),
        ("123.45", Side.BUY, "0.01", "124.06"),  # 124.06725 down
        ("123.45", Side.SELL, "0.01", "122.84"),  # 122.83275 up
        ("3021", Side.BUY, "5", "3035"),  # 3036.105 down to the tick
        ("0.02", Side.BUY, "0.05", "0.05"),  # never zero
    ],
)
def test_the_limit_lies_one_collar_from_the_quote_on_the_tick_grid(price: str, side: Side, tick: str, expected: str) -> None:
    assert limit_price(Decimal(price), side, "US", Decimal(tick), LIMITS) == Decimal(expected)


def test_a_market_may_have_a_collar_of_its_own() -> None:
    limits = Limits(collar_bp_by_market={"XTKS": Decimal(100)})
    assert limit_price(Decimal(1000), Side.BUY, "XTKS", Decimal(1), limits) == Decimal(1010)
    assert limit_price(Decimal(1000), Side.BUY, "US", Decimal(1), limits) == Decimal(1005)


@given(price=st.decimals("1", "100000", places=2), side=st.sampled_from(Side))
def test_a_limit_never_gives_more_than_the_collar(price: Decimal, side: Side) -> None:
    limit = limit_price(price, side, "US", Decimal("0.01"), LIMITS)
    collar = price * Decimal("0.005")
    if side is Side.BUY:
        assert price - Decimal("0.01") <= limit <= price + collar
    else:
        assert price - collar <= limit <= price + Decimal("0.01")


def test_a_quote_far_from_the_export_price_is_not_trusted() -> None:
    assert distrust(quote(price="200"), contract(), Decimal(200), LIMITS) is None
    assert distrust(quote(price="250"), contract(), Decimal(200), LIMITS) is None
    assert (
        distrust(quote(price="251"), contract(), Decimal(200), LIMITS) == "quote_deviates: 251 is 26 % away from the export's 200"
    )
    pence = distrust(quote(price="20000"), contract(), Decimal(200), LIMITS)
    assert pence == "quote_deviates: 20000 is 9900 % away from the export's 200"


def test_no_quote_and_the_wrong_currency_are_not_trusted() -> None:
    assert distrust(None, contract(), Decimal(200), LIMITS) == "no_quote: the broker quotes no price"
    assert distrust(quote(price="0"), contract(), None, LIMITS) == "no_quote: the broker quotes no price"
    assert distrust(quote(currency="CAD"), contract(), None, LIMITS) == "currency_mismatch: quoted in CAD, the contract is in USD"


def test_a_name_that_left_the_universe_has_no_export_price_to_compare() -> None:
    assert distrust(quote(price="999"), contract(), None, LIMITS) is None
