"""The order desk of the local TWS: numbers, lists, changes, cancellations, when orders end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from include.sandbox.book import VenueBook
from tests.fakes.clock import SetClock
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import NOW, STOCK
from tests.sandbox.ibkr.market import later, mark

LONDON_ORDER = ["BUY", "1", "LMT", "300", "", "DAY", "", "", "", 0, "LONDON", 1, 0, *[""] * 60]  # in pence


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


def test_a_standing_order_is_changed_under_its_number(book: VenueBook, client: WireClient) -> None:
    client.place(1, limit="200")
    client.until("3")
    client.place(1, limit="201", quantity="7")
    opened, status = client.until("3")
    assert (opened[14], opened[16], status[2:5]) == ("7", "201.0", ["Submitted", "0", "7"])
    client.place(1, limit="201", quantity="7")
    assert [m[0] for m in client.until("3")] == ["5", "3"], "the same again is told again"
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


def test_an_order_that_becomes_one_for_the_day_ends_with_it(book: VenueBook, client: WireClient) -> None:
    client.place(1, limit="200", tif="GTC")
    client.until("3")
    client.place(1, limit="200")
    assert client.until("3")[0][18] == "DAY"
    later(book, datetime(2025, 9, 19, 20, 0, tzinfo=UTC))
    assert client.until("4")[-1][3] == "202"


def test_a_change_that_is_refused_leaves_the_order_as_it_was(book: VenueBook, client: WireClient) -> None:
    client.place(1)
    client.until("59")
    client.place(2, action="SELL", kind="TRAIL", limit="", percent="5")
    client.until("3")
    client.place(2, action="SELL", kind="TRAIL", limit="", aux="3", quantity="11")
    assert client.error()[:2] == ("2", "201")
    mark(book, "260")
    client.send(5, 1)
    opened = client.until("53")[0]
    assert (opened[14], opened[17], Decimal(opened[74]), opened[75]) == ("10", "0.0", Decimal(247), "5")
