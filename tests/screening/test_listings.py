from typing import Any

import pytest
from stdnum import isin as isin_number

from include.screening.listings import Listing, real_listings, usable
from tests.screening.exports import MARKETS


def stock(symbol: str | None, country: str | None, isins: list[str], *yahoo: str, name: str = "A Company, Inc") -> dict[str, Any]:
    return {
        "name": name,
        "symbol": symbol,
        "country": country,
        "isins": isins,
        "industries": ["Cars, Trucks"],
        "symbols": [{"yahoo": ticker} for ticker in yahoo],
    }


APPLE = stock("AAPL", "Cupertino, California", ["US0378331005"], "APC.F", "AAPL")


def test_a_usable_row() -> None:
    expected = Listing("AAPL", "US0378331005", "A Company Inc", "USD", "US", "United States", "Cars Trucks")
    assert usable([APPLE], MARKETS) == [expected]


@pytest.mark.parametrize(
    ("row", "ticker"),
    [
        (stock("7203.T", "Japan", ["JP3633400001"], "TOM.F", "TM", "7203.T"), "7203.T"),  # the home market, not the ADR
        (stock("ALFA.ST", "Sweden", ["SE0000695876"], "AA9.F", "ALFVY"), "ALFA.ST"),  # the symbol itself is a listing
        (stock("ADS.DE", "Germany", ["DE000A1EWWW0"], "ADS.F"), "ADS.DE"),  # Xetra before Frankfurt
        (stock("1U1", "Germany", ["DE0005545503"], "XYZ.F", "1U1.F"), "1U1.F"),
        (stock(None, "France", ["FR0000120404"], "AC.PA", "ACRFF"), "AC.PA"),
        (stock("DCC.L", "Dublin, United Kingdom", ["GB00BH4HKS39"], "DCC.L"), "DCC.L"),
    ],
)
def test_the_home_market_first(row: dict[str, Any], ticker: str) -> None:
    assert [listing.ticker for listing in usable([row], MARKETS)] == [ticker]


@pytest.mark.parametrize(
    "row",
    [
        stock("AAPL", "United States", [], "AAPL"),
        stock("AAPL", "United States", ["US0378331005", "US5949181045"], "AAPL"),
        stock("AAPL", "United States", ["US0378331006"], "AAPL"),  # check digit
        stock("ELISA.HE", "Finland", ["FR0012435121"], "ELISA.HE"),  # another company's: the country contradicts
        stock("ELISA.HE", None, ["FR0012435121"], "EIA.F", "ELMUF"),  # the listing contradicts
        stock("7751.T", "United Kingdom", ["JP3242800005"], "7751.T"),
        stock("ACN", "Dublin, Ireland", ["IE00B4BNMY34"], "ACN"),  # no home market known
        stock("AON", None, ["GB00B5BT0K07"], "AON", "0XHL.L"),  # a second listing in London
        stock("AAPL", None, ["US0378331005"], "APC.F"),  # nobody says that this symbol is listed
        stock("AAPL", None, ["US0378331005"], "AAPL", name=" "),
        {"name": "Nothing else"},
    ],
)
def test_rows_that_are_left_out(row: dict[str, Any]) -> None:
    assert usable([row], MARKETS) == []


def test_each_isin_and_each_ticker_once() -> None:
    twice = stock("AAPL.X", "United States", ["US0378331005"], "AAPL.X")
    same_ticker = stock("AAPL", "United States", ["US5949181045"], "AAPL", name="B")
    assert [row.isin for row in usable([twice, same_ticker, APPLE], MARKETS)] == ["US0378331005"]


def test_a_market_that_is_not_configured() -> None:
    assert usable([APPLE], {name: market for name, market in MARKETS.items() if name != "US"}) == []


def test_the_package_has_enough_and_what_is_left_is_consistent() -> None:
    listings = real_listings(MARKETS)
    assert len(listings) > 500
    assert len({row.ticker for row in listings}) == len({row.isin for row in listings}) == len(listings)
    for row in listings:
        assert isin_number.is_valid(row.isin)
        assert row.ticker.partition(".")[2] == MARKETS[row.market].yahoo_suffix
        assert row.currency in MARKETS[row.market].currencies
    assert {"US", "XTKS", "XLON", "XETR", "XPAR", "XSWX", "XSTO", "XAMS"} <= {row.market for row in listings}
    # Elisa carries the ISIN of Elis beside its own.
    assert "ELISA.HE" not in {row.ticker for row in listings}
