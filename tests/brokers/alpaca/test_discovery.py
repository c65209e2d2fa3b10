"""What Alpaca tells that an account cannot do."""

from dataclasses import replace
from typing import Any

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.alpaca.discovery import discovered
from include.domain.instrument import AssetClass

DECLARED = AlpacaBroker.capabilities
FREE = {
    "account_blocked": False,
    "trading_blocked": False,
    "trade_suspended_by_user": False,
    "shorting_enabled": True,
    "crypto_status": "ACTIVE",
    "options_trading_level": 2,
}
USUAL = {"suspend_trade": False, "no_shorting": False, "fractional_trading": True, "max_options_trading_level": None}


@pytest.mark.parametrize(("account", "configuration"), [(FREE, USUAL), ({}, {}), (FREE, {})])
def test_nothing_is_taken_away_without_a_word(account: dict[str, Any], configuration: dict[str, Any]) -> None:
    assert discovered(DECLARED, account, configuration) == DECLARED


@pytest.mark.parametrize("name", ["account_blocked", "trading_blocked", "trade_suspended_by_user", "suspend_trade"])
@pytest.mark.parametrize("odd", ["true", 1, None])
def test_what_is_no_flag_takes_nothing_away(name: str, odd: object) -> None:
    assert discovered(DECLARED, {name: odd, "crypto_status": 7}, {"fractional_trading": 0}) == DECLARED


@pytest.mark.parametrize(
    ("account", "configuration"),
    [
        ({"account_blocked": True}, {}),
        ({"trading_blocked": True}, {}),
        ({"trade_suspended_by_user": True}, {}),
        ({}, {"suspend_trade": True}),
    ],
)
def test_a_blocked_account_trades_nothing(account: dict[str, Any], configuration: dict[str, Any]) -> None:
    found = discovered(DECLARED, FREE | account, USUAL | configuration)
    [name] = [*account, *configuration]
    assert found.asset_classes == frozenset()
    assert set(found.why_not) == {"stock", "etf", "crypto"}
    assert all(name in why for why in found.why_not.values())


def test_every_reason_is_told() -> None:
    found = discovered(DECLARED, {"account_blocked": True, "trading_blocked": True}, {})
    assert found.why_not["stock"] == (
        "Alpaca has blocked the account (account_blocked); Alpaca has blocked trading (trading_blocked)"
    )


def test_crypto_that_is_not_active() -> None:
    found = discovered(DECLARED, FREE | {"crypto_status": "INACTIVE"}, USUAL)
    assert found.asset_classes == {"stock", "etf"}
    assert found.why_not == {"crypto": "Alpaca has not activated crypto (crypto_status INACTIVE)"}


@pytest.mark.parametrize(("account", "configuration"), [({"shorting_enabled": False}, {}), ({}, {"no_shorting": True})])
def test_no_selling_short(account: dict[str, Any], configuration: dict[str, Any]) -> None:
    found = discovered(DECLARED, FREE | account, USUAL | configuration)
    assert DECLARED.for_kind("stock").shorting
    assert not found.for_kind("stock").shorting
    assert not found.for_kind("etf").shorting


def test_fractions_of_shares_are_off_and_coins_stay() -> None:
    found = discovered(DECLARED, FREE, USUAL | {"fractional_trading": False})
    shares, coins = found.for_kind("stock"), found.for_kind("crypto")
    assert (shares.fractional, shares.cash_amounts, coins.fractional, coins.cash_amounts) == (False, False, True, True)
    assert found.asset_classes == DECLARED.asset_classes


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"options_trading_level": 0}, {"option": "Alpaca has not approved options (options_trading_level 0)"}),
        (
            {"options_trading_level": 3, "options_approved_level": 0},
            {"option": "Alpaca has not approved options (options_approved_level 0)"},
        ),
        ({"options_trading_level": 1}, {}),
        ({"options_trading_level": False}, {}),
    ],
)
def test_options_where_an_adapter_declares_them(told: dict[str, Any], why: dict[str, str]) -> None:
    with_options = replace(DECLARED, asset_classes=DECLARED.asset_classes | {AssetClass.OPTION})
    assert discovered(with_options, told, {}).why_not == why
    assert discovered(DECLARED, told, {}) == DECLARED
