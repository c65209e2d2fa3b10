import pytest

from include.domain.instrument import AssetClass, Instrument
from include.domain.market import Market
from include.mapping.symbols import canonical, keys, pair, share_class, stem, variants
from tests.mapping.build import MARKETS, instrument


def keys_of(one: Instrument, market: Market) -> frozenset[str]:
    return keys(one.ticker, one.asset_class, one.currency, market)


def test_variants_of_class_shares() -> None:
    assert variants("ROCK-A.CO", MARKETS["XCSE"]) == ("ROCK-A", "ROCK.A", "ROCK A", "ROCKA")
    assert variants("BRK-B", MARKETS["US"]) == ("BRK-B", "BRK.B", "BRK B")
    assert variants("6095.T", MARKETS["XTKS"]) == ("6095",)
    assert variants("0700.HK", MARKETS["XHKG"]) == ("0700", "700")


@pytest.mark.parametrize(
    ("ticker", "market", "expected"),
    [("6095.T", "XTKS", "6095"), ("BRK.B", "US", "BRK.B"), ("rock-a.co", "XCSE", "rock-a"), ("EURUSD=X", "FX", "EURUSD")],
)
def test_stem(ticker: str, market: str, expected: str) -> None:
    assert stem(ticker, MARKETS[market]) == expected


@pytest.mark.parametrize(("symbol", "expected"), [("BRK B", "BRK.B"), ("brk/b", "BRK.B"), ("BP.", "BP"), ("ROCKA", "ROCKA")])
def test_canonical(symbol: str, expected: str) -> None:
    assert canonical(symbol) == expected


def test_share_class_needs_a_separator() -> None:
    assert share_class("BRK B") == "B"
    assert share_class("ROCKA") is None
    assert share_class("M") is None


@pytest.mark.parametrize("symbol", ["BTC-USD", "BTC/USD", "BTCUSD", "btc_usd"])
def test_pairs_in_one_spelling(symbol: str) -> None:
    assert pair(symbol) == "BTC.USD"


def test_a_stablecoin_quote_is_not_cut() -> None:
    assert pair("BTCUSDT") == "BTC.USDT"
    assert pair("XYZ") == "XYZ"


def test_keys() -> None:
    assert keys_of(instrument("ROCK-A.CO", "Rockwool"), MARKETS["XCSE"]) == {"ROCK.A", "ROCKA"}
    bitcoin = instrument("BTC-USD", "Bitcoin", market="CRYPTO", asset_class=AssetClass.CRYPTO)
    assert keys_of(bitcoin, MARKETS["CRYPTO"]) == {"BTC.USD"}


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [
        (
            "RELIANCE.NS",
            {"RELIANCE", "RELIANCE.EQ", "RELIANCE.BE", "RELIANCE.BZ", "RELIANCE.SM", "RELIANCE.ST", "RELIANCE.RR", "RELIANCE.IV"},
        ),
        ("M&M.NS", {"M&M", "M&M.EQ", "M&M.BE", "M&M.BZ", "M&M.SM", "M&M.ST", "M&M.RR", "M&M.IV"}),
    ],
)
def test_indian_symbols_may_bear_their_series(ticker: str, expected: set[str]) -> None:
    assert keys_of(instrument(ticker, "Any"), MARKETS["XNSE"]) == expected


def test_a_hyphen_in_an_indian_name_is_no_series() -> None:
    found = variants("BAJAJ-AUTO.NS", MARKETS["XNSE"])
    assert found[0] == "BAJAJ-AUTO"
    assert "BAJAJ-AUTO-BE" in found
    assert "BAJAJ" not in found


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        ("ETHBTC", "ETH.BTC"),
        ("1INCHUSDC", "1INCH.USDC"),
        ("WBTCBTC", "WBTC.BTC"),
        ("TRXETH", "TRX.ETH"),
        ("BNBETH", "BNB.ETH"),
        ("USDTTRY", "USDT.TRY"),
        ("EURSGD", "EUR.SGD"),
        ("BTCFDUSD", "BTCFDUSD"),  # FDUSD or USD? Only a list that tells the quote currency knows
        ("USDTUSD", "USDTUSD"),
        ("FDUSD", "FDUSD"),
    ],
)
def test_joined_pairs_are_cut_rightly_or_not_at_all(joined: str, expected: str) -> None:
    assert pair(joined) == expected


@pytest.mark.parametrize(
    ("ticker", "currency", "expected"),
    [
        ("BTC-USD", "USD", "BTC.USD"),
        ("BTC-USD.CRYPTO", "USD", "BTC.USD"),
        ("BTC.CRYPTO", "USD", "BTC.USD"),
        ("BTCUSDT", "USDT", "BTC.USDT"),
        ("BTC/USDT", "USDT", "BTC.USDT"),
        ("USDTUSD", "USD", "USDT.USD"),
        ("BNBUSD", "USD", "BNB.USD"),
        ("BTCFDUSD", "FDUSD", "BTC.FDUSD"),
        ("BTCU", "U", "BTC.U"),
        ("BTC-USDT", "USD", "BTC.USDT"),  # its currency says otherwise: then it is not this pair's contract
        ("ETHBTC", "USD", "ETHBTC.USD"),
    ],
)
def test_keys_of_coins(ticker: str, currency: str, expected: str) -> None:
    coin = instrument(ticker, "Coin", market="CRYPTO", currency=currency, asset_class=AssetClass.CRYPTO)
    assert keys_of(coin, MARKETS["CRYPTO"]) == {expected}


@pytest.mark.parametrize(
    ("ticker", "currency", "expected"),
    [("EURUSD=X", "USD", "EUR.USD"), ("EURUSD.X", "USD", "EUR.USD"), ("JPY=X", "JPY", "USD.JPY"), ("JPY=X", "USD", "JPY")],
)
def test_keys_of_currencies(ticker: str, currency: str, expected: str) -> None:
    currencies = instrument(ticker, "Any", market="FX", currency=currency, asset_class=AssetClass.FX)
    assert keys_of(currencies, MARKETS["FX"]) == {expected}
