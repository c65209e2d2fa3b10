import pytest

from include.domain.instrument import AssetClass
from include.mapping.answers import answers
from include.settings import Eligibility
from tests.mapping.build import MARKETS, contract, instrument, table

SHARE = instrument("AAPL", "Apple Inc.")
COIN = instrument("BTC-USD", "Bitcoin", asset_class=AssetClass.CRYPTO, market="CRYPTO", currency="USD")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Eligibility(asset_classes=(AssetClass.CRYPTO,)), "not_crypto_asset"),
        (Eligibility(regions=("crypto",)), "not_crypto_asset"),
        (Eligibility(asset_classes=(AssetClass.FX,)), "not_fx_asset"),
        (Eligibility(asset_classes=(AssetClass.FX, AssetClass.METAL)), "not_eligible"),
        (Eligibility(regions=("europe",)), "not_eligible"),
        (Eligibility(regions=("europe", "crypto")), "not_eligible"),
    ],
)
def test_what_a_broker_never_trades_is_not_looked_for(rule: Eligibility, reason: str) -> None:
    listed = table(contract("1", "AAPL", "APPLE INC"))
    assert [(one.ticker, one.reason) for one in answers([SHARE], listed, "b", rule, MARKETS, False)] == [("AAPL", reason)]


def test_the_order_of_the_wanted_stays() -> None:
    rule = Eligibility(asset_classes=(AssetClass.CRYPTO,))
    coins = table(contract("btc", "BTCUSD", base="BTC", mic="", asset_class=AssetClass.CRYPTO))
    found = answers([SHARE, COIN], coins, "b", rule, MARKETS, False)
    assert [(one.ticker, one.status.value, one.reason) for one in found] == [
        ("AAPL", "not_found", "not_crypto_asset"),
        ("BTC-USD", "matched", None),
    ]
