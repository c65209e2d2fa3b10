"""The account as the local TWS shows it."""

from decimal import Decimal

import pytest

from include.sandbox.book import VenueBook
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import LISTINGS, make_book


@pytest.fixture
def book() -> VenueBook:
    return make_book(cash={"USD": Decimal(12_000), "GBP": Decimal(100)})


def test_the_account_in_euro(client: WireClient) -> None:
    client.place(1)
    client.until("59")
    client.send(6, 2, 1, "DU1")
    messages = client.until("54")
    values = {(message[2], message[4]): message[3] for message in messages if message[0] == "6"}
    # 12000 - 10 x 240.024 dollars at 1.2, 100 pounds at 1.25 over the dollar, ten shares at 240
    assert values["NetLiquidation", "EUR"] == "10124.80"
    assert values["CashBalance", "USD"] == "9599.76"
    assert values["CashBalance", "GBP"] == "100.00"
    assert values["SettledCash", "EUR"] == "8124.80"
    (held,) = [message for message in messages if message[0] == "7"]
    assert held[2:4] + held[13:16] == ["265598", "AAPL", "10", "240", "2400"]
    client.send(6, 2, 0, "DU1")  # ends the subscription, without an answer
    client.send(61, 1)
    position, _ = client.until("62")
    assert position[:4] == ["61", "3", "DU1", "265598"]
    assert position[14:] == ["10", "240.024"]
    client.send(76, 1, 5, "DU1", "", 0)
    assert ["73", "1", "5", "DU1", "", "NetLiquidation", "10124.80", "EUR"] in client.until("74")
    client.send(62, 1, 6, "All", "NetLiquidation,$LEDGER:ALL")
    tags = [message[4] for message in client.until("64")[:-1]]
    assert tags.count("NetLiquidation") == 1
    assert tags.count("CashBalance") == 2


def test_an_order_of_a_contract_that_left_is_still_told(book: VenueBook, client: WireClient) -> None:
    client.place(1)
    client.until("59")
    book.load(LISTINGS[1:])
    client.send(61, 1)
    assert client.until("62")[0][4:6] == ["AAPL", "STK"]
    client.send(7, 3, 9, 0, "", "", "", "", "", "")
    assert client.until("55")[0][4] == "AAPL"
    client.contract_details(1, 265598)
    assert client.error()[1] == "200"
