from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.allocation.conversion import add_euro_fields, cross_rate, currencies_of, quoted_rates, rates_of
from include.allocation.rates import Rate
from include.domain.quote import Quote
from include.errors import InputError
from tests.allocation.documents import AS_OF, stock, universe

REFERENCE = {"USD": Rate("USD", Decimal("1.10"), "ECB", AS_OF, 0)}


def quote(bid: str | None = None, ask: str | None = None, last: str | None = None, day: int = 4) -> Quote:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    time = datetime(2026, 3, day, 20, 0, tzinfo=UTC)
    return Quote(native_id="1", currency="USD", bid=number(bid), ask=number(ask), last=number(last), time=time)


def test_every_currency_of_stocks_and_portfolios_and_the_euro() -> None:
    document = universe(a=[stock("AAA"), stock("6095.T")], b=[stock("AAA")])
    assert currencies_of(document, ["CHF"], "x") == ["CHF", "EUR", "JPY", "USD"]
    assert currencies_of(universe(), [], "x") == ["EUR"]


@pytest.mark.parametrize("currency", ["GBp", "", None, "us dollar", "US", 1])
def test_what_is_no_currency_code_is_refused(currency: object) -> None:
    with pytest.raises(InputError, match=r"u\.json, field 'AAA\.currency': expected a currency code in capitals"):
        currencies_of(universe(a=[stock("AAA", currency=currency)]), [], "u.json")


def test_the_middle_of_a_quote_is_the_rate() -> None:
    rates, refused = quoted_rates({"USD": quote("1.10", "1.12")}, "memory", AS_OF, 7, REFERENCE)
    assert refused == {}
    assert rates == {"USD": Rate("USD", Decimal("1.11"), "memory", AS_OF, 0)}


def test_a_quote_of_the_days_before_has_an_age_and_one_of_later_has_none() -> None:
    rates, _ = quoted_rates({"USD": quote("1.10", "1.12", day=2)}, "memory", AS_OF, 7, {})
    assert rates["USD"].age_days == 2
    rates, _ = quoted_rates({"USD": quote("1.10", "1.12", day=6)}, "memory", AS_OF, 7, {})
    assert (rates["USD"].age_days, rates["USD"].dated) == (0, date(2026, 3, 6))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (quote(), "no positive middle price"),
        (quote(last="0"), "no positive middle price"),
        (quote(last="-1.1"), "no positive middle price"),
        (quote(last="1.1", day=1), "more than 2 days old"),
        (quote(last="0.8796"), "more than 20 % away"),  # 0.88 is the limit below, 1.32 the one above
        (quote(last="1.3201"), "more than 20 % away"),
        (quote(last="110"), "more than 20 % away"),
    ],
)
def test_quotes_that_are_not_used_say_why(found: Quote, reason: str) -> None:
    rates, refused = quoted_rates({"USD": found}, "memory", AS_OF, 2, REFERENCE)
    assert rates == {}
    assert reason in refused["USD"]


@pytest.mark.parametrize("last", ["0.88", "1.32"])
def test_the_edge_of_the_deviation_is_used(last: str) -> None:
    assert quoted_rates({"USD": quote(last=last)}, "memory", AS_OF, 2, REFERENCE)[0]["USD"].rate == Decimal(last)


def test_a_quote_of_the_euro_itself_is_not_taken() -> None:
    assert quoted_rates({"EUR": quote(last="1.01")}, "memory", AS_OF, 7, {})[0] == {}


def test_euro_fields_are_set_everywhere() -> None:
    document = universe(a=[stock("6095.T", price=800.0)], b=[stock("BP.L", price=4.25)])
    add_euro_fields(document, {"JPY": 160.0, "GBP": 0.85}, "x")
    assert document["all_stocks"]["6095.T"]["eur_price"] == 5.0
    assert document["all_stocks"]["6095.T"]["eur_exchange_rate"] == 160.0
    assert document["screens"]["a"]["stocks"][0]["eur_price"] == 5.0
    assert document["screens"]["b"]["stocks"][0]["eur_price"] == 5.0  # pounds, not pence


def test_a_price_that_is_no_price_is_refused() -> None:
    with pytest.raises(InputError, match=r"field 'AAA\.price'"):
        add_euro_fields(universe(a=[stock("AAA", price=-1)]), {"USD": 1.1}, "u.json")


def test_rates_are_read_back_exactly() -> None:
    document = universe()
    document["metadata"]["exchange_rates"] = {"base": "EUR", "rates": {"USD": {"rate": 1.1}, "EUR": {"rate": 1.0}}}
    assert rates_of(document, "x") == {"USD": Decimal("1.1"), "EUR": Decimal("1.0")}


@pytest.mark.parametrize("section", [None, {}, {"base": "USD", "rates": {}}, {"base": "EUR", "rates": []}])
def test_a_document_without_rates_is_refused(section: object) -> None:
    document = universe()
    document["metadata"]["exchange_rates"] = section
    with pytest.raises(InputError, match="expected rates for one EUR"):
        rates_of(document, "u.json")


def test_a_rate_of_zero_is_refused() -> None:
    document = universe()
    document["metadata"]["exchange_rates"] = {"base": "EUR", "rates": {"USD": {"rate": 0}}}
    with pytest.raises(InputError, match=r"exchange_rates\.USD\.rate"):
        rates_of(document, "u.json")


def test_cross_rates_by_hand() -> None:
    rates = {"EUR": Decimal(1), "USD": Decimal("1.25"), "JPY": Decimal(160)}
    assert cross_rate(rates, "JPY", "EUR", "x") == 160
    assert cross_rate(rates, "JPY", "USD", "x") == 128
    assert cross_rate(rates, "EUR", "USD", "x") == Decimal("0.8")
    with pytest.raises(InputError, match=r"expected a rate for this currency \(found 'CHF'\)"):
        cross_rate(rates, "CHF", "EUR", "u.json")


@given(st.decimals("0.001", "10000", places=4), st.decimals("0.001", "10000", places=4))
def test_there_and_back_is_one(one: Decimal, other: Decimal) -> None:
    rates = {"AAA": one, "BBB": other}
    assert abs(cross_rate(rates, "AAA", "BBB", "x") * cross_rate(rates, "BBB", "AAA", "x") - 1) < Decimal("1e-10")
    assert cross_rate(rates, "AAA", "AAA", "x") == 1
