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


@pytest.mark.parametrize(
    ("text", "kind"), [("", AssetClass.STOCK), ("null", AssetClass.STOCK), ("ETF", AssetClass.ETF), (" stock ", AssetClass.STOCK)]
)
def test_a_row_may_say_its_kind(text: str, kind: AssetClass) -> None:
    row = check(asset_class=text)
    assert isinstance(row, ScreenRow)
    assert row.asset_class is kind


def test_a_pair_may_say_its_kind() -> None:
    row = check(ticker="BTC-USD", isin="", currency="USD", asset_class="crypto")
    assert isinstance(row, ScreenRow)
    assert (row.asset_class, row.pair) == (AssetClass.CRYPTO, "BTC/USD")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"asset_class": "warrant"}, "expected stock or etf"),
        ({"asset_class": "crypto"}, "expected stock or etf"),
        (
            {"ticker": "BTC-USD", "isin": "", "currency": "USD", "asset_class": "etf"},
            "expected crypto: by its ticker this is the pair BTC/USD",
        ),
    ],
)
def test_a_kind_that_cannot_be_is_rejected(changes: dict[str, str], reason: str) -> None:
    row = check(**changes)
    assert isinstance(row, RejectedRow)
    assert (row.field, row.value, row.reason) == ("asset_class", changes["asset_class"], reason)


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


@pytest.mark.parametrize(
    ("ticker", "currency", "pair", "kind", "market"),
    [
        ("BTC-USD", "USD", "BTC/USD", "crypto", "CRYPTO"),
        ("ETH-EUR", "EUR", "ETH/EUR", "crypto", "CRYPTO"),
        ("BTC/USD", "USD", "BTC/USD", "crypto", "CRYPTO"),
        ("BTCUSDT", "USDT", "BTC/USDT", "crypto", "CRYPTO"),
        ("DOTUSD", "USD", "DOT/USD", "crypto", "CRYPTO"),  # its currency says where it is cut
        ("ETH-BTC", "BTC", "ETH/BTC", "crypto", "CRYPTO"),
        ("1INCH-USD", "USD", "1INCH/USD", "crypto", "CRYPTO"),
        ("BTC-INR", "INR", "BTC/INR", "crypto", "CRYPTO"),
        ("BTC-USD.CRYPTO", "USD", "BTC/USD", "crypto", "CRYPTO"),
        ("BTC.CRYPTO", "USD", "BTC/USD", "crypto", "CRYPTO"),
        ("BTCUSD=X", "USD", "BTC/USD", "crypto", "CRYPTO"),  # Yahoo's ending, but a coin is no currency of a state
        ("EURUSD=X", "USD", "EUR/USD", "fx", "FX"),
        ("JPY=X", "JPY", "USD/JPY", "fx", "FX"),
        ("VNDUSD=X", "USD", "VND/USD", "fx", "FX"),  # Yahoo says that it is a currency
        ("EURUSD.X", "USD", "EUR/USD", "fx", "FX"),
        ("JPY.X", "JPY", "USD/JPY", "fx", "FX"),
        ("EUR-USD", "USD", "EUR/USD", "fx", "FX"),
        ("EURUSD", "USD", "EUR/USD", "fx", "FX"),
        ("XAUUSD=X", "USD", "XAU/USD", "metal", "FX"),
        ("XAU-USD", "USD", "XAU/USD", "metal", "FX"),
        ("XPT-EUR", "EUR", "XPT/EUR", "metal", "FX"),
    ],
)
def test_a_pair_is_known_by_its_ticker(ticker: str, currency: str, pair: str, kind: str, market: str) -> None:
    row = check(ticker=ticker, isin="", currency=currency)
    assert isinstance(row, ScreenRow), row
    assert (row.pair, row.asset_class.value, row.market, row.currency) == (pair, kind, market, currency)


@pytest.mark.parametrize(
    "ticker", ["BRK-B", "BAC-PL", "AAM-UN", "OXY-WT", "NXG-RI", "AGM-A", "USD", "EURN", "CRO", "BUSD", "GBTC", "ABUSD"]
)
def test_a_share_is_no_pair(ticker: str) -> None:
    row = check(ticker=ticker, isin="", currency="USD")
    assert isinstance(row, ScreenRow)
    assert (row.pair, row.asset_class, row.market) == (None, AssetClass.STOCK, "US")


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        (
            {"ticker": "BTC-USD", "currency": "EUR"},
            "currency",
            "expected USD: the ticker is the pair BTC/USD, whose price is in it",
        ),
        (
            {"ticker": "BTCUSDT", "currency": "USD"},
            "currency",
            "expected USDT: the ticker is the pair BTC/USDT, whose price is in it",
        ),
        (
            {"ticker": "JPY=X", "currency": "USD"},
            "currency",
            "expected JPY: the ticker is the pair USD/JPY, whose price is in it",
        ),
        (
            {"ticker": "BTC-USD", "currency": "usd"},
            "currency",
            "expected USD: the ticker is the pair BTC/USD, whose price is in it",
        ),
        (
            {"ticker": "BTC.CRYPTO", "currency": "XXX"},
            "ticker",
            "expected a pair such as BTC-USD or EURUSD=X in a known currency",
        ),
        ({"ticker": "EU.X", "currency": "USD"}, "ticker", "expected a pair such as BTC-USD or EURUSD=X in a known currency"),
        ({"ticker": "BTC-USD", "isin": "US0378331005"}, "isin", "expected none: by its ticker this is the pair BTC/USD"),
        ({"ticker": "A/B"}, "ticker", "expected a ticker such as AAPL or 6095.T"),
    ],
)
def test_what_contradicts_a_pair_rejects_the_row(changes: dict[str, str], field: str, reason: str) -> None:
    row = check(**{"isin": "", "currency": "USD", **changes})
    assert isinstance(row, RejectedRow)
    assert (row.field, row.reason) == (field, reason)


def test_shown_values_are_short_and_hold_no_address() -> None:
    assert shown("x" * 61) == "x" * 57 + "..."
    assert shown("see https://screener.example/?user=U") == "(an address)"
    assert shown(None) is None
