import pytest

from include.domain.instrument import AssetClass
from include.mapping.symbols import canonical, keys, pair, share_class, stem, variants
from tests.mapping.build import MARKETS, instrument


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
    assert keys(instrument("ROCK-A.CO", "Rockwool"), MARKETS["XCSE"]) == {"ROCK.A", "ROCKA"}
    bitcoin = instrument("BTC-USD", "Bitcoin", market="CRYPTO", asset_class=AssetClass.CRYPTO)
    assert keys(bitcoin, MARKETS["CRYPTO"]) == {"BTC.USD"}
