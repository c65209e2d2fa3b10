from decimal import Decimal

import pytest

from include.allocation.nav import net_asset_value
from include.errors import InputError
from tests.allocation.documents import portfolio, snapshot

RATES = {"EUR": Decimal(1), "USD": Decimal("1.25"), "JPY": Decimal(160)}


def test_equity_is_converted_and_summed() -> None:
    snapshots = {"one": snapshot("one", "1000.50"), "two": snapshot("two", "500", "USD")}
    found = net_asset_value(portfolio(accounts=("two", "one")), snapshots, RATES, "x")
    assert found.by_account == {"one": Decimal("1000.50"), "two": Decimal("400.00")}
    assert list(found.by_account) == ["one", "two"]
    assert found.total == Decimal("1400.50")
    assert (found.plan_only_reason, found.frozen) == (None, ())


def test_another_base_currency() -> None:
    found = net_asset_value(portfolio(base_currency="USD"), {"one": snapshot("one", "1000")}, RATES, "x")
    assert found.total == Decimal("1250.00")


def test_an_unknown_account_is_not_an_empty_one() -> None:
    found = net_asset_value(portfolio(accounts=("one", "two")), {"one": snapshot("one", "1000")}, RATES, "x")
    assert found.by_account == {"one": Decimal("1000.00"), "two": None}
    assert found.plan_only_reason == "no snapshot of two from this session or the one before"


def test_a_frozen_account_counts_and_is_named() -> None:
    found = net_asset_value(portfolio(), {"one": snapshot("one", "1000", frozen=True)}, RATES, "x")
    assert (found.total, found.frozen, found.plan_only_reason) == (Decimal("1000.00"), ("one",), None)


@pytest.mark.parametrize("equity", ["0", "-5"])
def test_nothing_to_invest_plans_only(equity: str) -> None:
    found = net_asset_value(portfolio(), {"one": snapshot("one", equity)}, RATES, "x")
    assert found.plan_only_reason == f"net asset value is {Decimal(equity):.2f} EUR"


def test_an_account_whose_currency_has_no_rate_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a rate for CHF, the currency of account one"):
        net_asset_value(portfolio(), {"one": snapshot("one", "1", "CHF")}, RATES, "u.json")
