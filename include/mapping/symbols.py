"""Tickers and symbols: one company's class shares are written in five ways, and the same letters mean others elsewhere.

A Yahoo-style ticker (`ROCK-A.CO`) is stem, class and market; a broker's symbol (`ROCKA`, `ROCK.A`, `ROCK A`) is its own
notation. Both are brought to one spelling (`canonical`), and a ticker's possible spellings are compared with it.
"""

import re
from functools import lru_cache

from include.domain.instrument import AssetClass, Instrument
from include.domain.market import Market

_SEPARATORS = re.compile(r"[\s./_\-]+")
_CLASS = re.compile(r"^(?P<stem>[A-Z0-9]+)[.](?P<share_class>[A-Z])$")
QUOTED_IN_PAIRS = frozenset({AssetClass.CRYPTO, AssetClass.FX})
# ISO 4217 codes and coins that end a pair written without separator.
_PAIR = re.compile(r"^([A-Z0-9]{2,10}?)(USDT|USDC|USD|EUR|JPY|GBP|CHF|AUD|CAD|NZD|SEK|NOK|DKK|BTC)$")


def stem(ticker: str, market: Market) -> str:
    """The ticker without its market's suffix: `ROCK-A.CO` gives `ROCK-A`; a US ticker has none and stays as it is."""
    suffix = f".{market.yahoo_suffix}" if market.yahoo_suffix else ""
    for ending in (suffix, f"={market.yahoo_suffix}"):
        if len(ending) > 1 and ticker.upper().endswith(ending.upper()):
            return ticker[: -len(ending)]
    return ticker


@lru_cache(maxsize=65536)
def canonical(symbol: str) -> str:
    """One spelling of a symbol: upper case, any separator a dot, none at either end (IBKR's `BP.` is `BP`)."""
    return _SEPARATORS.sub(".", symbol.upper()).strip(".")


def share_class(symbol: str) -> str | None:
    """The class a symbol names (`BRK B`, `ROCK-A`), None without a separated single letter."""
    found = _CLASS.match(canonical(symbol))
    return found["share_class"] if found else None


def variants(ticker: str, market: Market) -> tuple[str, ...]:
    """Every spelling a broker may use for a ticker, the ticker's own stem first.

    `ROCK-A.CO` gives `ROCK-A ROCK.A ROCK A ROCKA`; in the US, where another listing may own the joined letters, `BRK-B` gives
    `BRK-B BRK.B BRK B`; Hong Kong's leading zeros are dropped too (`0700.HK`: `0700 700`).
    """
    own = stem(ticker, market).upper()
    found = [own]
    parts = canonical(own).split(".")
    if len(parts) > 1:
        joiners = ("-", ".", " ") if market.region == "us" else ("-", ".", " ", "")
        found += [joiner.join(parts) for joiner in joiners]
    elif own.isdigit() and own.startswith("0"):
        found.append(own.lstrip("0"))
    return tuple(dict.fromkeys(found))


def pair(symbol: str) -> str:
    """A currency or crypto pair in one spelling, `BTC.USD` for `BTC-USD`, `BTC/USD`, `BTCUSD`; unknown forms stay canonical."""
    plain = canonical(symbol)
    found = _PAIR.match(plain) if "." not in plain else None
    return f"{found[1]}.{found[2]}" if found else plain


def keys(instrument: Instrument, market: Market) -> frozenset[str]:
    """Canonical symbols under which the instrument's contract may be listed."""
    if instrument.asset_class in QUOTED_IN_PAIRS:
        return frozenset({pair(stem(instrument.ticker, market))})
    return frozenset(canonical(spelling) for spelling in variants(instrument.ticker, market))
