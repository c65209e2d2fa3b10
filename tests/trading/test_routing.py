import pytest

from include.domain.mapping import MappingStatus
from include.trading.routing import Route, route
from tests.trading.build import candidate, contract, mapping, portfolio, snapshot

BOTH = {"ibkr-main": snapshot(), "alpaca-main": snapshot("alpaca-main")}
AT_IBKR = mapping(contract())
AT_ALPACA = mapping(contract("alpaca", "uuid-aapl"))


def test_the_first_broker_of_the_preference_that_maps_it_trades_it() -> None:
    found = route(candidate(AT_IBKR, AT_ALPACA), portfolio(), BOTH)
    assert isinstance(found, Route)
    assert (found.account_id, found.contract.native_id) == ("alpaca-main", "uuid-aapl")


def test_a_definite_miss_falls_through_to_the_next_broker() -> None:
    missing = mapping(None, status=MappingStatus.NOT_FOUND, broker="alpaca", reason="symbol_not_found")
    found = route(candidate(AT_IBKR, missing), portfolio(), BOTH)
    assert isinstance(found, Route)
    assert found.account_id == "ibkr-main"


def test_an_unavailable_broker_is_not_routed_around() -> None:
    down = mapping(None, status=MappingStatus.UNAVAILABLE, broker="alpaca")
    assert route(candidate(AT_IBKR, down), portfolio(), BOTH) == "broker_unavailable: alpaca is preferred and could not be asked"
    assert route(candidate(AT_IBKR), portfolio(), BOTH) == "broker_unavailable: alpaca is preferred and could not be asked"


def test_a_frozen_account_is_not_routed_around() -> None:
    frozen = {**BOTH, "alpaca-main": snapshot("alpaca-main", frozen=True)}
    expected = "account_frozen: alpaca-main is preferred and could not be read"
    assert route(candidate(AT_IBKR, AT_ALPACA), portfolio(), frozen) == expected
    assert route(candidate(AT_IBKR, AT_ALPACA), portfolio(), {"ibkr-main": snapshot()}) == expected


def test_another_listing_is_traded_only_where_the_portfolio_says_so() -> None:
    other = mapping(contract(currency="EUR"), status=MappingStatus.OTHER_LISTING, reason="currency_mismatch")
    wanted = candidate(other, preference=("ibkr",))
    assert route(wanted, portfolio(), BOTH) == "not_mapped: ibkr: currency_mismatch"
    assert isinstance(route(wanted, portfolio(trade_other_listings=True), BOTH), Route)


def test_a_broker_outside_the_portfolio_is_no_route() -> None:
    assert (
        route(candidate(AT_IBKR, preference=("paper",)), portfolio(), BOTH) == "not_mapped: no broker of this portfolio trades it"
    )


def test_the_wanted_listing_comes_before_another_listing_at_a_preferred_broker() -> None:
    other = mapping(contract("alpaca", "uuid-adr"), status=MappingStatus.OTHER_LISTING, broker="alpaca", reason="other_listing")
    found = route(candidate(AT_IBKR, other), portfolio(trade_other_listings=True), BOTH)
    assert isinstance(found, Route)
    assert found.account_id == "ibkr-main"


def test_a_mapping_that_waits_for_a_person_is_neither_bought_nor_re_routed() -> None:
    reason = "mapping_changed: native_id uuid-old -> uuid-aapl"
    assert route(candidate(AT_IBKR, AT_ALPACA, mapping_held={"alpaca": reason}), portfolio(), BOTH) == reason
    found = route(candidate(AT_IBKR, AT_ALPACA, mapping_held={"ibkr": reason}), portfolio(), BOTH)
    assert isinstance(found, Route)
    assert found.account_id == "alpaca-main"


@pytest.mark.parametrize("trade_other_listings", [False, True])
@pytest.mark.parametrize("status", [MappingStatus.OTHER_LISTING, MappingStatus.NOT_FOUND, MappingStatus.UNAVAILABLE])
def test_what_waits_is_not_re_routed_whatever_its_mapping_says_now(status: MappingStatus, trade_other_listings: bool) -> None:
    reason = "mapping_changed: mic XNAS -> XFRA"
    listed = contract("alpaca", "uuid-adr") if status is MappingStatus.OTHER_LISTING else None
    both = candidate(AT_IBKR, mapping(listed, status=status, broker="alpaca"), mapping_held={"alpaca": reason})
    assert route(both, portfolio(trade_other_listings=trade_other_listings), BOTH) == reason


def test_another_listing_found_before_one_that_waits_is_not_bought_in_its_place() -> None:
    other = mapping(contract("alpaca", "uuid-adr"), status=MappingStatus.OTHER_LISTING, broker="alpaca", reason="other_listing")
    reason = "mapping_changed: native_id 265598 -> 999"
    both = candidate(AT_IBKR, other, mapping_held={"ibkr": reason})
    assert route(both, portfolio(trade_other_listings=True), BOTH) == reason


def test_an_account_that_may_not_trade_the_kind_is_passed_over() -> None:
    barred = {"alpaca-main": {"stock": "trading is blocked"}}
    found = route(candidate(AT_IBKR, AT_ALPACA), portfolio(), BOTH, barred)
    assert isinstance(found, Route)
    assert found.account_id == "ibkr-main"
    alone = candidate(AT_ALPACA, preference=("alpaca",))
    assert route(alone, portfolio(), BOTH, barred) == "account_restricted: alpaca: trading is blocked"
    assert isinstance(
        route(alone, portfolio(), BOTH, {"alpaca-main": {"crypto": "not active"}, "ibkr-main": {"stock": "x"}}), Route
    )
