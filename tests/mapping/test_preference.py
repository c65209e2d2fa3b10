import pytest

from include.domain.mapping import MappingStatus
from include.errors import InputError
from include.mapping.preference import broker_order, choose
from include.settings import Preference, load_settings
from tests.mapping.build import MARKETS

RULES = load_settings().preferences
MATCHED, OTHER, NOT_FOUND = MappingStatus.MATCHED, MappingStatus.OTHER_LISTING, MappingStatus.NOT_FOUND


def test_the_default_order_is_the_seeds() -> None:
    assert broker_order("crypto", "CRYPTO", RULES, MARKETS) == ("crypto_com", "alpaca")
    assert broker_order("stock", "US", RULES, MARKETS)[:2] == ("alpaca", "ibkr")
    assert broker_order("etf", "US", RULES, MARKETS)[:2] == ("alpaca", "ibkr")
    assert broker_order("stock", "XTKS", RULES, MARKETS)[0] == "ibkr"
    assert broker_order("etf", "XETR", RULES, MARKETS)[0] == "ibkr"


def test_the_first_that_matched_is_best() -> None:
    choice = choose("stock", "US", {"alpaca": MATCHED, "ibkr": MATCHED}, RULES, MARKETS)
    assert (choice.best_broker, choice.execution_preference) == ("alpaca", ("alpaca", "ibkr"))


def test_who_did_not_match_is_left_out_with_a_reason() -> None:
    choice = choose("stock", "US", {"alpaca": NOT_FOUND, "ibkr": MATCHED}, RULES, MARKETS)
    assert (choice.best_broker, choice.execution_preference) == ("ibkr", ("ibkr",))
    assert choice.reason == "rule 2 (stock in us): alpaca > ibkr > paper; alpaca not found, paper not active"


def test_another_listing_is_no_preference() -> None:
    choice = choose("stock", "XTKS", {"ibkr": OTHER}, RULES, MARKETS)
    assert (choice.best_broker, choice.execution_preference) == (None, ())
    assert "ibkr other listing" in choice.reason


def test_a_broker_outside_the_rule_is_not_chosen() -> None:
    assert choose("stock", "XTKS", {"alpaca": MATCHED}, RULES, MARKETS).best_broker is None


def test_no_rule() -> None:
    rules = (Preference(asset_classes=("crypto",), brokers=("alpaca",)),)
    assert broker_order("stock", "US", rules, MARKETS) == ()
    assert choose("stock", "US", {"ibkr": MATCHED}, rules, MARKETS).reason == "no rule for stock in us"


def test_unknown_market() -> None:
    with pytest.raises(InputError, match="MARS"):
        broker_order("stock", "MARS", RULES, MARKETS)
