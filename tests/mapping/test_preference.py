from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from include.brokers.registry import declared_capabilities
from include.domain.mapping import Mapping, MappingStatus
from include.domain.preference import Preference
from include.errors import InputError
from include.mapping.criteria import Wanted
from include.mapping.preference import Choice, Facts, choose
from include.settings import load_settings
from include.steps.merge_mappings import facts_of
from tests.mapping.build import MARKETS
from tests.mapping.documents import hit, miss

SETTINGS = load_settings()
RULES = SETTINGS.preferences
FACTS = facts_of(SETTINGS, declared_capabilities(SETTINGS.brokers, ("alpaca", "ibkr", "paper")))
MATCHED, OTHER, NOT_FOUND, AWAY = (
    MappingStatus.MATCHED,
    MappingStatus.OTHER_LISTING,
    MappingStatus.NOT_FOUND,
    MappingStatus.UNAVAILABLE,
)
EQUALS = (Preference.model_validate({"brokers": [["alpaca", "ibkr"], "paper"]}),)


def said(broker: str, status: MappingStatus) -> Mapping:
    found = status in (MATCHED, OTHER)
    return hit("A", broker, status=status) if found else miss("A", broker, status=status)


def chosen(
    kind: str,
    market: str,
    statuses: dict[str, MappingStatus],
    rules: tuple[Preference, ...] = RULES,
    facts: Facts = FACTS,
    **changes: Any,
) -> Choice:
    """Of 10,000 euro at 100 dollars a share, two dollars a euro."""
    values: dict[str, Any] = {"currency": "USD", "price": Decimal(100), "value": Decimal(10_000), "per_euro": {"USD": Decimal(2)}}
    region = MARKETS[market].region if market in MARKETS else ""
    wanted = Wanted(asset_class=kind, region=region, **{**values, **changes})
    return choose(wanted, market, {b: said(b, status) for b, status in statuses.items()}, rules, MARKETS, facts)


@pytest.mark.parametrize(
    ("kind", "market", "order"),
    [
        ("crypto", "CRYPTO", ("crypto_com", "alpaca")),
        ("stock", "US", ("alpaca", "ibkr", "paper")),
        ("etf", "US", ("alpaca", "ibkr", "paper")),
        ("stock", "XTKS", ("ibkr", "paper")),
        ("etf", "XETR", ("ibkr", "paper")),
    ],
)
def test_the_default_order_is_the_seeds(kind: str, market: str, order: tuple[str, ...]) -> None:
    choice = chosen(kind, market, dict.fromkeys(("crypto_com", "alpaca", "ibkr", "paper"), MATCHED))
    assert (choice.best_broker, choice.execution_preference, choice.broker_order) == (order[0], order, order)


def test_the_first_that_matched_is_best() -> None:
    choice = chosen("stock", "US", {"alpaca": MATCHED, "ibkr": MATCHED})
    assert (choice.best_broker, choice.execution_preference) == ("alpaca", ("alpaca", "ibkr"))


def test_who_did_not_match_is_left_out_with_a_reason() -> None:
    choice = chosen("stock", "US", {"alpaca": NOT_FOUND, "ibkr": MATCHED})
    assert (choice.best_broker, choice.execution_preference) == ("ibkr", ("ibkr",))
    assert choice.broker_order == ("alpaca", "ibkr", "paper")
    assert choice.reason == "rule 2 (stock in us): alpaca > ibkr > paper; alpaca not found, paper not active"


def test_another_listing_is_no_preference() -> None:
    choice = chosen("stock", "XTKS", {"ibkr": OTHER})
    assert (choice.best_broker, choice.execution_preference) == (None, ())
    assert "ibkr other listing" in choice.reason


def test_a_broker_outside_the_rule_is_not_chosen() -> None:
    assert chosen("stock", "XTKS", {"alpaca": MATCHED}).best_broker is None


def test_no_rule() -> None:
    rules = (Preference.model_validate({"asset_classes": ["crypto"], "brokers": ["alpaca"]}),)
    assert chosen("stock", "US", {"ibkr": MATCHED}, rules) == Choice(None, (), (), "no rule for stock in us")


def test_unknown_market() -> None:
    with pytest.raises(InputError, match="MARS"):
        chosen("stock", "MARS", {"ibkr": MATCHED})


def test_costs_decide_between_equals() -> None:
    """Twenty shares of 50 euro: half a cent each is less than the minimum, a dollar, half a euro."""
    choice = chosen("stock", "US", {"alpaca": MATCHED, "ibkr": MATCHED}, EQUALS, value=Decimal(1000))
    assert choice.execution_preference == ("alpaca", "ibkr")
    assert choice.reason == (
        "rule 1 (stock in us): alpaca = ibkr > paper; "
        "capability equal (alpaca smallest order 50.00 EUR of 1000, ibkr smallest order 50.00 EUR of 1000); "
        "alpaca before ibkr by cost (alpaca 0.00 bp of 1000 EUR, ibkr 5.00 bp of 1000 EUR); paper not active"
    )


def test_costs_that_are_nearly_equal_leave_it_to_cash() -> None:
    facts = replace(FACTS, cash={"alpaca": {"USD": Decimal(100)}, "ibkr": {"USD": Decimal(20_000)}})
    choice = chosen("stock", "US", {"alpaca": MATCHED, "ibkr": MATCHED}, EQUALS, facts)
    assert choice.execution_preference == ("ibkr", "alpaca")
    assert "cost equal (alpaca 0.00 bp of 10000 EUR, ibkr 0.50 bp of 10000 EUR); hours equal" in choice.reason
    assert "health not measured; ibkr before alpaca by cash (alpaca 50 EUR in USD, ibkr 10000 EUR in USD)" in choice.reason


def test_a_broker_that_could_not_be_asked_keeps_its_place() -> None:
    away = chosen("stock", "US", {"alpaca": AWAY, "ibkr": MATCHED}, EQUALS, value=Decimal(1000))
    assert (away.best_broker, away.broker_order) == ("ibkr", ("alpaca", "ibkr", "paper"))


def test_who_cannot_trade_it_is_left_out() -> None:
    rules = (Preference.model_validate({"brokers": [["ibkr", "alpaca"]]}),)
    choice = chosen("bond", "US", {"alpaca": MATCHED, "ibkr": MATCHED}, rules)
    assert choice.broker_order == ()
    assert "ibkr left out: trades no bond" in choice.reason
    tokyo = chosen("stock", "XTKS", {"alpaca": AWAY, "ibkr": MATCHED}, rules)
    assert (tokyo.broker_order, "alpaca left out: not eligible" in tokyo.reason) == (("ibkr",), True)


def test_any_is_every_other_active_broker_that_counts() -> None:
    rules = (Preference.model_validate({"brokers": ["kraken", "any"]}),)
    choice = chosen("stock", "US", dict.fromkeys(("paper", "ibkr", "alpaca"), MATCHED), rules, value=Decimal(1000))
    assert choice.broker_order == ("kraken", "alpaca", "ibkr")
    assert choice.reason.startswith("rule 1 (stock in us): kraken > alpaca = ibkr; ")
    assert chosen("stock", "US", {}, (Preference.model_validate({"brokers": ["any"]}),)).broker_order == ()
