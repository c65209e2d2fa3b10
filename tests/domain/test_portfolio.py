from decimal import Decimal

import pytest
from pydantic import ValidationError

from include.domain.account import Account, Environment
from include.domain.portfolio import ExecutionMode, Limits, Portfolio, UnreachablePolicy


def test_a_missing_claim_means_live() -> None:
    assert Account(account_id="one", broker="ibkr").environment is Environment.LIVE


def test_the_defaults_are_the_safe_ones() -> None:
    limits = Limits()
    assert (limits.max_order_pct, limits.max_turnover_pct, limits.collar_bp) == (5, 30, 50)
    assert (limits.max_quote_deviation_pct, limits.max_quote_move_pct, limits.do_not_trade) == (25, 2, ())
    one = Portfolio(portfolio_id="main", environment=Environment.PAPER, accounts=())
    assert (one.base_currency, one.cash_buffer_pct, one.max_weight_pct) == ("EUR", 2, 10)
    assert (one.unreachable_policy, one.trade_other_listings) == (UnreachablePolicy.CASH, False)


@pytest.mark.parametrize(
    ("name", "forbidden"), [("AAPL", True), ("aapl ", True), ("US0378331005", True), ("isin:US0378331005", True), ("AAP", False)]
)
def test_do_not_trade_takes_tickers_isins_and_ids(name: str, forbidden: bool) -> None:
    assert Limits(do_not_trade=(name,)).forbids("AAPL", "isin:US0378331005") is forbidden


def test_percentages_are_read_exactly() -> None:
    one = Portfolio.model_validate({"portfolio_id": "main", "environment": "paper", "accounts": [], "cash_buffer_pct": "2.5"})
    assert one.cash_buffer_pct == Decimal("2.5")


@pytest.mark.parametrize(
    "change", [{"environment": "demo"}, {"unreachable_policy": "luck"}, {"cash_buffer_pct": "some"}, {"limit": {}}]
)
def test_what_the_yaml_may_not_say(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Portfolio.model_validate({"portfolio_id": "main", "environment": "paper", "accounts": []} | change)


def test_modes_are_three() -> None:
    assert [mode.value for mode in ExecutionMode] == ["plan", "paper", "live"]


@pytest.mark.parametrize("name", ["BTC/USD", "btc-usd", "pair:BTC/USD", "ticker:BTC-USD"])
def test_a_pair_is_forbidden_by_the_id_it_once_had_too(name: str) -> None:
    assert Limits(do_not_trade=(name,)).forbids("BTC-USD", "pair:BTC/USD")
