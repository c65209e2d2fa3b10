import pytest

from include.domain.instrument import AssetClass
from include.errors import InputError
from include.mapping.eligible import eligible, fits, home_market
from include.settings import Eligibility, load_settings
from tests.mapping.build import MARKETS, instrument

US_AND_CRYPTO = Eligibility(regions=("us", "crypto"))


def test_by_region() -> None:
    assert eligible(instrument("AAPL", "Apple Inc."), US_AND_CRYPTO, MARKETS)
    assert not eligible(instrument("6095.T", "MedPeer Inc"), US_AND_CRYPTO, MARKETS)


def test_by_asset_class() -> None:
    rule = Eligibility(asset_classes=("crypto",))
    bitcoin = instrument("BTC-USD", "Bitcoin", market="CRYPTO", asset_class=AssetClass.CRYPTO)
    assert eligible(bitcoin, rule, MARKETS)
    assert not eligible(instrument("AAPL", "Apple Inc."), rule, MARKETS)


def test_empty_rule_allows_everything() -> None:
    assert eligible(instrument("6095.T", "MedPeer Inc"), Eligibility(), MARKETS)


def test_unknown_market() -> None:
    with pytest.raises(InputError, match="MARS"):
        fits("stock", "MARS", Eligibility(), MARKETS)


def test_home_market_is_only_known_where_there_is_one() -> None:
    assert home_market(US_AND_CRYPTO, MARKETS) == "US"
    assert home_market(Eligibility(), MARKETS) is None
    assert home_market(Eligibility(regions=("europe",)), MARKETS) is None


def test_the_configuration_says_what_the_design_says() -> None:
    rules = load_settings().eligibility
    assert home_market(rules["alpaca"], MARKETS) == "US"
    assert not rules["paper"].counts
    assert rules["ibkr"] == Eligibility()
