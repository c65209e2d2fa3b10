"""Which row's price marks which listing: by identity first, then by symbol, then by name on the same market."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from include.domain.market import Market
from include.sandbox.rows import PricedRow, ibkr_symbols, plain_name, us_symbol


class MarkIndex:
    """Looks rows up for listings. A listing whose ISIN contradicts the row's never takes its price.

    Args:
        rows: Rows with prices; the first of equal keys decides, rows without a price are ignored.
        markets: Of `markets.yaml`.
    """

    def __init__(self, rows: Iterable[PricedRow], markets: Mapping[str, Market]) -> None:
        self._by_isin: dict[tuple[str, str], PricedRow] = {}
        self._by_symbol: dict[tuple[str, str, str], PricedRow] = {}
        self._by_name: dict[tuple[str, str, str], PricedRow] = {}
        self._us: dict[str, PricedRow] = {}
        for row in rows:
            if row.price is None:
                continue
            if row.isin:
                self._by_isin.setdefault((row.isin, row.currency), row)
            if row.market in ("US", "CRYPTO"):
                self._us.setdefault(us_symbol(row.ticker) if row.market == "US" else row.ticker, row)
            market = markets.get(row.market)
            for exchange in market.exchange_words if market else ():
                for symbol in ibkr_symbols(row.ticker):
                    self._by_symbol.setdefault((symbol, exchange, row.currency), row)
                self._by_name.setdefault((plain_name(row.name), exchange, row.currency), row)

    def ibkr(self, symbol: str, exchange: str, currency: str, name: str, isin: str | None, isin_end: str) -> Decimal | None:
        """Price of an IBKR contract in currency units, or None.

        Args:
            isin: Its ISIN, where known.
            isin_end: Last characters of an ISIN that is known only so far; "" for none.
        """
        if isin:
            row = self._by_isin.get((isin, currency))
            if row is not None:
                return row.price
        keys = ((self._by_symbol, symbol), (self._by_name, plain_name(name)))
        for index, key in keys:
            row = index.get((key, exchange, currency))
            if row is not None and not _contradicts(row, isin, isin_end):
                return row.price
        return None

    def alpaca(self, symbol: str) -> Decimal | None:
        """Price of an Alpaca asset (`BRK.B`; a crypto pair `BTC/USD` is found as `BTC-USD`), or None."""
        row = self._us.get(symbol) or self._us.get(symbol.replace("/", "-"))
        return row.price if row else None


def _contradicts(row: PricedRow, isin: str | None, isin_end: str) -> bool:
    if not row.isin:
        return False
    return bool((isin and isin != row.isin) or (isin_end and not row.isin.endswith(isin_end)))
