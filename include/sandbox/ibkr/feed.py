"""What one client is told without asking: the word on its orders, and prices it follows."""

from collections.abc import Iterator

from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.faults import Fault
from include.sandbox.ibkr.news import Event, Message
from include.sandbox.ibkr.orders import OrderDesk
from include.simulation.engine import SimQuote

_WORDS = frozenset({3, 5})  # of the message ids: where an order stands


class Feed:
    """The news of one client; every method is called under the book's lock.

    Args:
        client_id: Whose orders; what happened to them before is not told.

    Attributes:
        silenced: Numbers of orders of which no word comes.
    """

    def __init__(self, book: VenueBook, desk: OrderDesk, client_id: int) -> None:
        self._book = book
        self._desk = desk
        self._client_id = client_id
        self._told = len(desk.events)
        self._late: list[Message] = []
        self._followed: dict[str, tuple[Listing, SimQuote | None]] = {}
        self.silenced: set[int] = set()

    def news(self) -> list[Message]:
        """What has happened to the client's orders since the last time, misbehaviour included."""
        self._desk.tick()
        events = [event for event in self._desk.events[self._told :] if event.client_id == self._client_id]
        self._told = len(self._desk.events)
        return [message for event in events if event.number not in self.silenced for message in self._spoken(event)]

    def take_late(self) -> list[Message]:
        """What was held back, once."""
        late, self._late = self._late, []
        return late

    def follow(self, request_id: str, listing: Listing, quote: SimQuote | None) -> None:
        """Tell the prices of a contract from now on, whenever they are others than `quote`."""
        self._followed[request_id] = (listing, quote)

    def leave(self, request_id: str) -> None:
        """No more prices for that request."""
        self._followed.pop(request_id, None)

    def prices(self) -> Iterator[Message]:
        """Ticks of the followed contracts whose prices have changed."""
        for request_id, (listing, known) in list(self._followed.items()):
            quote = self._book.engine.quote(listing.native_id)
            if quote is not None and quote != known:
                self._followed[request_id] = (listing, quote)
                yield from ticks(request_id, listing, quote)

    def _spoken(self, event: Event) -> list[Message]:
        messages = list(event.messages)
        if self._book.misbehaves(Fault.DUPLICATE_UPDATE):
            messages *= 2
        if self._book.misbehaves(Fault.REORDERED_UPDATES):
            messages.sort(key=lambda message: message[0] in _WORDS)
        if self._book.misbehaves(Fault.LATE_UPDATE):
            self._late += messages
            return []
        return messages


def ticks(request_id: str, listing: Listing, quote: SimQuote) -> Iterator[Message]:
    """Messages 1 and 46: both sides, the last price, and when it was made."""
    for tick, price in ((1, quote.bid), (2, quote.ask), (4, quote.last)):
        yield (1, 6, request_id, tick, price * listing.price_magnifier, listing.lot_size, 0)
    yield (46, 6, request_id, 45, int(quote.time.timestamp()))
