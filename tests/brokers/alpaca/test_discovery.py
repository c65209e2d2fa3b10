"""What Alpaca tells that an account cannot do."""

from dataclasses import replace
from typing import Any

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.alpaca.client import AlpacaClient
from include.brokers.alpaca.discovery import discovered
from include.brokers.alpaca.failures import Refusal
from include.brokers.guarded import Guarded
from include.domain.instrument import AssetClass
from include.errors import BrokerUnavailable, Unsupported
from include.sandbox.alpaca.permissions import set_flags
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c

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


def test_flags_narrow_from_the_first_request_on_and_configurations_when_asked(opened: c.Open, book: VenueBook) -> None:
    set_flags(book, crypto_status="INACTIVE", options_approved_level=2)
    book.meta["configurations"] = {"fractional_trading": False}
    broker = opened()
    assert broker.able.asset_classes == {"stock", "etf"}
    assert broker.able.for_kind("stock").fractional
    found = broker.discover()
    assert found == broker.able
    assert (found.asset_classes, found.for_kind("stock").fractional) == ({"stock", "etf"}, False)
    assert (broker.capabilities, broker.capabilities.asset_classes) == (DECLARED, {"stock", "etf", "crypto"})


def test_an_order_that_the_account_cannot_do_is_not_sent(opened: c.Open, book: VenueBook) -> None:
    set_flags(book, trading_blocked=True)
    broker = Guarded(opened())
    with pytest.raises(Unsupported, match="trades no stock in this account: Alpaca has blocked trading"):
        broker.submit(c.order())
    assert not [kind for _, kind, _ in book.requests if kind.startswith("POST")]
    set_flags(book, trading_blocked=False)
    broker.discover()
    assert broker.submit(c.order()).client_order_id == "A" * 20


def test_configurations_that_a_login_may_not_read_say_nothing(broker: AlpacaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Refusal(403, 40310000, "not for this token")
    monkeypatch.setattr(AlpacaClient, "configuration", lambda self: refused)
    assert broker.discover().asset_classes == DECLARED.asset_classes
    monkeypatch.setattr(AlpacaClient, "configuration", lambda self: [])
    with pytest.raises(BrokerUnavailable, match="expected an account's configuration"):
        broker.discover()
