"""The order desk of the local TWS, byte by byte: what waits, what sets it off, what it is told as."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.fakes.clock import SetClock
from tests.sandbox.ibkr.client import WireClient

NOW = datetime(2025, 9, 19, 14, 30, tzinfo=UTC)
STOCK, PAIR, COIN, FUTURE, OPTION = 265598, 12087792, 479624278, 637533641, 700000001


def listing(con_id: int, symbol: str, exchange: str, price: str, **more: Any) -> Listing:
    values: dict[str, Any] = {"currency": "USD", "price": Decimal(price), "price_time": NOW}
    return Listing(venue="ibkr", native_id=str(con_id), symbol=symbol, exchange=exchange, **(values | more))


LISTINGS = [
    listing(STOCK, "AAPL", "NASDAQ", "240"),
    listing(PAIR, "EUR", "IDEALPRO", "1.2", asset_class="fx", tick_size=Decimal("0.00005")),
    listing(COIN, "BTC", "PAXOS", "60000", asset_class="crypto", lot_size=Decimal("0.0001"), tick_size=Decimal("0.25")),
    listing(FUTURE, "ES", "CME", "20", asset_class="future", multiplier=Decimal(50), expiry="2026-12-18"),
    listing(OPTION, "AAPL", "", "3", asset_class="option", multiplier=Decimal(100), expiry="2026-12-18"),
]


@pytest.fixture
def book() -> VenueBook:
    return VenueBook(LISTINGS, account_code="DU1", cash={"USD": Decimal(20_000), "EUR": Decimal(5_000)}, clock=SetClock(NOW))


@pytest.fixture
def client(book: VenueBook) -> Iterator[WireClient]:
    with running_ibkr_venue(book) as port, WireClient(port) as connected:
        yield connected.start()


def mark(book: VenueBook, price: str, con_id: int = STOCK) -> None:
    """The market moves."""
    with book.lock:
        book.engine.set_mark(str(con_id), "USD", Decimal(price), book.clock())


def later(book: VenueBook, time: datetime) -> None:
    assert isinstance(book.clock, SetClock)
    book.clock.now = time


def statuses(client: WireClient, count: int) -> list[tuple[str, str, str]]:
    """(order id, status, filled) of the next messages 3."""
    return [(m[1], m[2], m[3]) for m in client.until("3", times=count) if m[0] == "3"]


def holding(client: WireClient) -> None:
    """Own ten, as order 1."""
    client.place(1)
    client.until("59")


def test_a_stop_waits_until_the_last_price_reaches_it(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="STP", limit="", aux="245")
    opened, status = client.until("3")
    assert (opened[15:18], status[2]) == (["STP", "0.0", "245.0"], "PreSubmitted")
    mark(book, "244.99")
    client.send(16, 1)
    assert client.until("53")[-2][2] == "PreSubmitted"
    mark(book, "245")
    assert statuses(client, 1) == [("1", "Filled", "10")]


def test_a_stop_sells_when_the_price_falls(book: VenueBook, client: WireClient) -> None:
    holding(client)
    client.place(2, action="SELL", kind="STP", limit="", aux="230")
    client.until("3")
    mark(book, "230")
    assert statuses(client, 1) == [("2", "Filled", "10")]


def test_a_stop_limit_rests_at_its_limit_once_set_off(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="STP LMT", aux="245", limit="245.5")
    assert client.until("3")[0][15:18] == ["STP LMT", "245.5", "245.0"]
    mark(book, "250")  # jumped over the limit
    assert statuses(client, 1) == [("1", "Submitted", "0")]
    mark(book, "245")
    assert statuses(client, 1) == [("1", "Filled", "10")]


@pytest.mark.parametrize("trail", [{"aux": "12"}, {"percent": "5", "aux": ""}])
def test_a_trailing_stop_follows_the_market_up_and_not_down(book: VenueBook, client: WireClient, trail: dict[str, str]) -> None:
    holding(client)
    client.place(2, action="SELL", kind="TRAIL", limit="", **trail)
    assert statuses(client, 1) == [("2", "PreSubmitted", "0")]
    client.send(16, 1)
    assert Decimal(client.until("53")[0][74]) == 228
    mark(book, "260")
    client.send(16, 1)
    stop = Decimal(client.until("53")[0][74])
    assert stop == {"12": 248, "": 247}[trail["aux"]]
    mark(book, str(stop + 1))
    client.send(16, 1)
    assert Decimal(client.until("53")[0][74]) == stop
    mark(book, str(stop))
    assert statuses(client, 1) == [("2", "Filled", "10")]


def test_a_trailing_purchase_follows_the_market_down(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="TRAIL", limit="", aux="10", trail_stop="245")
    client.until("3")
    mark(book, "220")
    client.send(16, 1)
    assert Decimal(client.until("53")[0][74]) == 230
    mark(book, "230")
    assert statuses(client, 1) == [("1", "Filled", "10")]


@pytest.mark.parametrize(
    ("order", "auction"),
    [
        ({"kind": "MKT", "tif": "OPG"}, datetime(2025, 9, 22, 13, 30, tzinfo=UTC)),
        ({"kind": "LMT", "tif": "OPG"}, datetime(2025, 9, 22, 13, 30, tzinfo=UTC)),
        ({"kind": "MOC"}, datetime(2025, 9, 19, 20, 0, tzinfo=UTC)),
        ({"kind": "LOC"}, datetime(2025, 9, 19, 20, 0, tzinfo=UTC)),
    ],
)
def test_auction_orders_wait_for_their_auction(
    book: VenueBook, client: WireClient, order: dict[str, str], auction: datetime
) -> None:
    client.place(1, **order)
    assert statuses(client, 1) == [("1", "PreSubmitted", "0")]
    later(book, auction - timedelta(seconds=1))
    client.send(16, 1)
    assert client.until("53")[-2][2] == "PreSubmitted"
    later(book, auction)
    assert statuses(client, 1) == [("1", "Filled", "10")]


def test_an_auction_order_that_finds_no_price_is_cancelled(book: VenueBook, client: WireClient) -> None:
    client.place(1, kind="LOC", limit="200")
    client.until("3")
    later(book, datetime(2025, 9, 19, 20, 0, tzinfo=UTC))
    assert client.until("4")[-1][3:5] == ["202", "Order Canceled - reason:not filled at once"]


def bracket(client: WireClient, limit: str = "250") -> None:
    """Entry 1, take profit 2 at 260, stop loss 3 at 230."""
    exits = {"action": "SELL", "parent": "1", "oca": "G", "oca_type": "2"}
    client.place(1, limit=limit, transmit="0")
    client.place(2, limit="260", transmit="0", **exits)
    client.place(3, kind="STP", limit="", aux="230", **exits)


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
    assert sorted(statuses(client, 3)) == [("1", "Filled", "10"), ("2", "PreSubmitted", "0"), ("3", "PreSubmitted", "0")]
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
    assert statuses(client, 1) == [("1", "Submitted", "4")]
    client.send(4, 1, 1, "")
    client.until("4")
    mark(book, "261")
    assert statuses(client, 4)[2:] == [("2", "Filled", "4"), ("3", "Cancelled", "0")]
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


def test_a_standing_order_is_changed_under_its_number(book: VenueBook, client: WireClient) -> None:
    client.place(1, limit="200")
    client.until("3")
    client.place(1, limit="201", quantity="7")
    opened, status = client.until("3")
    assert (opened[14], opened[16], status[2:5]) == ("7", "201.0", ["Submitted", "0", "7"])
    client.place(1, kind="MKT", limit="")
    assert client.error()[:2] == ("1", "329")
    client.place(1, action="SELL")
    assert client.error()[:2] == ("1", "105")
    client.place(1, limit="250", quantity="7")
    assert [m[0] for m in client.until("59")] == ["5", "3", "11", "59"]
    client.place(1, limit="250")
    assert client.error()[:2] == ("1", "103")


def test_what_was_filled_before_a_change_is_told_once(book: VenueBook, client: WireClient) -> None:
    client.place(1, limit="239")
    client.until("3")
    with book.lock:
        book.engine.set_mark(str(STOCK), "USD", Decimal(238), NOW, volume=Decimal(4))
    client.until("59")
    client.place(1, limit="200")
    opened, status = client.until("3")
    assert (opened[16], status[3:5]) == ("200.0", ["4", "6"])
    client.place(1, limit="200", quantity="4")
    assert client.error()[:2] == ("1", "201")
    mark(book, "199")
    assert [(m[0], m[19] if m[0] == "11" else "") for m in client.until("59")] == [("3", ""), ("11", "6"), ("59", "")]


def test_money_instead_of_a_quantity(book: VenueBook, client: WireClient) -> None:
    coin = {"sec_type": "CRYPTO", "exchange": "PAXOS", "quantity": "0", "kind": "MKT", "limit": "", "tif": "IOC"}
    client.place(1, COIN, cash="1000", **coin)
    assert statuses(client, 1) == [("1", "Filled", "0.0166")]  # 1000 / 60006, in steps of 0.0001
    client.place(2, COIN, **coin)
    client.until("59")
    assert client.error()[:2] == ("2", "10289")
    client.place(3, COIN, **(coin | {"tif": "DAY", "cash": "10"}))
    assert client.error()[:2] == ("3", "10052")
    client.place(4, cash="1000", quantity="0")
    assert client.error()[:2] == ("4", "10244")


def test_currencies_are_exchanged(book: VenueBook, client: WireClient) -> None:
    pair = {"sec_type": "CASH", "exchange": "IDEALPRO", "kind": "MKT", "limit": ""}
    client.place(1, PAIR, quantity="1000", **pair)
    client.until("59")
    assert (book.engine.cash["EUR"], book.engine.cash["USD"]) == (Decimal(6000), Decimal("18799.88"))
    client.place(2, PAIR, quantity="6000", action="SELL", **pair)
    client.until("59")
    assert (book.engine.cash["EUR"], book.engine.cash["USD"]) == (Decimal(0), Decimal("25999.16"))
    client.place(3, PAIR, quantity="1", action="SELL", **pair)
    assert "short selling" in client.until("4")[-1][4]
    assert book.engine.positions == {}


def test_futures_and_options_are_charged_by_their_multiplier(book: VenueBook, client: WireClient) -> None:
    client.place(1, FUTURE, sec_type="FUT", exchange="CME", kind="MKT", limit="", quantity="2")
    client.until("59")
    assert book.engine.cash["USD"] == Decimal("17999.8")  # 2 x 50 x 20.002
    client.place(2, OPTION, sec_type="OPT", kind="MKT", limit="", quantity="1")
    client.until("59")
    assert book.engine.cash["USD"] == Decimal("17699.77")
    client.contract_details(1, FUTURE, sec_type="FUT", exchange="CME")
    details, _ = client.until("52")
    assert (details[3], details[4], details[7], details[14]) == ("FUT", "20261218", "CME", "50")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"kind": "MOC", "tif": "GTC"}, "113"),
        ({"kind": "STP", "tif": "IOC", "aux": "245"}, "111"),
        ({"kind": "STP", "tif": "OPG", "aux": "245"}, "111"),
        ({"kind": "STP", "aux": ""}, "110"),
        ({"kind": "TRAIL", "aux": ""}, "201"),
        ({"kind": "TRAIL", "aux": "1", "percent": "5"}, "201"),
    ],
)
def test_what_does_not_go_together(client: WireClient, order: dict[str, str], code: str) -> None:
    client.place(1, **order)
    assert client.error()[:2] == ("1", code)


def test_a_stop_sells_only_what_is_held(client: WireClient) -> None:
    client.place(1, action="SELL", kind="STP", limit="", aux="230")
    assert "short selling" in client.until("4")[-1][4]


def test_waiting_orders_survive_a_restart(tmp_path: Any) -> None:
    values: dict[str, Any] = {
        "account_code": "DU1",
        "cash": {"USD": Decimal(20_000)},
        "clock": SetClock(NOW),
        "state_path": tmp_path / "ibkr.json",
    }
    with running_ibkr_venue(VenueBook(LISTINGS, **values)) as port, WireClient(port) as client:
        bracket(client.start())
        client.until("3", times=3)
    book = VenueBook(LISTINGS, **values)
    with running_ibkr_venue(book) as port, WireClient(port) as client:
        client.start()
        mark(book, "229")
        assert statuses(client, 2) == [("3", "Filled", "10"), ("2", "Cancelled", "0")]


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


def test_history_is_the_same_every_time_and_ends_at_the_asked_moment(client: WireClient) -> None:
    contract = [STOCK, "", "STK", "", 0, "", "", "SMART", "", "USD", "", "", 0]
    for request_id in (1, 2):
        client.send(20, request_id, *contract, "20250918 00:00:00 UTC", "1 day", "7 D", 1, "TRADES", 1, 0, "")
    first, second = client.until("17")[0], client.until("17")[0]
    assert first[5:] == second[5:]
    assert (first[4], first[5::8]) == ("5", ["20250911", "20250912", "20250915", "20250916", "20250917"])
    low, high = Decimal(first[8]), Decimal(first[7])
    assert low <= Decimal(first[6]) <= high
    client.send(20, 3, *contract, "20250914 00:00:00 UTC", "1 day", "1 D", 1, "TRADES", 1, 0, "")  # a Saturday
    assert client.error()[:2] == ("3", "162")


def test_the_market_is_lost_and_comes_back(book: VenueBook, client: WireClient) -> None:
    client.place(1, limit="200")
    client.until("3")
    book.faults.add("connectivity_lost")
    assert client.error()[1] == "1100"
    mark(book, "199")
    client.send(49, 1)
    assert client.receive()[0] == "49"  # type: ignore[index]
    book.faults.add("connectivity_back")
    assert client.error()[1] == "1102"
    assert statuses(client, 1) == [("1", "Filled", "10")]


def test_a_clock_that_is_wrong(book: VenueBook, client: WireClient) -> None:
    book.faults.add("clock_skew")
    client.send(49, 1)
    client.send(49, 1)
    times = [int(client.receive()[2]) - int(NOW.timestamp()) for _ in range(2)]  # type: ignore[index]
    assert times == [300, 0]
