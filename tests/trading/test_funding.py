from decimal import Decimal

from include.trading.funding import Funding
from tests.trading.build import snapshot

RATES = {"EUR": Decimal(1), "USD": Decimal("1.25"), "JPY": Decimal(160)}


def funding(cash: dict[str, str], *, converting: bool = False) -> Funding:
    accounts = frozenset({"ibkr-main"}) if converting else frozenset()
    return Funding({"ibkr-main": snapshot(cash=cash)}, accounts, RATES, "EUR")


def test_cash_is_set_aside_until_it_is_gone() -> None:
    free = funding({"USD": "1000"})
    assert free.reserve("ibkr-main", "USD", Decimal(600)) is None
    assert free.reserve("ibkr-main", "USD", Decimal(401)) == "unfunded: needs 401.00 USD, ibkr-main has 400.00 settled and free"
    assert free.reserve("ibkr-main", "USD", Decimal(400)) is None
    assert free.left() == {"ibkr-main": {"USD": "0.00"}}


def test_another_currency_pays_for_nothing() -> None:
    message = funding({"EUR": "1000000"}).reserve("ibkr-main", "JPY", Decimal(100))
    assert message == "unfunded: needs 100.00 JPY, ibkr-main has 0.00 settled and free"


def test_an_account_that_converts_counts_all_its_money_in_base() -> None:
    free = funding({"EUR": "100", "USD": "125"}, converting=True)
    assert free.reserve("ibkr-main", "JPY", Decimal(32_000)) is None
    assert free.left() == {"ibkr-main": {"EUR": "0.00"}}


def test_owed_money_is_no_money() -> None:
    message = funding({"USD": "-50"}).reserve("ibkr-main", "USD", Decimal(1))
    assert message == "unfunded: needs 1.00 USD, ibkr-main has 0.00 settled and free"


def test_money_without_a_rate_pays_for_nothing() -> None:
    free = funding({"XXX": "100", "EUR": "1"}, converting=True)
    assert free.reserve("ibkr-main", "EUR", Decimal(2)) == "unfunded: needs 2.00 EUR, ibkr-main has 1.00 settled and free"


def test_committed_money_is_taken_off_in_the_currency_it_is_of() -> None:
    committed = {("ibkr-main", "USD"): Decimal(125), ("gone", "USD"): Decimal(7)}
    free = Funding({"ibkr-main": snapshot(cash={"EUR": "300", "USD": "200"})}, frozenset(), RATES, "EUR", committed)
    assert free.left()["ibkr-main"] == {"EUR": "300.00", "USD": "75.00"}
    free = Funding({"ibkr-main": snapshot(cash={"EUR": "300"})}, frozenset({"ibkr-main"}), RATES, "EUR", committed)
    assert free.left()["ibkr-main"] == {"EUR": "200.00"}
