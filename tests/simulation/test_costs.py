import random
from decimal import Decimal

import pytest
from pydantic import ValidationError

from include.domain.order import Side
from include.simulation.costs import CommissionTier, Costs


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


def test_impact_grows_with_the_root_of_the_part_of_the_volume() -> None:
    costs = Costs(impact_bp=Decimal(200))
    a_day, a_hundredth = (costs.taken_price(Decimal(100), Side.BUY, None, Decimal(q), Decimal(10000)) for q in (10000, 100))
    assert (a_day, a_hundredth) == (102, Decimal("100.2"))
    assert costs.taken_price(Decimal(100), Side.SELL, None, Decimal(100), Decimal(10000)) == Decimal("99.8")
    assert costs.taken_price(Decimal(100), Side.BUY, None, Decimal(100), None) == 100, "no volume is known, no impact"


@pytest.mark.parametrize(
    ("notional", "units", "charged"), [("1000", "100", "1"), ("100000", "1000", "5"), ("40", "100", "0.4"), ("0", "0", "0")]
)
def test_commission_per_unit_between_minimum_and_maximum(notional: str, units: str, charged: str) -> None:
    costs = Costs(commission_per_unit=Decimal("0.005"), commission_minimum=Decimal(1), commission_maximum_bp=Decimal(100))
    assert costs.commission(Decimal(notional), Decimal(units)) == Decimal(charged)


@pytest.mark.parametrize(("month", "charged"), [("0", "10"), ("1000", "10"), ("1001", "5"), ("5001", "1.5")])
def test_who_traded_much_in_the_month_pays_less(month: str, charged: str) -> None:
    tiers = (
        CommissionTier(above_units=Decimal(1000), commission_bp=Decimal(5)),
        CommissionTier(above_units=Decimal(5000), commission_bp=Decimal(1), commission_per_unit=Decimal("0.005")),
    )
    costs = Costs(commission_bp=Decimal(10), commission_tiers=tiers)
    assert costs.commission(Decimal(10000), Decimal(100), Decimal(month)) == Decimal(charged)


def test_tiers_ascend() -> None:
    row = CommissionTier(above_units=Decimal(5))
    with pytest.raises(ValidationError, match="ascending above_units"):
        Costs(commission_tiers=(row, row))
