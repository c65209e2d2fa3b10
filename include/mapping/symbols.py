"""Tickers and symbols: one company's class shares are written in five ways, and the same letters mean others elsewhere.

A Yahoo-style ticker (`ROCK-A.CO`) is stem, class and market; a broker's symbol (`ROCKA`, `ROCK.A`, `ROCK A`) is its own
notation. Both are brought to one spelling (`canonical`), and a ticker's possible spellings are compared with it. Where the
notation is known, `include/domain/notation/` reads and writes it.
"""

import re
from functools import lru_cache

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.domain.notation.pairs import Pair, cut, parse_pair
from include.domain.notation.symbols import ACT, ALPACA, SERIES, words
from include.domain.notation.venues import INDIA, YAHOO, stem

__all__ = ["QUOTED_IN_PAIRS", "canonical", "keys", "pair", "pair_key", "share_class", "stem", "variants"]

_CLASS = re.compile(r"^(?P<stem>[A-Z0-9]+)[.](?P<share_class>[A-Z])$")
QUOTED_IN_PAIRS = frozenset({AssetClass.CRYPTO, AssetClass.FX, AssetClass.METAL})


@lru_cache(maxsize=65536)
def canonical(symbol: str) -> str:
    """One spelling of a symbol: upper case, any separator a dot, none at either end (IBKR's `BP.` is `BP`)."""
    return ".".join(words(symbol))


def share_class(symbol: str) -> str | None:
    """The class a symbol names (`BRK B`, `ROCK-A`), None without a separated single letter."""
    found = _CLASS.match(canonical(symbol))
    return found["share_class"] if found else None


def variants(ticker: str, market: Market) -> tuple[str, ...]:
    """Every spelling a broker may use for a ticker, the ticker's own stem first.

    `ROCK-A.CO` gives `ROCK-A ROCK.A ROCK A ROCKA`. In the US, where another listing may own the joined letters, `BRK-B` gives
    `BRK-B BRK.B BRK B`, and `BAC-PL` also `BAC.PRL BAC$L`. Hong Kong's leading zeros are dropped too (`0700.HK`: `0700 700`). In
    India the series may follow (`RELIANCE.NS`: `RELIANCE`, `RELIANCE-EQ`, `RELIANCE-BE` ...).
    """
    own = stem(ticker, market).upper()
    found = [own]
    parts = canonical(own).split(".")
    if len(parts) > 1:
        joiners = ("-", ".", " ") if market.region == "us" else ("-", ".", " ", "")
        found += [joiner.join(parts) for joiner in joiners]
        named = YAHOO.parse(own) if market.region == "us" else None
        if named is not None and named.issue is not None:  # a preferred share, warrant ...: each list has its own suffix
            found += [notation.format(named) for notation in (ALPACA, ACT) if notation.can_format(named)]
    elif own.isdigit() and own.startswith("0"):
        found.append(own.lstrip("0"))
    if market.market in INDIA:
        found += [f"{own}-{series}" for series in SERIES]
    return tuple(dict.fromkeys(found))


def pair(symbol: str) -> str:
    """A currency or crypto pair in one spelling, `BTC.USD` for `BTC-USD`, `BTC/USD`, `BTCUSD`; unknown forms stay canonical.

    So do joined pairs with two possible cuts (`BNBUSD`): only their quote currency tells them apart.
    """
    plain = canonical(symbol)
    found = cut(plain) if "." not in plain else None
    return _spelled(found) if found else plain


def keys(ticker: str, asset_class: AssetClass, currency: str, market: Market) -> frozenset[str]:
    """Canonical symbols under which an instrument's contract may be listed; a pair's is `BASE.QUOTE`, by its currency."""
    if asset_class in QUOTED_IN_PAIRS:
        own = stem(ticker, market)
        found = parse_pair(ticker, currency) or parse_pair(own, currency)
        alone = asset_class is AssetClass.CRYPTO and len(words(own)) == 1  # `BTC.CRYPTO`: the coin, in its currency
        return frozenset({_spelled(found) if found else canonical(f"{own}.{currency}") if alone else pair(own)})
    return frozenset(canonical(spelling) for spelling in variants(ticker, market))


def pair_key(symbol: str, base: str | None, currency: str) -> str:
    """The key of a contract that is a pair: what the broker tells as its base, else its symbol cut before its currency."""
    found = None if base else parse_pair(symbol, currency)
    return f"{base}.{currency}".upper() if base else _spelled(found) if found else pair(symbol)


def _spelled(found: Pair) -> str:
    return f"{found.base}.{found.quote}"
