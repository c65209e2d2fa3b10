import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.notation.symbols import (
    ACT,
    ALPACA,
    CQS,
    DOT,
    HYPHEN,
    INET,
    SERIES,
    SLASH,
    SPACE,
    Issue,
    Notation,
    Symbol,
    words,
)
from include.domain.notation.venues import IBKR, KITE, NOTATIONS, PREFIXED, YAHOO, stem
from include.errors import InputError
from include.settings import load_settings

MARKETS = load_settings().markets
letters = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
roots = st.from_regex(r"[A-Z0-9&]{1,6}(-[A-Z0-9&]{1,5}){0,2}", fullmatch=True) | st.from_regex(r"0?[0-9]{3,5}", fullmatch=True)
symbols = st.builds(Symbol, roots, st.none() | letters, st.none() | st.sampled_from(Issue), st.none() | st.sampled_from(SERIES))
plain = st.builds(Symbol, st.from_regex("[A-Z]{3,5}", fullmatch=True))
notations = st.sampled_from(sorted(NOTATIONS)).map(NOTATIONS.__getitem__)
markets = st.sampled_from(sorted(MARKETS)).map(MARKETS.__getitem__)

PREFERRED, UNIT, WARRANT, RIGHT = Issue


@pytest.mark.parametrize(
    ("notation", "market", "text", "symbol"),
    [
        (YAHOO, "US", "AAPL", Symbol("AAPL")),
        (YAHOO, "US", "BRK-B", Symbol("BRK", "B")),
        (YAHOO, "US", "BAC-PL", Symbol("BAC", "L", PREFERRED)),
        (YAHOO, "US", "TY-P", Symbol("TY", None, PREFERRED)),
        (YAHOO, "US", "AAM-UN", Symbol("AAM", None, UNIT)),
        (YAHOO, "US", "OXY-WT", Symbol("OXY", None, WARRANT)),
        (YAHOO, "XCSE", "ROCK-A.CO", Symbol("ROCK", "A")),
        (YAHOO, "XSTO", "CORE-PREF.ST", Symbol("CORE-PREF")),
        (YAHOO, "XTSE", "REI-UN.TO", Symbol("REI-UN")),
        (YAHOO, "XHKG", "0700.HK", Symbol("0700")),
        (YAHOO, "XHKG", "80737.HK", Symbol("80737")),
        (YAHOO, "XTKS", "6095.T", Symbol("6095")),
        (YAHOO, "XLON", "BP.L", Symbol("BP")),
        (YAHOO, "XLON", "BT-A.L", Symbol("BT", "A")),
        (YAHOO, "XNSE", "M&M.NS", Symbol("M&M")),
        (YAHOO, "XNSE", "BAJAJ-AUTO.NS", Symbol("BAJAJ-AUTO")),
        (YAHOO, "XNSE", "RELIANCE-BE.NS", Symbol("RELIANCE", series="BE")),
        (YAHOO, "XBOM", "500325.BO", Symbol("500325")),
        (IBKR, "US", "BRK B", Symbol("BRK", "B")),
        (IBKR, "US", "BAC PRL", Symbol("BAC", "L", PREFERRED)),
        (IBKR, "US", "AAM U", Symbol("AAM", None, UNIT)),
        (IBKR, "XLON", "BP.", Symbol("BP")),
        (IBKR, "XLON", "BT.A", Symbol("BT", "A")),
        (IBKR, "XLON", "BARC", Symbol("BARC")),
        (IBKR, "XHKG", "700", Symbol("0700")),
        (IBKR, "XSTO", "BETS.B", Symbol("BETS", "B")),
        (IBKR, "XCSE", "ROCKA", Symbol("ROCKA")),
        (ALPACA, "US", "BRK.B", Symbol("BRK", "B")),
        (ALPACA, "US", "BAC.PRL", Symbol("BAC", "L", PREFERRED)),
        (ALPACA, "US", "NE.WSA", Symbol("NE", "A", WARRANT)),
        (ALPACA, "US", "AAM.U", Symbol("AAM", None, UNIT)),
        (ACT, "US", "BRK.B", Symbol("BRK", "B")),
        (ACT, "US", "BAC$L", Symbol("BAC", "L", PREFERRED)),
        (ACT, "US", "TY$", Symbol("TY", None, PREFERRED)),
        (ACT, "US", "AAM.U", Symbol("AAM", None, UNIT)),
        (ACT, "US", "OXY.W", Symbol("OXY", None, WARRANT)),
        (ACT, "US", "SOUL.R", Symbol("SOUL", None, RIGHT)),
        (CQS, "US", "BACpL", Symbol("BAC", "L", PREFERRED)),
        (CQS, "US", "TYp", Symbol("TY", None, PREFERRED)),
        (CQS, "US", "OXY.WS", Symbol("OXY", None, WARRANT)),
        (CQS, "US", "NE.WS.A", Symbol("NE", "A", WARRANT)),
        (CQS, "US", "SOULr", Symbol("SOUL", None, RIGHT)),
        (INET, "US", "BAC-L", Symbol("BAC", "L", PREFERRED)),
        (INET, "US", "AAM=", Symbol("AAM", None, UNIT)),
        (INET, "US", "NE+A", Symbol("NE", "A", WARRANT)),
        (INET, "US", "SOUL^", Symbol("SOUL", None, RIGHT)),
        (KITE, "XNSE", "RELIANCE", Symbol("RELIANCE")),
        (KITE, "XNSE", "RELIANCE-EQ", Symbol("RELIANCE", series="EQ")),
        (KITE, "XNSE", "BAJAJ-AUTO", Symbol("BAJAJ-AUTO")),
        (KITE, "XNSE", "BAJAJ-AUTO-BE", Symbol("BAJAJ-AUTO", series="BE")),
        (KITE, "XNSE", "M&M", Symbol("M&M")),
        (PREFIXED, "XNSE", "NSE:RELIANCE", Symbol("RELIANCE")),
        (PREFIXED, "XNSE", "NSE:RELIANCE-EQ", Symbol("RELIANCE", series="EQ")),
        (PREFIXED, "XBOM", "BSE:RELIANCE", Symbol("RELIANCE")),
        (HYPHEN, "US", "BRK-B", Symbol("BRK", "B")),
        (DOT, "US", "BRK.B", Symbol("BRK", "B")),
        (SPACE, "US", "BRK B", Symbol("BRK", "B")),
        (SLASH, "US", "BRK/B", Symbol("BRK", "B")),
    ],
)
def test_both_directions(notation: Notation, market: str, text: str, symbol: Symbol) -> None:
    assert notation.parse(text, MARKETS[market]) == symbol
    assert notation.format(symbol, MARKETS[market]) == text


@pytest.mark.parametrize(
    ("notation", "market", "text"),
    [
        (YAHOO, "US", "BRK.B"),  # a dot is a market's ending, and none is called B
        (YAHOO, "XCSE", "ROCK-A"),
        (YAHOO, "US", "^GSPC"),
        (YAHOO, "XCSE", ".CO"),
        (CQS, "US", "NXGrw"),  # rights when issued
        (INET, "US", "NXG^#"),
        (PREFIXED, "XNSE", "BSE:RELIANCE"),
        (PREFIXED, "XNSE", "RELIANCE"),
        (KITE, "XNSE", "NIFTY 50"),
        (IBKR, "US", "BRK.B"),
        (DOT, "US", "BRK-B"),
        (DOT, "US", ""),
        (DOT, "US", "BP."),
    ],
)
def test_texts_of_other_notations(notation: Notation, market: str, text: str) -> None:
    assert notation.parse(text, MARKETS[market]) is None


@pytest.mark.parametrize(
    ("notation", "market", "symbol"),
    [
        (ALPACA, "US", Symbol("AAM", "U")),  # would be a unit
        (ACT, "US", Symbol("NE", "A", WARRANT)),
        (DOT, "US", Symbol("BAC", "L", PREFERRED)),
        (YAHOO, "XCSE", Symbol("BAC", "L", PREFERRED)),
        (YAHOO, "XHKG", Symbol("700")),
        (KITE, "XNSE", Symbol("ROCK", "A")),
        (KITE, "XNSE", Symbol("BAJAJ-BE")),
        (HYPHEN, "US", Symbol("RELIANCE", series="BE")),
        (HYPHEN, "US", Symbol("A-B")),
        (PREFIXED, "XCSE", Symbol("ROCKA")),
        (PREFIXED, None, Symbol("RELIANCE")),
    ],
)
def test_what_a_notation_cannot_express(notation: Notation, market: str | None, symbol: Symbol) -> None:
    with pytest.raises(InputError, match="this notation can express"):
        notation.format(symbol, MARKETS[market] if market else None)


def test_small_letters_and_blanks() -> None:
    assert YAHOO.parse(" rock-a.co ", MARKETS["XCSE"]) == Symbol("ROCK", "A")
    assert YAHOO.parse("700.HK", MARKETS["XHKG"]) == Symbol("0700")
    assert IBKR.parse("bp", MARKETS["XLON"]) == Symbol("BP")
    assert CQS.parse("bacpl") is None  # small letters mean something there


@pytest.mark.parametrize("parts", [("",), ("brk",), ("BRK B",), ("BRK", "BB"), ("BRK", ""), ("BRK", None, None, "N0"), ("-BRK",)])
def test_a_symbol_has_clean_parts(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected words in capitals"):
        Symbol(*parts)  # type: ignore[arg-type]


@given(notations, symbols, st.none() | markets)
def test_what_is_written_is_read_back(notation: Notation, symbol: Symbol, market) -> None:  # type: ignore[no-untyped-def]
    try:
        text = notation.format(symbol, market)
    except InputError:
        return
    assert notation.parse(text, market) == symbol


@given(notations, plain, markets)
def test_plain_roots_can_be_written_anywhere(notation: Notation, symbol: Symbol, market) -> None:  # type: ignore[no-untyped-def]
    if notation is PREFIXED and market.market not in ("XNSE", "XBOM"):
        with pytest.raises(InputError):
            notation.format(symbol, market)
    else:
        assert notation.parse(notation.format(symbol, market), market) == symbol


@given(plain, letters.filter(lambda letter: letter not in "PRUW"), st.sampled_from([YAHOO, IBKR, ALPACA, ACT, INET, CQS]))
def test_every_us_notation_knows_classes_and_preferred_shares(root: Symbol, letter: str, notation: Notation) -> None:
    for issue in (None, PREFERRED):
        symbol = Symbol(root.root, letter, issue)
        assert notation.parse(notation.format(symbol)) == symbol


@given(notations, st.text(max_size=10), st.none() | markets)
def test_what_is_read_is_written_as_the_same(notation: Notation, text: str, market) -> None:  # type: ignore[no-untyped-def]
    found = notation.parse(text, market)
    if found is not None:
        assert notation.parse(notation.format(found, market), market) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [("brk/b", ("BRK", "B")), ("BP.", ("BP",)), ("CORE PREF-A", ("CORE", "PREF", "A")), ("M&M", ("M&M",)), (" . ", ())],
)
def test_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("ticker", "market", "expected"),
    [("rock-a.co", "XCSE", "rock-a"), ("EURUSD=X", "FX", "EURUSD"), ("BRK.B", "US", "BRK.B"), ("6095.T", None, "6095.T")],
)
def test_stem(ticker: str, market: str | None, expected: str) -> None:
    assert stem(ticker, MARKETS[market] if market else None) == expected
