"""The desk over the engine: what was saved goes on, by this version's documents and by older ones."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.order import OrderState
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.fakes.clock import SetClock
from tests.sandbox.alpaca.conftest import AAPL, CODE, LISTINGS, Ask, body

BRACKET = {"order_class": "bracket", "take_profit": {"limit_price": "220"}, "stop_loss": {"stop_price": "190"}}


@pytest.fixture
def book(server: AlpacaVenue, tmp_path: Path, clock: SetClock) -> VenueBook:
    """A book that is saved."""
    server.venue.book = restarted(tmp_path, clock)
    return server.venue.book


def restarted(folder: Path, clock: SetClock) -> VenueBook:
    path = folder / "alpaca.state.json"
    return VenueBook(LISTINGS, account_code=CODE, cash={"USD": Decimal(10000)}, clock=clock, state_path=path)


def mark(server: AlpacaVenue, price: str) -> None:
    book = server.venue.book
    with book.lock:
        book.engine.set_mark(AAPL, "USD", Decimal(price), book.clock(), now=book.clock())


def statuses(ask: Ask) -> list[str]:
    return [row["status"] for row in ask("GET", "/v2/orders?status=all&direction=asc").json()]


def test_a_bracket_holds_its_closing_orders_and_one_ends_the_other(ask: Ask, server: AlpacaVenue, clock: SetClock) -> None:
    ask("POST", "/v2/orders", json=body(limit_price="195", **BRACKET))
    assert statuses(ask) == ["new", "held", "held"]
    clock.now += timedelta(minutes=1)
    mark(server, "194")
    assert statuses(ask) == ["filled", "new", "new"]
    assert ask("GET", "/v2/positions/AAPL").json()["qty_available"] == "0"
    mark(server, "189")
    assert statuses(ask) == ["filled", "canceled", "filled"]


def test_what_one_closing_order_fills_is_taken_off_the_other(ask: Ask, server: AlpacaVenue, clock: SetClock) -> None:
    ask("POST", "/v2/orders", json=body(**BRACKET))
    clock.now += timedelta(minutes=1)
    with server.venue.book.lock:
        server.venue.book.engine.set_mark(AAPL, "USD", Decimal(221), clock.now, volume=Decimal(4))
    rows = ask("GET", "/v2/orders?status=all&direction=asc").json()
    assert [(row["status"], row["qty"], row["filled_qty"]) for row in rows] == [
        ("filled", "10", "10"),
        ("partially_filled", "10", "4"),
        ("new", "6", "0"),
    ]


def test_cancelling_a_closing_order_cancels_the_other(ask: Ask) -> None:
    ask("POST", "/v2/orders", json=body(**BRACKET))
    leg = ask("GET", "/v2/orders?status=open").json()[0]["id"]
    assert ask("DELETE", f"/v2/orders/{leg}").status_code == 204
    assert statuses(ask) == ["filled", "canceled", "canceled"]


def test_cancelling_the_entry_cancels_what_waits_for_it(ask: Ask) -> None:
    entry = ask("POST", "/v2/orders", json=body(limit_price="195", **BRACKET)).json()["id"]
    ask("DELETE", f"/v2/orders/{entry}")
    assert statuses(ask) == ["canceled", "canceled", "canceled"]


def test_an_entry_that_ends_at_once_takes_its_closing_orders_along(ask: Ask, book: VenueBook) -> None:
    book.faults.add("partial_then_cancel")
    ask("POST", "/v2/orders", json=body(**BRACKET))
    assert statuses(ask) == ["canceled", "canceled", "canceled"]
    assert ask("GET", "/v2/positions/AAPL").json()["qty_available"] == "5"


def test_a_replaced_entry_takes_its_closing_orders_along(ask: Ask, server: AlpacaVenue, clock: SetClock) -> None:
    entry = ask("POST", "/v2/orders", json=body(limit_price="195", **BRACKET)).json()["id"]
    fresh = ask("PATCH", f"/v2/orders/{entry}", json={"qty": "8"}).json()
    legs = ask("GET", f"/v2/orders/{fresh['id']}?nested=true").json()["legs"]
    assert [(leg["status"], leg["qty"]) for leg in legs] == [("held", "8"), ("held", "8")]
    clock.now += timedelta(minutes=1)
    mark(server, "194")
    mark(server, "221")
    assert statuses(ask) == ["replaced", "filled", "canceled", "filled"]


def test_a_change_of_a_partly_filled_order_changes_its_rest(ask: Ask, server: AlpacaVenue, book: VenueBook) -> None:
    book.engine.marks[AAPL] = book.engine.marks[AAPL].model_copy(update={"volume": Decimal(4)})
    old = ask("POST", "/v2/orders", json=body()).json()["id"]
    fresh = ask("PATCH", f"/v2/orders/{old}", json={"limit_price": "200.5"}).json()
    assert (fresh["qty"], fresh["filled_qty"], fresh["replaces"]) == ("6", "0", old)
    mark(server, "200.1")
    rows = ask("GET", "/v2/orders?status=all&direction=asc").json()
    assert [(row["status"], row["filled_qty"]) for row in rows] == [("replaced", "4"), ("filled", "6")]
    assert ask("GET", "/v2/positions/AAPL").json()["qty"] == "10"


def test_a_trailing_stop_tells_its_best_price_in_whole_cents(ask: Ask, server: AlpacaVenue, clock: SetClock) -> None:
    ask("POST", "/v2/orders", json=body())
    trail = {"type": "trailing_stop", "limit_price": None, "trail_percent": "1", "side": "sell", "client_order_id": "two"}
    order = ask("POST", "/v2/orders", json=body(**trail)).json()["id"]
    clock.now += timedelta(minutes=1)
    mark(server, "200.37")
    found = ask("GET", f"/v2/orders/{order}").json()
    assert (found["hwm"], found["stop_price"]) == ("200.37", "198.36")
    mark(server, "198.365")
    assert ask("GET", f"/v2/orders/{order}").json()["status"] == "new"
    mark(server, "198.36")
    assert ask("GET", f"/v2/orders/{order}").json()["status"] == "filled"


def test_a_stop_purchase_buys_no_dearer_than_its_limit(ask: Ask, server: AlpacaVenue, clock: SetClock) -> None:
    stop = {"type": "stop", "limit_price": None, "stop_price": "210"}
    order = ask("POST", "/v2/orders", json=body(**stop)).json()
    assert order["limit_price"] is None
    clock.now += timedelta(minutes=1)
    mark(server, "216")
    assert ask("GET", f"/v2/orders/{order['id']}").json()["status"] == "new", "2.5 % above 210 are 215.25"
    mark(server, "215")
    assert ask("GET", f"/v2/orders/{order['id']}").json()["filled_avg_price"] == "215.0215"


def test_a_restart_changes_nothing(ask: Ask, server: AlpacaVenue, tmp_path: Path, clock: SetClock) -> None:
    ask("POST", "/v2/orders", json=body(limit_price="195", **BRACKET))
    before = ask("GET", "/v2/orders?status=all").json()
    server.venue.book = restarted(tmp_path, clock)
    assert ask("GET", "/v2/orders?status=all").json() == before
    clock.now += timedelta(minutes=1)
    mark(server, "194")
    with server.venue.book.lock:
        server.venue.book.save()  # the engine's fills are kept, the desk has not looked yet
    server.venue.book = restarted(tmp_path, clock)
    assert statuses(ask) == ["filled", "new", "new"]
    assert [row["qty"] for row in ask("GET", "/v2/account/activities/FILL").json()] == ["10"]


def test_orders_that_an_older_desk_kept_back_go_to_the_engine(
    ask: Ask, server: AlpacaVenue, tmp_path: Path, clock: SetClock, book: VenueBook
) -> None:
    ask("POST", "/v2/orders", json=body(qty="4", **BRACKET))
    ask("POST", "/v2/orders", json=body(client_order_id="two", type="stop", limit_price=None, stop_price="210", qty="1"))
    engine = book.engine
    for row in book.meta["orders"]:
        del row["earlier_fills"]
        if row["order_type"] == "stop":
            engine.cancel(row["engine_id"], clock.now)
            row["engine_id"] = None
    rows: list[dict[str, Any]] = list(book.meta["orders"])
    gain = engine.orders[rows[1]["engine_id"]]  # it stood in the engine, by itself
    alone = {"order_id": len(engine.orders) + 1, "parent_id": None, "group": None, "state": OrderState.ACCEPTED}
    rows[1]["engine_id"] = engine.put(gain.model_copy(update=alone)).order_id
    book.meta["orders"] = [row | {"status": {"canceled": "new"}.get(row["status"], row["status"])} for row in rows]
    book.save()
    server.venue.book = restarted(tmp_path, clock)
    assert statuses(ask) == ["filled", "new", "new", "new"]
    clock.now += timedelta(minutes=1)
    mark(server, "189")
    assert statuses(ask) == ["filled", "canceled", "filled", "new"]
    mark(server, "211")
    assert statuses(ask) == ["filled", "canceled", "filled", "filled"]


def test_a_lasting_order_that_is_made_one_for_the_day_ends_with_the_day(ask: Ask, clock: SetClock) -> None:
    lasting = ask("POST", "/v2/orders", json=body(limit_price="150", time_in_force="gtc")).json()
    assert lasting["expires_at"] is None
    order = ask("PATCH", f"/v2/orders/{lasting['id']}", json={"time_in_force": "day"}).json()
    assert order["expires_at"] == "2025-09-19T20:00:00.000000000Z"
    clock.now = clock.now.replace(hour=20)
    assert ask("GET", f"/v2/orders/{order['id']}").json()["status"] == "expired"
