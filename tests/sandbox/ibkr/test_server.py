"""The local TWS, byte by byte."""

import socket
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.fakes.clock import SetClock
from tests.sandbox.ibkr.client import WireClient

NOW = datetime(2025, 9, 19, 14, 30, tzinfo=UTC)


def listing(con_id: int, symbol: str, currency: str, exchange: str, price: str | None = None, **more: Any) -> Listing:
    priced = {"price": Decimal(price), "price_time": NOW} if price else {}
    return Listing(venue="ibkr", native_id=str(con_id), symbol=symbol, currency=currency, exchange=exchange, **priced, **more)


LISTINGS = [
    listing(265598, "AAPL", "USD", "NASDAQ", "240", name="APPLE INC", isin="US0378331005"),
    listing(38708077, "AAPL", "EUR", "IBIS", name="APPLE INC", isin="US0378331005"),
    listing(319091809, "TM17", "GBP", "LSE", "3.5", name="EVERPLAY GROUP PLC", price_magnifier=Decimal(100)),
    listing(5, "OLD", "USD", "NYSE", "3", name="Señor's Old-World Bakery", tradable=False, inactive_reason="halted"),
    listing(12087792, "EUR", "USD", "IDEALPRO", "1.2", asset_class="fx"),
    listing(12087797, "GBP", "USD", "IDEALPRO", "1.5", asset_class="fx"),
    listing(9, "WXYZ", "EUR", "FWB2", "1", asset_class="warrant"),
]

LONDON_ORDER = ["BUY", "1", "LMT", "300", "", "DAY", "", "", "", 0, "LONDON", 1, 0, *[""] * 60]  # in pence


def make_book(**more: Any) -> VenueBook:
    values: dict[str, Any] = {
        "account_code": "DU1",
        "cash": {"USD": Decimal(12_000), "GBP": Decimal(100)},
        "clock": SetClock(NOW),
    }
    return VenueBook(LISTINGS, **(values | more))


@pytest.fixture
def book() -> VenueBook:
    return make_book()


@pytest.fixture
def port(book: VenueBook, caplog: pytest.LogCaptureFixture) -> Iterator[int]:
    """Where the venue listens; whatever a client sends, no connection of it may end in an error of its own."""
    with running_ibkr_venue(book) as bound:
        yield bound
    records = caplog.get_records("call") + caplog.get_records("teardown")
    assert [record.getMessage() for record in records if record.name == "asyncio"] == []


@pytest.fixture
def client(port: int) -> Iterator[WireClient]:
    with WireClient(port) as connected:
        yield connected.start()


def test_the_greeting(port: int) -> None:
    with WireClient(port) as client:
        assert client.greet() == ["176", "20250919 14:30:00 UTC"]
        client.send(71, 2, 7, "")
        assert [client.receive() for _ in range(2)] == [["15", "1", "DU1"], ["9", "1", "1"]]
        assert [client.error()[1] for _ in range(3)] == ["2104", "2106", "2158"]


@pytest.mark.parametrize("versions", ["v177..180", "v100..175", "176", "vx..y", "v¹..²"])
def test_other_versions_are_turned_away(port: int, versions: str) -> None:
    with WireClient(port) as client:
        assert client.greet(versions) is None


@pytest.mark.parametrize("greeting", [b"GET / HTTP/1.1\r\n\r\n", b"API\0\xff\xff\xff\xff", b"API\0\0\0\0\0"])
def test_other_protocols_are_turned_away(port: int, greeting: bytes) -> None:
    with WireClient(port) as client:
        client.socket.sendall(greeting)
        assert client.receive() is None


@pytest.mark.parametrize("body", [b"\xff\xfe\0", b"49\x001"])
def test_a_frame_that_is_no_message_ends_the_connection(client: WireClient, body: bytes) -> None:
    client.socket.sendall(struct.pack(">I", len(body)) + body)
    assert client.receive() is None


def test_nothing_is_answered_before_the_api_is_started(port: int) -> None:
    with WireClient(port) as client:
        client.greet()
        client.send(49, 1)
        assert client.error()[:2] == ("-1", "320")


def test_a_client_id_is_in_use_until_its_client_leaves(port: int, client: WireClient) -> None:
    with WireClient(port) as second:
        second.greet()
        second.send(71, 2, 1, "")
        assert second.error()[:2] == ("-1", "326")
        assert second.receive() is None
    with WireClient(port) as third:
        third.start(2)
        third.send(71, 2, 3, "")
        assert third.receive() is None
    with WireClient(port) as fourth:
        fourth.start(3)


def test_unknown_and_unreadable_messages_are_errors(client: WireClient) -> None:
    client.send(12345, 1)
    assert client.error()[:2] == ("-1", "320")
    client.send(9, 8, 1)
    assert client.error()[:2] == ("-1", "320")
    client.place(1, quantity="ten")
    assert client.error()[:2] == ("1", "320")
    client.send(49, 1)
    assert client.receive() == ["49", "1", str(int(NOW.timestamp()))]


def test_more_than_fifty_messages_at_once_drop_the_line(book: VenueBook, client: WireClient) -> None:
    for _ in range(60):
        client.send(49, 1)
    messages = client.until("4")
    assert [message[0] for message in messages[:-1]] == ["49"] * 49  # the fiftieth was the one that started the API
    assert messages[-1][2:4] == ["-1", "100"]
    assert client.receive() is None


def test_contract_details_by_each_key(client: WireClient) -> None:
    client.contract_details(1, 319091809)
    details, end = client.until("52")
    assert details[:14] == ["10", "1", "TM17", "STK", "", "0", "", "SMART", "GBP", "TM17", "TM17", "TM17", "319091809", "1.00"]
    assert details[17] == "100"
    assert end == ["52", "1", "1"]
    client.contract_details(2, isin="US0378331005")
    assert [message[12] for message in client.until("52")[:-1]] == ["265598", "38708077"]
    client.contract_details(3, isin="US0378331005", currency="EUR")
    assert [message[12] for message in client.until("52")[:-1]] == ["38708077"]
    client.contract_details(4, symbol="AAPL", exchange="SMART", currency="USD", primary="NASDAQ")
    assert [message[12] for message in client.until("52")[:-1]] == ["265598"]
    client.contract_details(5, symbol="EUR", sec_type="CASH", currency="USD", exchange="IDEALPRO")
    assert [message[9] for message in client.until("52")[:-1]] == ["EUR.USD"]
    client.contract_details(6, symbol="WXYZ", sec_type="WAR")
    assert [message[12] for message in client.until("52")[:-1]] == ["9"]


@pytest.mark.parametrize(
    "query",
    [
        {"symbol": "NONE"},
        {"symbol": "AAPL", "currency": "JPY"},
        {"symbol": "AAPL", "primary": "LSE"},
        {"symbol": "AAPL", "exchange": "IBIS", "currency": "USD"},
        {"symbol": "WXYZ"},
        {"isin": "US0000000000"},
    ],
)
def test_no_such_contract_is_error_200(client: WireClient, query: dict[str, str]) -> None:
    client.contract_details(1, **query)
    assert client.error() == ("1", "200", "No security definition has been found for the request")


def test_names_are_unicode_escaped(client: WireClient) -> None:
    client.contract_details(1, 5)
    assert client.until("52")[0][19] == "Se\\xf1or's Old-World Bakery"


@pytest.mark.parametrize(
    ("pattern", "con_ids"),
    [("apple", ["265598", "38708077"]), ("world bak", ["5"]), ("TM", ["319091809"]), ("pple", []), ("", []), ("..", [])],
)
def test_name_search(client: WireClient, pattern: str, con_ids: list[str]) -> None:
    client.send(81, 3, pattern)
    message = client.receive()
    assert message is not None
    assert message[:3] == ["79", "3", str(len(con_ids))]
    assert message[3::8] == con_ids


def test_a_second_name_search_at_once_is_an_error(client: WireClient) -> None:
    client.send(81, 1, "apple")
    client.send(81, 2, "apple")
    client.until("79")
    assert client.error()[:2] == ("2", "322")


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


def test_an_order_is_opened_filled_and_charged(client: WireClient) -> None:
    client.place(1)
    opened, status, execution, commission = client.until("59")
    assert (opened[0], opened[1], opened[13:16], opened[23]) == ("5", "1", ["BUY", "10", "LMT"], "REF")
    assert status[:6] == ["3", "1", "Filled", "10", "0", "240.024"]
    assert (execution[0], execution[1], execution[15], execution[18:21]) == (
        "11",
        "-1",
        "20250919 14:30:00 UTC",
        ["BOT", "10", "240.024"],
    )
    assert (commission[0], commission[2], commission[4]) == ("59", execution[14], "USD")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"action": "SSHORT"}, "387"),
        ({"kind": "REL"}, "387"),
        ({"tif": "GTX"}, "201"),
        ({"account": "U9"}, "321"),
        ({"quantity": "0"}, "388"),
        ({"quantity": "1.5"}, "388"),
        ({"limit": "250.001"}, "110"),
        ({"limit": "-1"}, "110"),
        ({"limit": "NaN"}, "320"),
        ({"limit": "1E+999999"}, "320"),
        ({"quantity": "1E+999999"}, "320"),
    ],
)
def test_refused_orders_leave_nothing(book: VenueBook, client: WireClient, changes: dict[str, str], code: str) -> None:
    client.place(1, **changes)
    assert client.error()[:2] == ("1", code)
    client.place(2)
    assert client.receive()[0] == "5"  # type: ignore[index]
    assert len(book.engine.orders) == 1


def test_contracts_that_cannot_be_ordered(book: VenueBook, client: WireClient) -> None:
    client.place(1, 1)
    assert client.error()[:2] == ("1", "200")
    client.send(3, 2, 0, "AAPL", "STK", "", 0, "", "", "SMART", "", "", "", "", "", "", "BUY", "1", "MKT", *[""] * 70)
    assert client.error()[2] == "Ambiguous contract"
    assert book.engine.orders == {}


def test_rejected_orders_are_inactive_and_say_why(client: WireClient) -> None:
    client.place(1, 5, limit="4")
    opened, status, refused = client.until("4")
    assert (opened[0], status[2], refused[2:4]) == ("5", "Inactive", ["1", "201"])
    assert refused[4] == "Order rejected - reason:this contract is not open for trading"
    client.place(2, action="SELL")
    assert "short selling" in client.until("4")[-1][4]
    client.place(3, quantity="1000")
    assert "insufficient settled cash" in client.until("4")[-1][4]


def test_an_order_number_is_used_once_by_one_client(port: int, client: WireClient) -> None:
    client.place(5)
    client.until("59")
    client.place(5)
    assert client.error()[:2] == ("5", "103")
    client.place(4, limit="200")
    assert client.error()[:2] == ("4", "103")
    client.send(8, 1, 1)
    assert client.receive() == ["9", "1", "6"]
    with WireClient(port) as other:
        other.start(2).place(1, limit="200")
        assert other.until("3")[0][1] == "1"


def test_an_order_number_beyond_32_bits_is_none(book: VenueBook, client: WireClient) -> None:
    client.place(2**31, limit="200")
    assert client.error()[:2] == (str(2**31), "320")
    client.place(int("9" * 4300), limit="200")
    assert client.error()[1] == "320"
    client.place(0, limit="200")
    assert client.error()[:2] == ("0", "103")
    assert book.engine.orders == {}
    client.place(2**31 - 1, limit="200")
    assert client.receive()[0] == "5"  # type: ignore[index]


def test_open_orders_of_one_client_or_of_all(port: int, client: WireClient) -> None:
    client.place(1, limit="200", reference="A")
    client.until("3")
    with WireClient(port) as other:
        other.start(2)
        other.send(5, 1)
        assert other.until("53") == [["53", "1"]]
        other.send(16, 1)
        opened, status, _ = other.until("53")
        assert (opened[23], opened[24], status[2]) == ("A", "1", "Submitted")


def test_cancelling(client: WireClient) -> None:
    client.place(1, limit="200")
    client.until("3")
    client.send(4, 1, 1, "")
    status, notice = client.until("4")
    assert (status[2], notice[3]) == ("Cancelled", "202")
    client.send(4, 1, 1, "")
    assert client.error()[:2] == ("1", "10148")
    client.send(4, 1, 77, "")
    assert client.error()[:2] == ("77", "10147")


def test_the_global_cancel_ends_everything_that_is_open(client: WireClient) -> None:
    client.place(1, limit="200")
    client.place(2, limit="201")
    client.until("3", times=2)
    client.send(58, 1)
    assert [message[2] for message in client.until("4", times=2) if message[0] == "3"] == ["Cancelled", "Cancelled"]
    client.send(5, 1)
    assert client.until("53") == [["53", "1"]]


def test_day_orders_expire_by_the_clock_and_gtc_does_not(book: VenueBook, client: WireClient) -> None:
    client.place(1, limit="200", tif="DAY", reference="D")
    client.place(2, limit="201", tif="GTC", reference="G")
    client.until("3", times=2)
    assert isinstance(book.clock, SetClock)
    book.clock.now = NOW + timedelta(days=2)
    client.send(16, 1)
    assert [message[23] for message in client.until("53") if message[0] == "5"] == ["G"]
    client.send(99, 0)
    ended, end = client.until("102")[-2:]  # the word that it ended comes before
    assert ended[0] == "101"
    assert ended[-6] == "Cancelled: Expired at the end of the session"
    assert end == ["102"]


def test_day_orders_end_at_the_close_of_their_own_market(book: VenueBook, client: WireClient) -> None:
    assert isinstance(book.clock, SetClock)
    book.clock.now = datetime(2025, 9, 19, 15, 0, tzinfo=UTC)  # a Friday: London closes at 15:30 UTC, New York at 20:00
    client.place(1, limit="200", reference="NEW YORK")
    client.send(3, 2, 319091809, "", "STK", "", 0, "", "", "SMART", "", "GBP", "", "", "", "", *LONDON_ORDER)
    client.until("3", times=2)
    for now, still_open in (
        (datetime(2025, 9, 19, 15, 29, tzinfo=UTC), ["NEW YORK", "LONDON"]),
        (datetime(2025, 9, 19, 15, 30, tzinfo=UTC), ["NEW YORK"]),
        (datetime(2025, 9, 19, 20, 0, tzinfo=UTC), []),
    ):
        book.clock.now = now
        client.send(16, 1)
        assert [message[23] for message in client.until("53") if message[0] == "5"] == still_open


def test_executions_are_told_again_and_filtered(client: WireClient) -> None:
    client.place(1, reference="R")
    client.until("59")
    client.send(7, 3, 9, 0, "", "", "", "", "", "")
    execution, commission, end = client.until("55")
    assert (execution[1], execution[26], commission[0], end) == ("9", "R", "59", ["55", "1", "9"])
    client.send(7, 3, 10, 2, "", "", "", "", "", "")
    assert client.until("55") == [["55", "1", "10"]]
    client.send(7, 3, 11, 1, "DU1", "", "", "", "", "")
    assert len(client.until("55")) == 3


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


def test_account_and_order_numbers_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "ibkr.json"
    with running_ibkr_venue(make_book(state_path=path)) as port, WireClient(port) as client:
        client.start().place(7, reference="KEPT")
        client.until("59")
    with running_ibkr_venue(make_book(state_path=path)) as port, WireClient(port) as client:
        assert client.greet() is not None
        client.send(71, 2, 1, "")
        assert client.until("9")[-1] == ["9", "1", "8"]
        client.until("4", times=3)
        client.send(99, 0)
        assert client.until("102")[0][22] == "KEPT"


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


def test_faults(book: VenueBook, port: int) -> None:
    book.faults.add("refuse_connection")
    with WireClient(port) as client:
        assert client.receive() is None
    book.faults.add("garbage")
    with WireClient(port) as client:
        assert client.greet() == ["<html>", "busy"]
        assert client.receive() is None
    with WireClient(port) as client:
        client.start()
        book.faults.add("garbage")
        client.contract_details(1, 265598)
        assert client.until("52") == [["10", "1", "not", "contract details"], ["52", "1", "1"]]
        book.faults.add("silent", 2)
        client.contract_details(2, 265598)
        client.send(1, 11, 3, 265598, "", "", "", 0, "", "", "SMART", "", "", "", "", 0, "", 1, 0, "")
        client.send(49, 1)
        assert client.receive() == ["49", "1", str(int(NOW.timestamp()))]
        book.faults.add("reject_order")
        client.place(1)
        assert client.error() == ("1", "201", "Order rejected - reason:rejected on demand")
        book.faults.add("accept_then_drop")
        client.place(2)
        assert client.receive() is None
    assert len(book.engine.orders) == 1


def test_a_damaged_file_of_faults_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text("nonsense", encoding="utf-8")
    with running_ibkr_venue(make_book(state_path=tmp_path / "ibkr.json")) as port, WireClient(port) as client:
        client.start().place(1)
        client.until("59")


def test_switches_that_change_nothing_here_are_taken_quietly(client: WireClient) -> None:
    for message in ((59, 1, 3), (63, 1, 1), (64, 1), (77, 1, 1), (2, 2, 1)):
        client.send(*message)
    client.send(17, 1)
    assert client.receive() == ["15", "1", "DU1"]


def test_every_request_is_logged_with_its_time(book: VenueBook, client: WireClient) -> None:
    client.contract_details(1, isin="US0378331005", currency="USD")
    client.until("52")
    client.place(1)
    client.until("59")
    assert [(kind, detail) for _, kind, detail in book.requests] == [
        ("start_api", "client=None;2;1"),
        ("contract_details", "client=1;isin=US0378331005;currency=USD"),
        ("place_order", "client=1;conid=265598;BUY 10 LMT 250;ref=REF;orderid=1"),
    ]
    times = [time for time, _, _ in book.requests]
    assert times == sorted(times)


def test_a_taken_port_is_said() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        running_ibkr_venue(make_book(), port=taken.getsockname()[1]),
    ):
        pass
