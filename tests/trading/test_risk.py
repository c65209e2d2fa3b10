from decimal import Decimal

from include.domain.portfolio import Limits
from include.trading.plan import build_plan
from include.trading.risk import check
from tests.trading.build import candidate, contract, mapping, plan_input, portfolio

ORDERS = build_plan(plan_input(candidate(mapping(contract("alpaca", "uuid-aapl"))))).orders  # 4,960 EUR


def test_a_plan_inside_the_limits_passes() -> None:
    found = check(ORDERS, portfolio(), Decimal(100_000), first_funding=False)
    assert (found.blocked, found.portfolio_blocked, found.turnover_pct) == ({}, None, Decimal("4.96"))


def test_one_order_too_large_is_blocked_alone() -> None:
    found = check(ORDERS, portfolio(), Decimal(99_000), first_funding=False)
    assert found.blocked == {ORDERS[0].client_order_id: "max_order: 5.01 % of value, the limit is 5 % (portfolio main)"}
    assert found.portfolio_blocked is None


def test_turnover_stops_the_portfolio_unless_it_is_its_first_funding() -> None:
    tight = portfolio(limits=Limits(max_turnover_pct=Decimal(4)))
    stopped = check(ORDERS, tight, Decimal(100_000), first_funding=False).portfolio_blocked
    assert stopped is not None
    assert stopped.startswith("max_turnover: 5.0 % of value, the limit is 4 %")
    assert check(ORDERS, tight, Decimal(100_000), first_funding=True).portfolio_blocked is None


def test_the_do_not_trade_list_is_looked_at_again() -> None:
    listed = portfolio(limits=Limits(do_not_trade=("isin:US0378331005",)))
    assert list(check(ORDERS, listed, Decimal(100_000), first_funding=False).blocked.values()) == [
        "do_not_trade: on the list of this portfolio"
    ]


def test_nothing_is_traded_without_value() -> None:
    assert (
        check(ORDERS, portfolio(), Decimal(0), first_funding=True).portfolio_blocked
        == "net_asset_value: 0.00 EUR is not positive"
    )
    assert check((), portfolio(), Decimal(0), first_funding=False).portfolio_blocked is None
