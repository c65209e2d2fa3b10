"""What the account may not do, and how that is answered."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from include.sandbox.alpaca.permissions import AccountFlags, flags_of, set_flags
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.fakes.clock import SetClock
from tests.sandbox.alpaca.conftest import CODE, LISTINGS, Ask, body

CONFIGURATIONS = "/v2/account/configurations"


def refused(ask: Ask, **more: Any) -> tuple[int, int, str]:
    answer = ask("POST", "/v2/orders", json=body(**more))
    return answer.status_code, answer.json()["code"], answer.json()["message"]


def test_an_account_may_do_everything_but_go_short(ask: Ask) -> None:
    account = ask("GET", "/v2/account").json()
    flags = {name: account[name] for name in ("trading_blocked", "account_blocked", "trade_suspended_by_user")}
    assert set(flags.values()) == {False}
    assert (account["crypto_status"], account["shorting_enabled"]) == ("ACTIVE", False)
    assert (account["options_approved_level"], account["options_trading_level"]) == (0, 0)
    assert refused(ask, side="sell") == (403, 40310000, "account is not allowed to short")


def test_a_sale_of_more_than_is_held_says_how_much_there_is(ask: Ask) -> None:
    ask("POST", "/v2/orders", json=body())
    words = "insufficient qty available for order (requested: 11, available: 10)"
    assert refused(ask, client_order_id="two", side="sell", qty="11") == (403, 40310000, words)


@pytest.mark.parametrize("flag", ["trading_blocked", "account_blocked"])
def test_a_blocked_account_takes_no_orders_and_no_changes(ask: Ask, book: VenueBook, flag: str) -> None:
    standing = ask("POST", "/v2/orders", json=body(limit_price="150")).json()["id"]
    set_flags(book, **{flag: True})
    wanted = (403, 40310000, "account is not authorized to trade")
    assert ask("GET", "/v2/account").json()[flag] is True
    assert refused(ask, client_order_id="two") == wanted
    answer = ask("PATCH", f"/v2/orders/{standing}", json={"qty": "11"})
    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == wanted
    assert ask("DELETE", f"/v2/orders/{standing}").status_code == 204
    set_flags(book, **{flag: False})
    assert ask("POST", "/v2/orders", json=body(client_order_id="two")).status_code == 200


def test_an_owner_suspends_trading(ask: Ask) -> None:
    assert ask("PATCH", CONFIGURATIONS, json={"suspend_trade": True}).json()["suspend_trade"] is True
    assert ask("GET", "/v2/account").json()["trade_suspended_by_user"] is True
    assert refused(ask) == (403, 40310000, "new orders are rejected by user request")
    ask("PATCH", CONFIGURATIONS, json={"suspend_trade": False})
    assert ask("POST", "/v2/orders", json=body()).status_code == 200


def test_crypto_needs_an_active_status(ask: Ask, book: VenueBook) -> None:
    set_flags(book, crypto_status="INACTIVE")
    coin = {"symbol": "BTC/USD", "qty": "0.01", "type": "market", "limit_price": None, "time_in_force": "gtc"}
    assert refused(ask, **coin) == (422, 40010001, "crypto orders not allowed for account")
    assert ask("GET", "/v2/account").json()["crypto_status"] == "INACTIVE"
    assert ask("POST", "/v2/orders", json=body()).status_code == 200, "shares are none"


def test_fractions_can_be_switched_off(ask: Ask) -> None:
    ask("PATCH", CONFIGURATIONS, json={"fractional_trading": False})
    words = (403, 40310000, "fractional trading is disabled for this account")
    assert refused(ask, symbol="BRK.B", qty="0.5", limit_price="501") == words
    assert refused(ask, symbol="BRK.B", qty=None, notional="100", type="market", limit_price=None) == words
    assert ask("POST", "/v2/orders", json=body(symbol="BRK.B", qty="1", limit_price="501")).status_code == 200


def test_the_lower_options_level_counts(ask: Ask, book: VenueBook) -> None:
    set_flags(book, options_approved_level=3)
    assert ask("GET", "/v2/account").json()["options_trading_level"] == 3
    ask("PATCH", CONFIGURATIONS, json={"max_options_trading_level": 1})
    account = ask("GET", "/v2/account").json()
    assert (account["options_approved_level"], account["options_trading_level"]) == (3, 1)


def test_configurations_as_alpaca_tells_them(ask: Ask, trading: Any) -> None:
    found = trading.get_account_configurations()
    assert (found.suspend_trade, found.no_shorting, found.fractional_trading) == (False, False, True)
    found.no_shorting = True
    assert trading.set_account_configurations(found).no_shorting is True
    assert ask("GET", CONFIGURATIONS).json()["no_shorting"] is True


@pytest.mark.parametrize(
    ("told", "status", "message"),
    [
        ({"suspend_trade": "perhaps"}, 422, "invalid suspend_trade"),
        ({"max_options_trading_level": 4}, 422, "invalid max_options_trading_level"),
        ([1], 400, "request body format is invalid"),
        ({"somebody_elses": 1}, 200, None),
    ],
)
def test_a_configuration_that_is_none_changes_nothing(ask: Ask, told: Any, status: int, message: str | None) -> None:
    before = ask("GET", CONFIGURATIONS).json()
    answer = ask("PATCH", CONFIGURATIONS, json=told)
    assert (answer.status_code, answer.json().get("message")) == (status, message)
    assert ask("GET", CONFIGURATIONS).json() == before


def test_flags_and_configurations_survive_a_restart(tmp_path: Path, server: AlpacaVenue, clock: SetClock, ask: Ask) -> None:
    def restarted() -> VenueBook:
        return VenueBook(
            LISTINGS, account_code=CODE, cash={"USD": Decimal(10000)}, clock=clock, state_path=tmp_path / "alpaca.state.json"
        )

    server.venue.book = restarted()
    set_flags(server.venue.book, trading_blocked=True)
    ask("PATCH", CONFIGURATIONS, json={"suspend_trade": True})
    server.venue.book = restarted()
    account = ask("GET", "/v2/account").json()
    assert (account["trading_blocked"], account["trade_suspended_by_user"]) == (True, True)


@pytest.mark.parametrize(
    ("written", "blocked"),
    [({"account_blocked": True}, True), ({"account_blocked": "perhaps"}, False), ({"unknown": 1}, False), ([1], False)],
)
def test_a_file_beside_the_state_sets_flags_while_the_venue_runs(tmp_path: Path, written: Any, blocked: bool) -> None:
    book = VenueBook(LISTINGS, account_code=CODE, cash={}, state_path=tmp_path / "alpaca.state.json")
    assert flags_of(book) == AccountFlags()
    (tmp_path / "alpaca.account.json").write_text(json.dumps(written), encoding="utf-8")
    assert flags_of(book).account_blocked is blocked


def test_there_is_no_flag_for_everything(book: VenueBook) -> None:
    wrong: Mapping[str, Any] = {"shorting_enabled": True}
    with pytest.raises(ValidationError):
        set_flags(book, **wrong)
