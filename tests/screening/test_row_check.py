import pytest

from include.allocation.document import percent
from include.domain.instrument import AssetClass
from include.screening.row_check import RawRow, RowCheck, shown
from include.screening.rows import RejectedRow, ScreenRow
from tests.screening.exports import MARKETS

GOOD = {
    "ticker": "VOD.L",
    "isin": "GB00BH4HKS39",
    "name": "Vodafone\u00a0Group  Plc ",
    "currency": "GBP",
    "price": "0.85",
    "price_180d_change": "-9.09%",
    "sector": "Telecommunications",
    "country": "United Kingdom",
}


def check(**changes: str) -> ScreenRow | RejectedRow:
    return RowCheck("f.csv", MARKETS)(RawRow(line=7, **(GOOD | changes)))


def test_a_good_row() -> None:
    assert check() == ScreenRow(
        ticker="VOD.L",
        isin="GB00BH4HKS39",
        name="Vodafone Group Plc",
        currency="GBP",
        market="XLON",
        asset_class=AssetClass.STOCK,
        sector="Telecommunications",
        country="United Kingdom",
        price=0.85,
        price_180d_change="-9.09%",
        line=7,
    )


@pytest.mark.parametrize("text", ["null", "", " ", "N/A", "-", "None"])
def test_an_unknown_isin_is_none(text: str) -> None:
    row = check(isin=text)
    assert isinstance(row, ScreenRow)
    assert row.isin is None


@pytest.mark.parametrize("text", ["GB00 BH4H KS39", " GB00BH4HKS39\u00a0"])
def test_blanks_of_an_isin_are_left_out(text: str) -> None:
    row = check(isin=text)
    assert isinstance(row, ScreenRow)
    assert row.isin == "GB00BH4HKS39"


@pytest.mark.parametrize(("text", "price"), [("1.2E5", 120000.0), ("0.20", 0.2), (" 12386 ", 12386.0), (".5", 0.5)])
def test_prices_as_exports_write_them(text: str, price: float) -> None:
    row = check(price=text)
    assert isinstance(row, ScreenRow)
    assert row.price == price


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("price", "-1", "expected a price above 0 in the listing's currency"),
        ("price", "0", "expected a price above 0 in the listing's currency"),
        ("price", "0.00", "expected a price above 0 in the listing's currency"),
        ("price", "NaN", "expected a price above 0 in the listing's currency"),
        ("price", "inf", "expected a price above 0 in the listing's currency"),
        ("price", "1E999", "expected a price above 0 in the listing's currency"),
        ("price", "", "expected a price above 0 in the listing's currency"),
        ("price", "1,5", "expected a price above 0 in the listing's currency"),
        ("price", "1_000", "expected a price above 0 in the listing's currency"),
        ("price", "1e300", "expected a price between 1e-12 and 1e+12 in the listing's currency"),
        ("price", "1e-300", "expected a price between 1e-12 and 1e+12 in the listing's currency"),
        ("currency", "XXX", "unknown currency: expected an ISO 4217 code that markets.yaml has"),
        ("currency", "GBp", "unknown currency: expected an ISO 4217 code that markets.yaml has"),
        ("currency", "", "unknown currency: expected an ISO 4217 code that markets.yaml has"),
        ("currency", "JPY", "expected a currency of London: GBP, USD, EUR"),
        ("ticker", "VOD.QQ", "unknown market suffix 'QQ': expected one of markets.yaml"),
        ("ticker", "BRK.B", "unknown market suffix 'B': expected one of markets.yaml"),
        ("ticker", "", "expected a ticker such as AAPL or 6095.T"),
        ("ticker", "A B.L", "expected a ticker such as AAPL or 6095.T"),
        ("name", "", "expected a name"),
        ("name", "\u00a0", "expected a name"),
        ("name", "null", "expected a name"),
        ("isin", "GB00BH4HKS38", "expected an ISIN with a right check digit, or none"),
        ("isin", "gb00bh4hks39", "expected an ISIN with a right check digit, or none"),
        ("isin", "GB00BH4HKS3", "expected an ISIN with a right check digit, or none"),
        ("price_180d_change", "", "expected a change in percent such as -9.09%, not under -100%"),
        ("price_180d_change", "0.05", "expected a change in percent such as -9.09%, not under -100%"),
        ("price_180d_change", "-100.01%", "expected a change in percent such as -9.09%, not under -100%"),
        ("price_180d_change", "1000000.1%", "expected a change in percent of at most 1000000%"),
    ],
)
def test_a_bad_field_rejects_the_row(field: str, value: str, reason: str) -> None:
    ticker = (value.strip() or None) if field == "ticker" else "VOD.L"
    expected = RejectedRow(file="f.csv", line=7, ticker=ticker, field=field, value=value.strip(), reason=reason)
    assert check(**{field: value}) == expected


@pytest.mark.parametrize("text", ["1000000%", "-100%", ".5%", "5.%", "+3%"])
def test_every_change_that_is_accepted_can_be_computed_with(text: str) -> None:
    row = check(price_180d_change=text)
    assert isinstance(row, ScreenRow)
    assert percent(row.price_180d_change, "f.csv", "price_180d_change") == pytest.approx(float(text[:-1]) / 100)


def test_a_ticker_counts_once_and_a_rejected_one_not_at_all() -> None:
    checked = RowCheck("f.csv", MARKETS)
    assert isinstance(checked(RawRow(line=5, **(GOOD | {"price": "-1"}))), RejectedRow)
    assert isinstance(checked(RawRow(line=6, **GOOD)), ScreenRow)
    again = checked(RawRow(line=7, **GOOD))
    assert isinstance(again, RejectedRow)
    assert again.reason == "expected each ticker once: it is already on line 6"


def test_the_market_says_what_kind_it_is() -> None:
    row = check(ticker="BTC.CRYPTO", isin="", currency="USD")
    assert isinstance(row, ScreenRow)
    assert row.asset_class is AssetClass.CRYPTO


def test_shown_values_are_short_and_hold_no_address() -> None:
    assert shown("x" * 61) == "x" * 57 + "..."
    assert shown("see https://screener.example/?user=U") == "(an address)"
    assert shown(None) is None
