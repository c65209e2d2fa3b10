from decimal import Decimal

import pytest

from include.domain.order import Side
from include.errors import InputError
from include.simulation.ledger import Ledger, SimPosition, worth


def trade(quantity: str, currency: str = "USD") -> SimPosition:
    return SimPosition(native_id="one", symbol="ONE", currency=currency, quantity=Decimal(quantity), average_cost=Decimal(0))


def test_buying_twice_and_selling_in_parts_keeps_cost_and_profit() -> None:
    ledger = Ledger({"USD": Decimal(1000)})
    ledger.apply(Side.BUY, trade("2"), Decimal(100), Decimal(1), Decimal(1))
    ledger.apply(Side.BUY, trade("2"), Decimal(200), Decimal(1), Decimal(1))
    assert ledger.positions["one"].average_cost == 150
    ledger.apply(Side.SELL, trade("1"), Decimal(180), Decimal(1), Decimal(1))
    held = ledger.positions["one"]
    assert (held.quantity, held.average_cost, held.realized_pnl) == (3, 150, 30)
    assert ledger.cash == {"USD": Decimal(577)}  # 1000 - 201 - 401 + 179


def test_a_closed_position_disappears_and_its_profit_comes_back_with_it() -> None:
    ledger = Ledger({"USD": Decimal(1000)})
    ledger.apply(Side.BUY, trade("1"), Decimal(100), Decimal(1), Decimal(0))
    ledger.apply(Side.SELL, trade("1"), Decimal(90), Decimal(1), Decimal(0))
    assert ledger.positions == {}
    ledger.apply(Side.BUY, trade("1"), Decimal(50), Decimal(1), Decimal(0))
    assert ledger.positions["one"].realized_pnl == -10


def test_the_multiplier_counts_in_cash_and_profit() -> None:
    ledger = Ledger({"USD": Decimal(10000)})
    ledger.apply(Side.BUY, trade("2"), Decimal(10), Decimal(100), Decimal(0))
    assert ledger.cash == {"USD": Decimal(8000)}
    ledger.apply(Side.SELL, trade("1"), Decimal(11), Decimal(100), Decimal(0))
    assert ledger.positions["one"].realized_pnl == 100


def test_without_conversion_each_currency_pays_for_itself() -> None:
    ledger = Ledger({"EUR": Decimal(1000)})
    assert not ledger.can_pay({"USD": Decimal(1)})
    assert ledger.can_pay({"EUR": Decimal(1000)})
    assert not ledger.can_pay({"EUR": Decimal("1000.01")})
    assert ledger.can_settle("USD")


def test_conversion_spends_foreign_cash_first_and_then_the_settlement_currency() -> None:
    ledger = Ledger({"EUR": Decimal(100), "JPY": Decimal(1000)}, "EUR")
    ledger.rates["JPY"] = Decimal(160)
    ledger.apply(Side.BUY, trade("1", "JPY"), Decimal(9000), Decimal(1), Decimal(0))
    assert ledger.cash == {"EUR": Decimal(50)}


def test_conversion_sells_proceeds_and_leaves_other_cash_alone() -> None:
    ledger = Ledger({"EUR": Decimal(100), "JPY": Decimal(1000)}, "EUR")
    ledger.rates["JPY"] = Decimal(160)
    ledger.apply(Side.BUY, trade("1", "JPY"), Decimal(500), Decimal(1), Decimal(0))
    ledger.apply(Side.SELL, trade("1", "JPY"), Decimal(1600), Decimal(1), Decimal(0))
    assert ledger.cash == {"EUR": Decimal(110), "JPY": Decimal(500)}


def test_conversion_counts_all_currencies_together() -> None:
    ledger = Ledger({"EUR": Decimal(100)}, "EUR")
    ledger.rates |= {"JPY": Decimal(160), "USD": Decimal(2)}
    assert ledger.can_pay({"JPY": Decimal(8000), "USD": Decimal(60), "EUR": Decimal(20)})
    assert not ledger.can_pay({"JPY": Decimal(8000), "USD": Decimal(61), "EUR": Decimal(20)})
    assert not ledger.can_pay({"CHF": Decimal(1)})
    assert not ledger.can_settle("CHF")


def test_worth_adds_over_currencies() -> None:
    amounts = {"EUR": Decimal(100), "USD": Decimal(60), "CHF": Decimal(0)}
    assert worth(amounts, {"USD": Decimal("1.2")}, "EUR") == 150


@pytest.mark.parametrize("rates", [{}, {"USD": Decimal(0)}])
def test_worth_without_a_rate_names_the_currency(rates: dict[str, Decimal]) -> None:
    with pytest.raises(InputError, match="USD per EUR"):
        worth({"USD": Decimal(1)}, rates, "EUR")
