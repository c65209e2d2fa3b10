"""Notations that depend on the market: Yahoo's endings, IBKR's exceptions, India's series; and all notations by name."""

from include.domain.market import Market
from include.domain.notation.symbols import (
    ACT,
    ALPACA,
    CQS,
    DOT,
    HYPHEN,
    INET,
    ROOT,
    SERIES,
    SLASH,
    SPACE,
    Issue,
    Notation,
    Separated,
    Symbol,
    cms,
)

INDIA = {"XNSE": "NSE", "XBOM": "BSE"}
"""Markets whose symbols have series and no classes, with the exchanges' own word in front of symbols (`NSE:RELIANCE`)."""
_YAHOO_US = Separated(
    "-", {Issue.PREFERRED: ("-P", "-P"), Issue.UNIT: ("-UN", None), Issue.WARRANT: ("-WT", "-WT"), Issue.RIGHT: ("-RI", None)}
)
_CMS_BLANK = cms(" ")


class _Kite(Notation):
    """NSE's own: the root as it is, hyphens included, and the series after one more (`RELIANCE-BE`; `BAJAJ-AUTO` is a name)."""

    def _read(self, text: str, market: Market | None) -> Symbol | None:
        plain = text.upper()
        root, _, last = plain.rpartition("-")
        found, series = (root, last) if root and last in SERIES else (plain, None)
        return Symbol(found, series=series) if ROOT.fullmatch(found) else None

    def _write(self, symbol: Symbol, market: Market | None) -> str:
        return "-".join(filter(None, (symbol.root, symbol.series)))


class _Prefixed(Notation):
    """The exchange's word, a colon, and NSE's own notation (`NSE:RELIANCE-EQ`)."""

    def _read(self, text: str, market: Market | None) -> Symbol | None:
        word, colon, rest = text.upper().partition(":")
        return KITE.parse(rest) if colon and market and word == INDIA.get(market.market) else None

    def _write(self, symbol: Symbol, market: Market | None) -> str:
        return f"{INDIA.get(market.market, '') if market else ''}:{KITE.format(symbol)}"


class _Yahoo(Notation):
    """Hyphens and the market's ending (`ROCK-A.CO`); Hong Kong's numbers are filled to four digits."""

    def _read(self, text: str, market: Market | None) -> Symbol | None:
        plain, ending = text.upper(), _yahoo_ending(market)
        if not plain.endswith(ending):
            return None
        own = plain.removesuffix(ending)
        if market and market.market == "XHKG" and own.isdecimal():
            own = f"{int(own):04}"
        return _yahoo_style(market).parse(own)

    def _write(self, symbol: Symbol, market: Market | None) -> str:
        return f"{_yahoo_style(market).format(symbol)}{_yahoo_ending(market)}"


class _Ibkr(Notation):
    """A blank before the class in the US, a dot elsewhere.

    London's two-letter symbols end in a dot (`BP.`), Hong Kong's numbers have no zeros in front. Some old listings join root and
    class (Copenhagen's `ROCKA`): such a symbol reads as a root of its own.
    """

    def _read(self, text: str, market: Market | None) -> Symbol | None:
        plain = text.upper()
        if market and market.market == "XHKG" and plain.isdecimal():
            plain = f"{int(plain):04}"
        if market and market.market == "XLON" and len(plain) == 3:
            plain = plain.removesuffix(".")
        return _ibkr_style(market).parse(plain)

    def _write(self, symbol: Symbol, market: Market | None) -> str:
        text = _ibkr_style(market).format(symbol)
        if market and market.market == "XHKG" and text.isdecimal():
            return str(int(text))
        return f"{text}." if market and market.market == "XLON" and len(text) == 2 else text


KITE = _Kite()
PREFIXED = _Prefixed()
YAHOO = _Yahoo()
IBKR = _Ibkr()
NOTATIONS: dict[str, Notation] = {
    "yahoo": YAHOO,
    "ibkr": IBKR,
    "alpaca": ALPACA,
    "nasdaq_act": ACT,
    "nasdaq_inet": INET,
    "cqs": CQS,
    "kite": KITE,
    "prefixed": PREFIXED,
    "hyphen": HYPHEN,
    "dot": DOT,
    "space": SPACE,
    "slash": SLASH,
}


def stem(ticker: str, market: Market | None) -> str:
    """The ticker without its market's Yahoo ending: `ROCK-A.CO` gives `ROCK-A`; a US ticker has none and stays as it is."""
    suffix = market.yahoo_suffix if market else ""
    for ending in (f".{suffix}", f"={suffix}"):
        if suffix and ticker.upper().endswith(ending.upper()):
            return ticker[: -len(ending)]
    return ticker


def _yahoo_ending(market: Market | None) -> str:
    return f".{market.yahoo_suffix.upper()}" if market and market.yahoo_suffix else ""


def _yahoo_style(market: Market | None) -> Notation:
    if market is None or market.region == "us":
        return _YAHOO_US
    return KITE if market.market in INDIA else HYPHEN


def _ibkr_style(market: Market | None) -> Notation:
    return _CMS_BLANK if market is None or market.region == "us" else DOT
