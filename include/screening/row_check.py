"""The checks every row of a screen passes, whatever file it came from. A bad row is rejected; it never stops the file."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from include.domain.identifiers import isin
from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.domain.notation.pairs import Pair
from include.screening.pair_rows import PairRow, has_pair_suffix, pair_row
from include.screening.rows import RejectedRow, ScreenRow

UNKNOWN = frozenset({"", "null", "none", "nan", "n/a", "-"})
_TICKER = re.compile(r"[A-Za-z0-9&^=+\-]+(\.[A-Za-z0-9]+)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PERCENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)%")
# No real listing has a price or a 180-day change (in percent) beyond these, and no later step could compute with one.
_LEAST_PRICE, _MOST_PRICE, _MOST_CHANGE = 1e-12, 1e12, 1e6


@dataclass(frozen=True)
class RawRow:
    """One row as text, before any check."""

    line: int
    ticker: str
    isin: str
    name: str
    currency: str
    price: str
    price_180d_change: str
    sector: str = ""
    country: str = ""
    asset_class: str = ""  # "" where the source has no such word: a share, unless the ticker is a pair


class _Bad(Exception):
    """A field that fails its check (never leaves this module)."""

    def __init__(self, field: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason = field, value, reason


class RowCheck:
    """Checks the rows of one file, and knows which tickers and ISINs it has accepted.

    Args:
        file: File name for rejected rows.
        markets: Markets by id, as `markets.yaml` has them.
    """

    def __init__(self, file: str, markets: Mapping[str, Market]) -> None:
        self.file = file
        self._markets = markets
        self._by_suffix = {market.yahoo_suffix: market for market in markets.values()}
        self._currencies = {currency for market in markets.values() for currency in market.currencies}
        self._lines: dict[str, int] = {}

    def __call__(self, raw: RawRow) -> ScreenRow | RejectedRow:
        """The row, or why it is rejected (the first fault found)."""
        try:
            return self._row(raw)
        except _Bad as bad:
            return self.reject(raw.line, clean(raw.ticker) or None, bad.field, bad.value, bad.reason)

    def reject(self, line: int, ticker: str | None, field: str, value: str, reason: str) -> RejectedRow:
        """A rejected row of this file; long values are cut and addresses left out."""
        return RejectedRow(file=self.file, line=line, ticker=shown(ticker), field=field, value=shown(value) or "", reason=reason)

    def _row(self, raw: RawRow) -> ScreenRow:
        ticker, currency = clean(raw.ticker), clean(raw.currency)
        found = pair_row(ticker, currency, self._markets)
        if found is None and not _TICKER.fullmatch(ticker):
            raise _Bad("ticker", ticker, "expected a ticker such as AAPL or 6095.T")
        if found is None and has_pair_suffix(ticker, self._markets):
            raise _Bad("ticker", ticker, "expected a pair such as BTC-USD or EURUSD=X in a known currency")
        if ticker in self._lines:
            raise _Bad("ticker", ticker, f"expected each ticker once: it is already on line {self._lines[ticker]}")
        market = self._market(ticker) if found is None else self._markets[found.market]
        name = clean(raw.name)
        if name.lower() in UNKNOWN:
            raise _Bad("name", name, "expected a name")
        row = ScreenRow(
            ticker=ticker,
            isin=_isin(raw.isin, found.pair if found else None),
            name=name,
            currency=self._currency(currency, market) if found is None else _quote(currency, found.pair),
            market=market.market,
            asset_class=_asset_class(raw.asset_class, found),
            pair=None if found is None else str(found.pair),
            sector=clean(raw.sector),
            country=clean(raw.country),
            price=_price(raw.price),
            price_180d_change=_change(raw.price_180d_change),
            line=raw.line,
        )
        self._lines[ticker] = raw.line
        return row

    def _market(self, ticker: str) -> Market:
        suffix = ticker.partition(".")[2]
        try:
            return self._by_suffix[suffix]
        except KeyError:
            raise _Bad("ticker", ticker, f"unknown market suffix {suffix!r}: expected one of markets.yaml") from None

    def _currency(self, currency: str, market: Market) -> str:
        if currency not in self._currencies:
            raise _Bad("currency", currency, "unknown currency: expected an ISO 4217 code that markets.yaml has")
        if currency not in market.currencies:
            raise _Bad("currency", currency, f"expected a currency of {market.name}: {', '.join(market.currencies)}")
        return currency


def clean(text: str) -> str:
    """Text with every run of white space (no-break spaces too) as one space, none at the ends."""
    return " ".join(text.split())


def shown(text: str | None) -> str | None:
    """A value as it may stand in an artifact: at most 60 characters, no addresses."""
    if text is None:
        return None
    return "(an address)" if "://" in text else text if len(text) <= 60 else text[:57] + "..."


def _isin(text: str, pair: Pair | None) -> str | None:
    value = clean(text)
    if value.lower() in UNKNOWN:
        return None
    if pair:  # a security with such a ticker would be another thing, and nobody can tell which of both is meant
        raise _Bad("isin", value, f"expected none: by its ticker this is the pair {pair}")
    found = isin(value)  # without blanks inside: `US 0378331005` would be no contract's ISIN
    if found is None or value != value.upper():
        raise _Bad("isin", value, "expected an ISIN with a right check digit, or none")
    return found


def _quote(currency: str, pair: Pair) -> str:
    if currency != pair.quote:
        raise _Bad("currency", currency, f"expected {pair.quote}: the ticker is the pair {pair}, whose price is in it")
    return currency


def _asset_class(text: str, pair: PairRow | None) -> AssetClass:
    """The kind that the row says. A pair tells its own; whoever says otherwise means another thing."""
    word = clean(text).lower()
    kinds = (AssetClass.STOCK, AssetClass.ETF) if pair is None else (pair.asset_class,)
    if word in UNKNOWN:
        return kinds[0]
    if word not in kinds:
        by_ticker = "" if pair is None else f": by its ticker this is the pair {pair.pair}"
        raise _Bad("asset_class", word, f"expected {' or '.join(kinds)}{by_ticker}")
    return AssetClass(word)


def _price(text: str) -> float:
    value = clean(text)
    price = float(value) if _NUMBER.fullmatch(value) else math.nan
    if not (math.isfinite(price) and price > 0):
        raise _Bad("price", value, "expected a price above 0 in the listing's currency")
    if not _LEAST_PRICE <= price <= _MOST_PRICE:
        raise _Bad("price", value, f"expected a price between {_LEAST_PRICE:g} and {_MOST_PRICE:g} in the listing's currency")
    return price


def _change(text: str) -> str:
    value = clean(text)
    if not _PERCENT.fullmatch(value) or float(value[:-1]) < -100:
        raise _Bad("price_180d_change", value, "expected a change in percent such as -9.09%, not under -100%")
    if float(value[:-1]) > _MOST_CHANGE:
        raise _Bad("price_180d_change", value, f"expected a change in percent of at most {_MOST_CHANGE:.0f}%")
    return value
