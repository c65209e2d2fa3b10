"""What the local TWS does not let to the market: contracts that the account may not trade, markets that are closed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.order import OrderState
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.fakes.clock import SetClock
from tests.sandbox.ibkr.client import WireClient

NIGHT = datetime(2025, 9, 19, 22, 0, tzinfo=UTC)  # a Friday, after the close of New York
MONDAY = datetime(2025, 9, 22, 13, 30, tzinfo=UTC)  # when it opens again
STOCK, COIN, FUTURE = 265598, 479624278, 637533641


def listing(con_id: int, symbol: str, exchange: str, price: str, **more: Any) -> Listing:
    values: dict[str, Any] = {"currency": "USD", "price": Decimal(price), "price_time": NIGHT}
    return Listing(venue="ibkr", native_id=str(con_id), symbol=symbol, exchange=exchange, **(values | more))


LISTINGS = [
    listing(STOCK, "AAPL", "NASDAQ", "240"),
    listing(COIN, "BTC", "PAXOS", "60000", asset_class="crypto", lot_size=Decimal("0.0001"), tick_size=Decimal("0.25")),
    listing(FUTURE, "ES", "CME", "20", asset_class="future", multiplier=Decimal(50), expiry="2026-12-18"),
]


def make_book(**more: Any) -> VenueBook:
    values: dict[str, Any] = {"account_code": "DU1", "cash": {"USD": Decimal(20_000)}, "clock": SetClock(NIGHT)}
    return VenueBook(LISTINGS, **(values | more))


@pytest.fixture
def book() -> VenueBook:
    return make_book()


@pytest.fixture
def client(book: VenueBook) -> Iterator[WireClient]:
    with running_ibkr_venue(book) as port, WireClient(port) as connected:
        yield connected.start()


def later(book: VenueBook, time: datetime) -> None:
    assert isinstance(book.clock, SetClock)
    with book.lock:
        book.clock.now = time


def states(book: VenueBook) -> list[tuple[OrderState, Decimal]]:
    with book.lock:
        return [(order.state, order.filled_quantity) for order in book.engine.orders.values()]


def test_a_kind_of_contract_that_the_account_may_not_trade(book: VenueBook, client: WireClient) -> None:
    book.faults.add("no_permission.FUT", -1)
    for number in (1, 1):
        client.place(number, FUTURE, sec_type="FUT", exchange="CME", limit="21", quantity="1")
        assert client.error() == ("1", "460", "No trading permissions.")
    assert book.engine.orders == {}
    client.place(1)
    assert client.until("59")[0][0] == "5"
    book.faults.clear()
    client.place(2, FUTURE, sec_type="FUT", exchange="CME", limit="21", quantity="1")
    assert client.until("59")[0][0] == "5"


def test_a_contract_that_the_account_may_not_trade(book: VenueBook, client: WireClient) -> None:
    book.faults.add(f"no_permission.{STOCK}", -1)
    client.place(1)
    opened, status, refused = client.until("4")
    assert (opened[0], "Inactive" in opened, status[2]) == ("5", True, "Inactive")
    assert refused[2:4] == ["1", "201"]
    assert refused[4].startswith("Order rejected - reason:No Trading Permission, Customer Ineligible")
    assert states(book) == [(OrderState.REJECTED, Decimal(0))]


def test_a_market_order_that_cannot_wait_finds_its_exchange_closed(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="MKT", limit="", tif="IOC")
    _, status, refused = client.until("4")
    assert (status[2], refused[3], refused[4]) == ("Inactive", "201", "Order rejected - reason:Exchange is closed.")
    later(book, MONDAY)
    client.place(2, kind="MKT", limit="", tif="IOC")
    assert client.until("59")[1][2] == "Filled"


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
def test_a_limit_order_that_cannot_wait_is_cancelled(book: VenueBook, client: WireClient, tif: str) -> None:
    client.place(1, tif=tif)
    opened, status, ended = client.until("4")
    assert (opened[0], status[2], ended[3:5]) == ("5", "Cancelled", ["202", "Order Canceled - reason:"])
    assert states(book) == [(OrderState.CANCELLED, Decimal(0))]


def test_what_has_no_hours_is_always_open(client: WireClient) -> None:
    client.place(1, COIN, sec_type="CRYPTO", exchange="PAXOS", kind="MKT", limit="", tif="IOC", quantity="0", cash="1000")
    assert client.until("59")[1][2] == "Filled"


def test_a_sandbox_trades_round_the_clock(client: WireClient) -> None:
    client.place(1)
    assert client.until("59")[1][2] == "Filled"


@pytest.mark.parametrize("order", [{"tif": "DAY"}, {"tif": "GTC"}, {"kind": "MKT", "limit": ""}])
def test_unless_it_keeps_trading_hours(book: VenueBook, client: WireClient, order: dict[str, str]) -> None:
    book.faults.add("trading_hours", -1)
    client.place(1, **order)
    opened, status, warning = client.until("4")
    assert (opened[0], status[2]) == ("5", "PreSubmitted")
    assert warning[2:5] == [
        "1",
        "399",
        "Order Message:\nBUY 10 AAPL NASDAQ\n"
        "Warning: Your order will not be placed at the exchange until 2025-09-22 09:30:00 America/New_York.",
    ]
    later(book, MONDAY - timedelta(seconds=1))
    with book.lock:
        book.engine.set_mark(str(STOCK), "USD", Decimal(230), book.clock())
    client.send(16, 1)
    assert client.until("53")[-2][2] == "PreSubmitted"
    later(book, MONDAY)
    assert client.until("59")[0][:3] == ["3", "1", "Filled"]


def test_an_order_for_outside_of_hours_does_not_wait(book: VenueBook, client: WireClient) -> None:
    book.faults.add("trading_hours", -1)
    client.place(1, rth="1")
    assert client.until("59")[1][2] == "Filled"
    later(book, MONDAY)
    client.place(2)
    assert client.until("59")[1][2] == "Filled"


def test_a_family_waits_together_and_is_there_after_a_restart(tmp_path: Path) -> None:
    values = {"state_path": tmp_path / "ibkr.json"}
    book = make_book(**values)
    book.faults.add("trading_hours", -1)
    with running_ibkr_venue(book) as port, WireClient(port) as client:
        client.start().place(1, transmit="0")
        client.place(2, action="SELL", limit="260", parent="1")
        assert [message[2] for message in client.until("4", times=2) if message[0] == "3"] == ["PreSubmitted"] * 2
        client.place(3, limit="250", transmit="0")
        client.send(49, 1)
        client.until("49")
    again = make_book(**values)
    with running_ibkr_venue(again) as port, WireClient(port) as client:
        client.start()
        later(again, MONDAY)
        assert client.until("59")[0][:3] == ["3", "1", "Filled"]
    assert [state.value for state, _ in states(again)] == ["filled", "accepted", "accepted"]
    assert again.engine.orders[3].is_held, "nobody has transmitted it"


def test_what_waits_can_be_changed_and_cancelled(book: VenueBook, client: WireClient) -> None:
    book.faults.add("trading_hours", -1)
    client.place(1)
    client.until("4")
    client.place(1, limit="245")
    opened, status = client.until("3")
    assert (opened[16], status[2]) == ("245.0", "PreSubmitted")
    client.send(4, 1, 1, "")
    assert client.until("4")[-1][3] == "202"
    assert states(book) == [(OrderState.CANCELLED, Decimal(0))]
