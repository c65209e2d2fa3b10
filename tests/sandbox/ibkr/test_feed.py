"""Prices of the local TWS: a snapshot, and what is told until it is called off."""

from decimal import Decimal

from include.sandbox.book import VenueBook
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import STOCK
from tests.sandbox.ibkr.market import mark


def test_market_data_is_in_the_units_of_the_venue(client: WireClient) -> None:
    client.send(1, 11, 1, 319091809, "", "", "", 0, "", "", "SMART", "", "", "", "", 0, "", 1, 0, "")
    messages = client.until("57")
    assert [message[0] for message in messages] == ["81", "58", "1", "1", "1", "46", "57"]
    assert {message[3]: Decimal(message[4]) for message in messages if message[0] == "1"} == {
        "1": Decimal("349.965"),
        "2": Decimal("350.035"),
        "4": Decimal(350),
    }
    client.send(1, 11, 2, 38708077, "", "", "", 0, "", "", "SMART", "", "", "", "", 0, "", 1, 0, "")
    assert client.error()[:2] == ("2", "354")
    client.send(1, 11, 3, 1, "", "", "", 0, "", "", "SMART", "", "", "", "", 0, "", 1, 0, "")
    assert client.error()[:2] == ("3", "200")


def test_prices_are_told_until_they_are_called_off(book: VenueBook, client: WireClient) -> None:
    client.send(1, 11, 7, STOCK, "", "STK", "", 0, "", "", "SMART", "", "USD", "", "", 0, "", 0, 0, "")
    assert [m[0] for m in client.until("46")] == ["81", "58", "1", "1", "1", "46"]
    mark(book, "241")
    assert [m[4] for m in client.until("46") if m[0] == "1"] == ["240.9759", "241.0241", "241"]
    client.send(2, 2, 7)
    client.send(49, 1)
    client.until("49")
    mark(book, "242")
    client.send(49, 1)
    assert client.receive()[0] == "49"  # type: ignore[index]
