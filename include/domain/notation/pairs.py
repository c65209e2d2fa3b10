"""Crypto and currency pairs in every notation in use: `BTC/USD`, `BTC-USD`, `BTC_USDT`, `BTC.USD`, `BTCUSDT`, `EURUSD=X`.

A pair written without a separator can be cut only by knowing what it is quoted in. Where a list or an instrument tells the quote
currency, that decides. Where nobody does, the known quote currencies do, and a text with two possible cuts (`DOTUSD` is DOT/USD
or DO/TUSD, `BNBUSD` is BNB/USD or BN/BUSD) is not cut at all.
"""

import re
from dataclasses import dataclass

from include.errors import InputError

_FIAT = """
AED ARS AUD BRL CAD CHF CNH CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NGN NOK NZD PHP PLN RON RUB SAR SEK SGD
THB TRY TWD UAH USD ZAR
"""
# Coins that follow a currency's price. One whose name ends in a currency's code (BUSD) belongs here as soon as a broker quotes in
# it: else `BTCBUSD` would be cut as BTCB/USD.
_STABLE = """
AEUR BIDR BKRW BUSD BVND DAI EURC EURI FDUSD GYEN IDRT PAX TUSD USD1 USDC USDE USDP USDS USDT UST VAI
"""
_COINS = "BNB BTC CRO DOGE DOT ETH SOL TRX XRP"
_METALS = "XAG XAU"
FIAT = frozenset(_FIAT.split())
"""Currencies that states issue."""
METALS = frozenset(f"{_METALS} XPD XPT".split())
"""What a pair may buy by the ounce."""
QUOTES = frozenset(f"{_FIAT} {_STABLE} {_COINS} {_METALS}".split())
"""What brokers quote pairs in: fiat currencies, stable coins, a few coins, and metals (OANDA's `XAU_XAG`)."""

_SIDE = re.compile(r"[^\W_]+")
_SEPARATORS = re.compile(r"[-/_.:\s]")


@dataclass(frozen=True, slots=True)
class Pair:
    """What is bought, and what it is paid in. Capitals; neither side holds a separator.

    Raises:
        ValueError: A side is empty, has small letters, or holds anything but letters and digits.
    """

    base: str
    quote: str

    def __post_init__(self) -> None:
        for side in (self.base, self.quote):
            if not _SIDE.fullmatch(side) or side != side.upper():
                raise ValueError(f"expected a currency or coin in capitals, not {side!r}")

    def __str__(self) -> str:
        return f"{self.base}/{self.quote}"


@dataclass(frozen=True, slots=True)
class PairNotation:
    """One way to write pairs.

    Attributes:
        separator: Between base and quote; "" where they are joined.
        ending: After both (Yahoo's `=X`).
    """

    separator: str
    ending: str = ""

    def parse(self, text: str, quote: str | None = None) -> Pair | None:
        """The pair a text of this notation names.

        Args:
            text: White space around it and small letters do not matter.
            quote: What it is quoted in, where that is known; None: one of `QUOTES`, so that `BTCUSD_PERP` is no pair.

        Returns:
            None for a text of another notation, one in another quote currency, and a joined one that can be cut in two ways.
        """
        plain = text.strip().upper()
        if not plain.endswith(self.ending) or (not self.separator and _SEPARATORS.search(plain)):
            return None
        plain = plain.removesuffix(self.ending)
        if not self.separator:
            return _fiat(plain, quote) if self.ending else cut(plain, quote)
        base, _, rest = plain.partition(self.separator)
        return _pair(base, rest, quote)

    def format(self, pair: Pair) -> str:
        """The pair in this notation.

        Raises:
            InputError: It would not be read back as the same pair, even if the quote currency is known.
        """
        text = f"{pair.base}{self.separator}{pair.quote}{self.ending}"
        if self.parse(text, pair.quote) != pair:
            raise InputError("expected a pair that this notation can express", value=str(pair))
        return text


JOINED = PairNotation("")  # Binance
HYPHEN = PairNotation("-")  # Coinbase, Yahoo's coins
SLASH = PairNotation("/")  # Alpaca
UNDERSCORE = PairNotation("_")  # OANDA, Crypto.com
DOT = PairNotation(".")  # IBKR's local symbols of currencies
YAHOO_FX = PairNotation("", "=X")
PAIR_NOTATIONS = {
    "joined": JOINED,
    "hyphen": HYPHEN,
    "slash": SLASH,
    "underscore": UNDERSCORE,
    "dot": DOT,
    "yahoo_fx": YAHOO_FX,
}


def parse_pair(text: str, quote: str | None = None) -> Pair | None:
    """The pair a text names in whatever notation, as `PairNotation.parse`; no text means two things in two notations."""
    return next((found for one in PAIR_NOTATIONS.values() if (found := one.parse(text, quote))), None)


def listed_pair(ticker: str, currency: str | None = None) -> Pair | None:
    """The pair that a Yahoo-style ticker without a market's ending names: `BTC-USD`, `BTC/USD`, `BTCUSDT`, `EURUSD=X`, `JPY=X`.

    Shares are never taken for one: what follows their hyphen is no currency (`BRK-B`, `BAC-PL`, `AAM-UN`, `OXY-WT`, `NXG-RI`),
    and what is joined has six letters at least, more than a US symbol.

    Args:
        ticker: White space around it and small letters do not matter.
        currency: What its price is in, as its source says; it decides only where a joined ticker could be cut in two ways.

    Returns:
        What the ticker itself says: a currency that contradicts it does not make it a share.
    """
    plain = ticker.strip().upper()
    for notation in (YAHOO_FX, HYPHEN, SLASH):
        if found := notation.parse(plain):
            return found
    if _SEPARATORS.search(plain) or len(plain) < _LEAST_JOINED:
        return None
    return (cut(plain, currency) if currency in QUOTES else None) or cut(plain)


def cut(joined: str, quote: str | None = None) -> Pair | None:
    """A pair written without separator (`BTCUSDT`), cut before its quote currency.

    Returns:
        None where the text does not end with the quote currency or with any known one, ends with two that are known, or is itself
        a currency (`BUSD` is no pair of a coin B).
    """
    if not quote and joined in QUOTES:
        return None
    ends = [quote] if quote else [joined[-length:] for length in _LENGTHS if joined[-length:] in QUOTES]
    found = [_pair(joined.removesuffix(end), end, end) for end in ends if joined.endswith(end) and len(joined) > len(end)]
    return found[0] if len(found) == 1 else None


_LEAST_JOINED = 6  # letters: two currencies; US symbols have five at most
_LENGTHS = sorted({len(quote) for quote in QUOTES})


def _fiat(plain: str, quote: str | None) -> Pair | None:
    """Yahoo's currencies have three letters each; one alone is against the dollar (`JPY=X` is USD/JPY)."""
    if len(plain) not in (3, 6) or not plain.isalpha():
        return None
    return _pair(plain[:3], plain[3:], quote) if len(plain) == 6 else _pair("USD", plain, quote)


def _pair(base: str, rest: str, quote: str | None = None) -> Pair | None:
    sides = _SIDE.fullmatch(base) and _SIDE.fullmatch(rest)
    return Pair(base, rest) if sides and (rest == quote if quote else rest in QUOTES) else None
