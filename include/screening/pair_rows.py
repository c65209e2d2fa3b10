"""Rows of a screen that are no shares: crypto, currency and metal pairs, and the market each of them is on."""

from collections.abc import Mapping
from dataclasses import dataclass

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.domain.notation.pairs import FIAT, METALS, QUOTES, YAHOO_FX, Pair, listed_pair

CRYPTO, FX = "CRYPTO", "FX"  # ids of the markets of pairs
_COINS = QUOTES - FIAT - METALS


@dataclass(frozen=True)
class PairRow:
    """A pair as a row names it, its kind, and the id of its market."""

    pair: Pair
    asset_class: AssetClass
    market: str


def pair_row(ticker: str, currency: str, markets: Mapping[str, Market]) -> PairRow | None:
    """The pair that a row's ticker names: by itself (`BTC-USD`, `EURUSD=X`), or by the suffix of a market of pairs.

    Those are `BTC-USD.CRYPTO`, `BTC.CRYPTO` (the coin, in the row's currency) and `EURUSD.X`.

    Args:
        ticker: As the source wrote it.
        currency: As the source wrote it; what the pair is quoted in is for the caller to compare.
        markets: By id.

    Returns:
        None for a share, and for a ticker with the suffix of a market of pairs that is no pair.
    """
    if found := listed_pair(ticker, currency):
        return _row(found, YAHOO_FX.parse(ticker) is not None)
    stem, _, suffix = ticker.partition(".")
    if suffix and suffix == _suffix(markets, FX):
        found = listed_pair(stem, currency) or listed_pair(f"{stem}=X")
        return _row(found, is_fx=True) if found else None
    if suffix and suffix == _suffix(markets, CRYPTO):
        found = listed_pair(stem, currency) or _coin(stem, currency)
        return PairRow(found, AssetClass.CRYPTO, CRYPTO) if found else None
    return None


def has_pair_suffix(ticker: str, markets: Mapping[str, Market]) -> bool:
    """Whether a ticker's suffix is a market's of pairs."""
    suffix = ticker.partition(".")[2]
    return bool(suffix) and suffix in (_suffix(markets, CRYPTO), _suffix(markets, FX))


def _row(pair: Pair, is_fx: bool) -> PairRow:
    """Metals by what is bought; a coin on either side makes crypto of a pair, whatever its ending says."""
    if pair.base in METALS:
        return PairRow(pair, AssetClass.METAL, FX)
    coin = not _COINS.isdisjoint((pair.base, pair.quote))
    if not coin and (is_fx or {pair.base, pair.quote} <= FIAT):
        return PairRow(pair, AssetClass.FX, FX)
    return PairRow(pair, AssetClass.CRYPTO, CRYPTO)


def _coin(stem: str, currency: str) -> Pair | None:
    coin = stem.upper()
    return Pair(coin, currency) if coin.isalnum() and currency in QUOTES else None


def _suffix(markets: Mapping[str, Market], name: str) -> str:
    return markets[name].yahoo_suffix if name in markets else ""
