import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.notation.pairs import (
    DOT,
    HYPHEN,
    JOINED,
    PAIR_NOTATIONS,
    QUOTES,
    SLASH,
    UNDERSCORE,
    YAHOO_FX,
    Pair,
    PairNotation,
    cut,
    listed_pair,
    parse_pair,
)
from include.errors import InputError

bases = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=12)
known = st.builds(Pair, bases | st.sampled_from(sorted(QUOTES)), st.sampled_from(sorted(QUOTES)))
pairs = st.builds(Pair, bases, bases)
notations = st.sampled_from(sorted(PAIR_NOTATIONS)).map(PAIR_NOTATIONS.__getitem__)


@pytest.mark.parametrize(
    ("notation", "text", "base", "quote"),
    [
        (SLASH, "BTC/USD", "BTC", "USD"),
        (HYPHEN, "BTC-USD", "BTC", "USD"),
        (UNDERSCORE, "EUR_USD", "EUR", "USD"),
        (UNDERSCORE, "XAU_XAG", "XAU", "XAG"),
        (UNDERSCORE, "ETH_CRO", "ETH", "CRO"),
        (DOT, "EUR.USD", "EUR", "USD"),
        (YAHOO_FX, "EURUSD=X", "EUR", "USD"),
        (JOINED, "EURUSD", "EUR", "USD"),
        (JOINED, "BTCUSDT", "BTC", "USDT"),
        (JOINED, "ETHBTC", "ETH", "BTC"),
        (JOINED, "1INCHUSDC", "1INCH", "USDC"),
        (JOINED, "WBTCBTC", "WBTC", "BTC"),
        (JOINED, "BETHETH", "BETH", "ETH"),
        (JOINED, "TRXETH", "TRX", "ETH"),
        (JOINED, "BNBETH", "BNB", "ETH"),
        (JOINED, "USDTTRY", "USDT", "TRY"),
        (JOINED, "USDTRY", "USD", "TRY"),
        (JOINED, "USDTDAI", "USDT", "DAI"),
        (JOINED, "1000SATSUSDT", "1000SATS", "USDT"),
        (JOINED, "TUSDT", "T", "USDT"),
    ],
)
def test_both_directions(notation: PairNotation, text: str, base: str, quote: str) -> None:
    assert notation.parse(text) == Pair(base, quote)
    assert notation.format(Pair(base, quote)) == text


@pytest.mark.parametrize(
    ("text", "quote", "base"),
    [
        ("BNBUSD", "USD", "BNB"),
        ("BNBUSD", "BUSD", "BN"),
        ("DOTUSD", "USD", "DOT"),
        ("BTCTUSD", "TUSD", "BTC"),
        ("USDTUSD", "USD", "USDT"),
        ("BTCFDUSD", "FDUSD", "BTC"),
        ("ADAEUR", "EUR", "ADA"),
        ("BTCBIDR", "BIDR", "BTC"),
        ("TUSD", "USD", "T"),
    ],
)
def test_two_cuts_need_the_quote(text: str, quote: str, base: str) -> None:
    assert cut(text) is None
    assert JOINED.parse(text, quote) == Pair(base, quote)


@pytest.mark.parametrize(
    "text", ["", "USDT", "BUSD", "XYZ", "BTCUSD_PERP", "BTCUSDT_240628", "BRK-B", "A/B/USD", "/USD", "BTC/", "BTC ETH X"]
)
def test_what_is_no_pair(text: str) -> None:
    assert parse_pair(text) is None


@pytest.mark.parametrize("text", ["BTC-USD", "BTC/USD", "btc_usd", " BTC.USD ", "BTCUSD"])
def test_any_notation(text: str) -> None:
    assert parse_pair(text) == Pair("BTC", "USD")


def test_the_quote_is_not_overruled() -> None:
    assert parse_pair("BTC-USD", "EUR") is None
    assert parse_pair("BTCUSD", "EUR") is None
    assert parse_pair("BTC-U", "U") == Pair("BTC", "U")  # one that is not known here


def test_yahoo_writes_one_currency_for_the_dollars_price() -> None:
    assert YAHOO_FX.parse("JPY=X") == Pair("USD", "JPY")
    assert YAHOO_FX.parse("JPY=X", "USD") is None
    assert YAHOO_FX.parse("EURUSDT=X") is None
    with pytest.raises(InputError, match="BTC/USDT"):
        YAHOO_FX.format(Pair("BTC", "USDT"))


@pytest.mark.parametrize(("base", "quote"), [("", "USD"), ("BTC", ""), ("btc", "USD"), ("B-C", "USD"), ("BTC", "US D")])
def test_a_pair_has_two_clean_sides(base: str, quote: str) -> None:
    with pytest.raises(ValueError, match="in capitals"):
        Pair(base, quote)


@given(notations, known)
def test_what_is_written_is_read_back(notation: PairNotation, pair: Pair) -> None:
    try:
        text = notation.format(pair)
    except InputError:
        assert notation is YAHOO_FX
        assert (len(pair.base), len(pair.quote)) != (3, 3) or not f"{pair.base}{pair.quote}".isalpha()
        return
    assert notation.parse(text, pair.quote) == pair
    assert notation.parse(text) in ((pair, None) if notation is JOINED else (pair,))


@given(pairs)
def test_a_quote_that_is_told_always_decides(pair: Pair) -> None:
    assert JOINED.parse(JOINED.format(pair), pair.quote) == pair
    assert SLASH.parse(SLASH.format(pair), pair.quote) == pair


@given(known, known)
def test_two_known_pairs_are_never_taken_for_one_another(one: Pair, other: Pair) -> None:
    text = JOINED.format(one)
    assert text != JOINED.format(other) or one == other or cut(text) is None


@given(st.text(max_size=12), st.none() | st.text(max_size=5))
def test_any_text_is_a_pair_or_none(text: str, quote: str | None) -> None:
    found = parse_pair(text, quote)
    assert found is None or found.quote == (quote or found.quote)


@pytest.mark.parametrize(
    ("ticker", "currency", "expected"),
    [
        ("BTC-USD", None, "BTC/USD"),
        (" btc-usd ", None, "BTC/USD"),
        ("BTC-USD", "EUR", "BTC/USD"),  # a price in another currency is for the caller to refuse
        ("BTCUSDT", None, "BTC/USDT"),
        ("BTCUSDT", "USD", "BTC/USDT"),
        ("DOTUSD", None, None),
        ("DOTUSD", "USD", "DOT/USD"),
        ("DOTUSD", "TUSD", "DO/TUSD"),
        ("EURUSD=X", None, "EUR/USD"),
        ("JPY=X", None, "USD/JPY"),
        ("BTC-XYZ", None, None),
        ("BTC-USD.CRYPTO", None, None),
        ("6095.T", None, None),
        ("GOOGLE", "USD", None),
    ],
)
def test_the_pair_of_a_screens_ticker(ticker: str, currency: str | None, expected: str | None) -> None:
    found = listed_pair(ticker, currency)
    assert (str(found) if found else None) == expected


@given(st.from_regex(r"[A-Z]{1,5}(-([A-Z]|P[A-Z]|UN|WT|RI))?", fullmatch=True), st.sampled_from([None, *sorted(QUOTES)]))
def test_no_us_share_is_a_pair(ticker: str, currency: str | None) -> None:
    assert listed_pair(ticker, currency) is None


@given(known.filter(lambda pair: pair.base.isalpha()))
def test_a_coin_before_a_known_currency_is_always_a_pair(pair: Pair) -> None:
    for notation in (HYPHEN, SLASH):
        assert listed_pair(notation.format(pair)) == pair
