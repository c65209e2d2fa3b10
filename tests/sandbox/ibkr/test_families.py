"""Brackets at the local TWS: sent as one, exits that wait for their entry and end each other."""

from decimal import Decimal

from include.sandbox.book import VenueBook
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import NOW, PAIR, STOCK
from tests.sandbox.ibkr.market import bracket, mark, statuses


def test_a_bracket_is_transmitted_as_one_and_its_exits_wait(book: VenueBook, client: WireClient) -> None:
    client.place(1, limit="200", transmit="0")
    client.send(16, 1)
    assert client.until("53") == [["53", "1"]]
    client.place(2, action="SELL", limit="260", parent="1")
    assert statuses(client, 2) == [("2", "PreSubmitted", "0"), ("1", "Submitted", "0")]
    client.place(3, parent="77")
    assert client.error()[:2] == ("3", "10006")


def test_the_profit_of_a_bracket_ends_its_stop(book: VenueBook, client: WireClient) -> None:
    bracket(client)
    assert sorted(statuses(client, 3)) == [("1", "Filled", "10"), ("2", "Submitted", "0"), ("3", "PreSubmitted", "0")]
    mark(book, "261")
    assert statuses(client, 2) == [("2", "Filled", "10"), ("3", "Cancelled", "0")]
    assert book.engine.positions == {}


def test_the_stop_of_a_bracket_ends_its_profit(book: VenueBook, client: WireClient) -> None:
    bracket(client)
    client.until("3", times=3)
    mark(book, "229")
    assert statuses(client, 2) == [("3", "Filled", "10"), ("2", "Cancelled", "0")]
    assert book.engine.positions == {}


def test_exits_end_with_an_entry_that_was_never_filled(book: VenueBook, client: WireClient) -> None:
    bracket(client, limit="200")
    client.until("3", times=3)
    client.send(4, 1, 1, "")
    assert sorted(statuses(client, 3)) == [("1", "Cancelled", "0"), ("2", "Cancelled", "0"), ("3", "Cancelled", "0")]


def test_exits_shrink_to_what_was_filled(book: VenueBook, client: WireClient) -> None:
    bracket(client, limit="239")
    client.until("3", times=3)
    with book.lock:
        book.engine.set_mark(str(STOCK), "USD", Decimal(238), NOW, volume=Decimal(4))
    assert statuses(client, 3) == [("1", "Submitted", "4"), ("2", "Submitted", "0"), ("3", "PreSubmitted", "0")]
    client.send(4, 1, 1, "")
    client.until("4")
    mark(book, "261")
    assert statuses(client, 2) == [("2", "Filled", "4"), ("3", "Cancelled", "0")]
    assert book.engine.positions == {}


def test_a_part_of_the_profit_shrinks_the_stop(book: VenueBook, client: WireClient) -> None:
    bracket(client)
    client.until("3", times=3)
    with book.lock:
        book.engine.set_mark(str(STOCK), "USD", Decimal(261), NOW, volume=Decimal(4))
    assert statuses(client, 2) == [("2", "Submitted", "4"), ("3", "PreSubmitted", "0")]
    mark(book, "229")
    assert sorted(statuses(client, 2)) == [("2", "Cancelled", "4"), ("3", "Filled", "6")]
    assert book.engine.positions == {}


def test_a_bracket_in_a_pair_sells_what_its_entry_bought(book: VenueBook, client: WireClient) -> None:
    pair = {"sec_type": "CASH", "exchange": "IDEALPRO", "quantity": "1000"}
    client.place(1, PAIR, kind="MKT", limit="", transmit="0", **pair)
    client.place(2, PAIR, action="SELL", limit="1.25", parent="1", **pair)
    assert sorted(statuses(client, 2)) == [("1", "Filled", "1000"), ("2", "Submitted", "0")]
    assert book.engine.cash["EUR"] == Decimal(5000), "what it sells is not lent from the account"
    mark(book, "1.26", PAIR)
    assert statuses(client, 1) == [("2", "Filled", "1000")]
    client.send(49, 1)
    client.until("49")
    assert (book.engine.cash["EUR"], book.engine.positions) == (Decimal(5000), {})
