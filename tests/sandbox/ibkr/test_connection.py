"""The line to a client of the local TWS, byte by byte: greeting, pacing, what is misunderstood, what goes wrong on demand."""

import struct
from pathlib import Path

import pytest

from include.sandbox.book import VenueBook
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import NOW, make_book
from tests.sandbox.ibkr.market import mark, statuses


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
