"""What tests of orders do besides sending them: move the market and the clock, read what is told."""

from datetime import datetime
from decimal import Decimal

from include.sandbox.book import VenueBook
from tests.fakes.clock import SetClock
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import STOCK


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


def bracket(client: WireClient, limit: str = "250") -> None:
    """Entry 1, take profit 2 at 260, stop loss 3 at 230."""
    exits = {"action": "SELL", "parent": "1", "oca": "G", "oca_type": "2"}
    client.place(1, limit=limit, transmit="0")
    client.place(2, limit="260", transmit="0", **exits)
    client.place(3, kind="STP", limit="", aux="230", **exits)
