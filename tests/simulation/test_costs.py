import random
from decimal import Decimal

import pytest
from pydantic import ValidationError

from include.domain.order import Side
from include.simulation.costs import Costs


def test_half_a_spread_on_both_sides() -> None:
    assert Costs(half_spread_bp=Decimal(10)).bid_ask(Decimal(200)) == (Decimal("199.8"), Decimal("200.2"))


def test_no_spread_gives_the_mark_itself() -> None:
    assert Costs(half_spread_bp=Decimal(0)).bid_ask(Decimal("3.1")) == (Decimal("3.1"), Decimal("3.1"))


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "100.55"), (Side.SELL, "99.45")])
def test_slippage_in_basis_points_and_fixed_hurts_both_sides(side: Side, price: str) -> None:
    costs = Costs(slippage_bp=Decimal(50), slippage_fixed=Decimal("0.05"))
    assert costs.taken_price(Decimal(100), side, random.Random(1)) == Decimal(price)


def test_a_sale_never_gets_less_than_nothing() -> None:
    assert Costs(slippage_fixed=Decimal(3)).taken_price(Decimal(1), Side.SELL, random.Random(1)) == 0


def test_jitter_is_the_same_for_the_same_draw_and_stays_in_its_range() -> None:
    costs = Costs(slippage_jitter_bp=Decimal(100))
    prices = [costs.taken_price(Decimal(100), Side.BUY, random.Random(seed)) for seed in range(50)]
    assert prices == [costs.taken_price(Decimal(100), Side.BUY, random.Random(seed)) for seed in range(50)]
    assert len(set(prices)) > 40
    assert all(Decimal(100) <= price <= Decimal(101) for price in prices)


@pytest.mark.parametrize(
    ("notional", "charged"), [("0", "0"), ("100", "1"), ("20000", "10"), ("12345.67", "6.1728"), ("2000.02", "1.0000")]
)
def test_commission_has_a_minimum_and_whole_hundredths_of_a_cent(notional: str, charged: str) -> None:
    assert Costs(commission_bp=Decimal(5), commission_minimum=Decimal(1)).commission(Decimal(notional)) == Decimal(charged)


def test_costs_cannot_be_negative() -> None:
    with pytest.raises(ValidationError):
        Costs(slippage_bp=Decimal(-1))
