"""Real listings from the package `pytickersymbols`, read at run time; rows it has wrong are left out.

Left out: rows with no or more than one ISIN, a wrong check digit, an ISIN of another country than the company's or than its
home market's, no listing on that home market, or an ISIN or ticker that an earlier row has already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.domain import identifiers
from include.domain.market import Market
from include.screening.row_check import clean

# Country of the ISIN: its home markets by preference, and the names the package gives the country.
_HOME: dict[str, tuple[tuple[str, ...], str]] = {
    "US": (("US",), "United States"),
    "JP": (("XTKS",), "Japan"),
    "GB": (("XLON",), "United Kingdom"),
    "DE": (("XETR", "XFRA"), "Germany"),
    "FR": (("XPAR",), "France"),
    "CH": (("XSWX",), "Switzerland"),
    "SE": (("XSTO",), "Sweden"),
    "NL": (("XAMS",), "Netherlands"),
    "ES": (("XMAD",), "Spain"),
    "FI": (("XHEL",), "Finland"),
    "BE": (("XBRU",), "Belgium"),
    "IT": (("XMIL",), "Italy"),
}
_COUNTRIES = {name: code for code, (_, name) in _HOME.items()} | {
    "Ireland": "IE",
    "Luxembourg": "LU",
    "Bermuda": "BM",
    "Canada": "CA",
}


@dataclass(frozen=True)
class Listing:
    """One company on its home market.

    Attributes:
        ticker: Yahoo-style.
        market: Key into `markets.yaml`.
        sector: The package's first industry, "" where it has none.
    """

    ticker: str
    isin: str
    name: str
    currency: str
    market: str
    country: str
    sector: str


def real_listings(markets: Mapping[str, Market]) -> list[Listing]:
    """All usable listings, sorted by ticker.

    Args:
        markets: Markets by id; a listing on any other market is left out.
    """
    from pytickersymbols import PyTickerSymbols

    return usable(list(PyTickerSymbols().get_all_stocks()), markets)


def usable(stocks: Sequence[Mapping[str, Any]], markets: Mapping[str, Market]) -> list[Listing]:
    """The usable ones of the package's rows, one listing per company, sorted by ticker."""
    found: dict[str, Listing] = {}
    isins: set[str] = set()
    for stock in sorted(stocks, key=lambda row: (str(row.get("symbol")), str(row.get("name")))):
        listing = _listing(stock, markets)
        if listing and listing.ticker not in found and listing.isin not in isins:
            found[listing.ticker] = listing
            isins.add(listing.isin)
    return [found[ticker] for ticker in sorted(found)]


def _listing(stock: Mapping[str, Any], markets: Mapping[str, Market]) -> Listing | None:
    isins, name = stock.get("isins") or [], clean(str(stock.get("name") or ""))
    isin = identifiers.isin(isins[0]) if len(isins) == 1 else None
    if isin is None or not name:
        return None
    homes, country = _HOME.get(isin[:2], ((), ""))
    # A city instead of a country ("Houston, Texas") says nothing; a country that is not the ISIN's says that one is wrong.
    stated = _COUNTRIES.get(clean(str(stock.get("country") or "").rpartition(",")[2]))
    if stated not in (None, isin[:2]):
        return None
    for home in homes:
        ticker = _ticker_on(stock, markets[home]) if home in markets else None
        if ticker:
            industries = stock.get("industries") or [""]
            sector = clean(str(industries[0])).replace(",", "")
            return Listing(ticker, isin, name.replace(",", ""), markets[home].currencies[0], home, country, sector)
    return None


def _ticker_on(stock: Mapping[str, Any], market: Market) -> str | None:
    own = str(stock.get("symbol") or "")
    listed = [str(row.get("yahoo") or "") for row in stock.get("symbols") or []]
    fitting = [ticker for ticker in dict.fromkeys([own, *listed]) if ticker and _suffix(ticker) == market.yahoo_suffix]
    if market.yahoo_suffix == "":  # an American company's own symbol; the others without suffix are over-the-counter ones
        return own if own in fitting and own in listed else None
    if own in fitting:
        return own
    same_stem = [ticker for ticker in fitting if ticker.partition(".")[0] == own]
    if same_stem:
        return same_stem[0]
    # Listings under another name (London's 0XHL for Aon) are second ones; only a row without a symbol of its own may use them.
    return fitting[0] if not own and len(fitting) == 1 else None


def _suffix(ticker: str) -> str:
    return ticker.partition(".")[2]
