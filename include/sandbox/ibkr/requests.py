"""What a client of the local TWS may ask once it has started the API: one method per message, by the id of the message."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from include.sandbox.book import VenueBook
from include.sandbox.faults import Fault
from include.sandbox.ibkr import account as accounts
from include.sandbox.ibkr.contracts import ContractQuery, Directory, details, sample
from include.sandbox.ibkr.feed import Feed, ticks
from include.sandbox.ibkr.history import history
from include.sandbox.ibkr.news import Message, error
from include.sandbox.ibkr.orders import OrderDesk
from include.sandbox.ibkr.tickets import Refusal
from include.sandbox.sessions import Closings

NAME_SEARCH_SECONDS = 0.95
SKEW_SECONDS = 300
BEST_QUOTES = "9c0001"  # the market whose best quotes are shown, in TWS's code
NO_DEFINITION = "No security definition has been found for the request"


class Dropped(Exception):
    """The venue ends the connection."""


@dataclass
class Venue:
    """What all connections of one venue share.

    Attributes:
        client_ids: In use now.
        is_cut_off: Whether the line to the market is down.
    """

    book: VenueBook
    directory: Directory
    desk: OrderDesk
    closings: Closings
    client_ids: set[int] = field(default_factory=set)
    is_cut_off: bool = False


class Requests:
    """Answers one client; every method is called under the book's lock.

    Args:
        send: Takes messages for the client.

    Attributes:
        feed: What the client hears without asking.
    """

    def __init__(self, venue: Venue, client_id: int, send: Callable[..., None]) -> None:
        self._venue = venue
        self._book = venue.book
        self._client_id = client_id
        self._send = send
        self._last_search = float("-inf")
        self.feed = Feed(venue.book, venue.desk, client_id)

    def greeting(self) -> list[Message]:
        """What TWS says when the API is started."""
        farms = ((2104, "Market data farm"), (2106, "HMDS data farm"), (2158, "Sec-def data farm"))
        notices = [error(-1, code, f"{farm} connection is OK:sandbox") for code, farm in farms]
        return [(15, 1, self._book.account_code), self._next_number(), *notices]

    def _managed_accounts(self, _: Sequence[str]) -> None:
        self._send((15, 1, self._book.account_code))

    def _next_id(self, _: Sequence[str]) -> None:
        self._send(self._next_number())

    def _next_number(self) -> Message:
        rolled_back = self._book.misbehaves(Fault.ORDER_ID_ROLLED_BACK)
        return (9, 1, 1 if rolled_back else self._venue.desk.next_id(self._client_id))

    def _account_updates(self, fields: Sequence[str]) -> None:
        if fields[2] != "1":
            return
        for tag, value, currency in accounts.account_values(self._book):
            self._send((6, 2, tag, value, currency, self._book.account_code))
        self._send(*accounts.portfolio(self._book), (8, 1, self._book.clock().strftime("%H:%M")))
        self._send((54, 1, self._book.account_code))

    def _account_updates_multi(self, fields: Sequence[str]) -> None:
        for tag, value, currency in accounts.account_values(self._book):
            self._send((73, 1, fields[2], self._book.account_code, "", tag, value, currency))
        self._send((74, 1, fields[2]))

    def _account_summary(self, fields: Sequence[str]) -> None:
        for tag, value, currency in accounts.summary(self._book, fields[4]):
            self._send((63, 1, fields[2], self._book.account_code, tag, value, currency))
        self._send((64, 1, fields[2]))

    def _positions(self, _: Sequence[str]) -> None:
        self._send(*accounts.positions(self._book), (62, 1))

    def _open_orders(self, _: Sequence[str]) -> None:
        self._send(*self._venue.desk.open_orders(self._client_id), (53, 1))

    def _all_open_orders(self, _: Sequence[str]) -> None:
        self._send(*self._venue.desk.open_orders(None), (53, 1))

    def _completed_orders(self, _: Sequence[str]) -> None:
        self._send(*self._venue.desk.completed_orders(), (102,))

    def _executions(self, fields: Sequence[str]) -> None:
        self._send(*self._venue.desk.executions(fields[2], int(fields[3] or 0), fields[4]), (55, 1, fields[2]))

    def _contract_details(self, fields: Sequence[str]) -> None:
        if self._book.misbehaves("silent"):
            return
        if self._book.misbehaves("garbage"):
            self._send((10, fields[2], "not", "contract details"), (52, 1, fields[2]))
            return
        found = self._venue.directory.find(ContractQuery.read(fields[3:15], (fields[16], fields[17])))
        if not found:
            raise Refusal(200, NO_DEFINITION)
        directory, closings, now = self._venue.directory, self._venue.closings, self._book.clock()
        told = (details(listing, fields[2], directory.rule_of(listing), closings, now) for listing in found)
        self._send(*told, (52, 1, fields[2]))

    def _market_rule(self, fields: Sequence[str]) -> None:
        step = self._venue.directory.step_of(int(fields[1]))
        self._send((93, fields[1], 1, 0, step) if step is not None else error(-1, 124, "No market rule is available for conid:"))

    def _matching_symbols(self, fields: Sequence[str]) -> None:
        now = time.monotonic()
        too_soon, self._last_search = now - self._last_search < NAME_SEARCH_SECONDS, now
        if too_soon:
            self._send(error(fields[1], 322, "Error processing request.-'bM' : cause - Only one symbol search a second"))
        elif not self._book.misbehaves("silent"):
            found = self._venue.directory.search(fields[2])
            self._send((79, fields[1], len(found), *(value for listing in found for value in sample(listing))))

    def _market_data(self, fields: Sequence[str]) -> None:
        if self._book.misbehaves("silent"):
            return
        found = self._venue.directory.find(ContractQuery.read(fields[3:15]))
        if not found:
            raise Refusal(200, NO_DEFINITION)
        quote = self._book.engine.quote(found[0].native_id)
        if quote is None:
            raise Refusal(354, "Requested market data is not subscribed.Delayed market data is not available.")
        listing, request_id = found[0], fields[2]
        self._send((81, request_id, listing.tick_size * listing.price_magnifier, BEST_QUOTES, 3), (58, 1, request_id, 1))
        self._send(*ticks(request_id, listing, quote))
        if fields[17:18] == ["1"]:
            self._send((57, 1, request_id))
        else:
            self.feed.follow(request_id, listing, quote)

    def _cancel_market_data(self, fields: Sequence[str]) -> None:
        self.feed.leave(fields[2])

    def _historical_data(self, fields: Sequence[str]) -> None:
        found = self._venue.directory.find(ContractQuery.read(fields[2:14]))
        if not found:
            raise Refusal(200, NO_DEFINITION)
        self._send(history(found[0], self._book.engine.quote(found[0].native_id), fields, self._book.clock()))

    def _place_order(self, fields: Sequence[str]) -> None:
        number = self._venue.desk.place(self._client_id, fields)
        if self._book.misbehaves(Fault.ACCEPT_THEN_DROP):
            raise Dropped("after accepting an order, on demand")
        if self._book.misbehaves(Fault.ACCEPT_THEN_SILENT):
            self.feed.silenced.add(number)

    def _cancel_order(self, fields: Sequence[str]) -> None:
        self._venue.desk.cancel(self._client_id, int(fields[2]))

    def _global_cancel(self, _: Sequence[str]) -> None:
        self._venue.desk.cancel_all()

    def _current_time(self, _: Sequence[str]) -> None:
        skew = SKEW_SECONDS if self._book.misbehaves(Fault.CLOCK_SKEW) else 0
        self._send((49, 1, int(self._book.clock().timestamp()) + skew))

    def _nothing(self, _: Sequence[str]) -> None:
        """Subscriptions that end, and switches that change nothing here."""


START_API = "71"
HANDLERS: dict[str, tuple[str, Callable[[Requests, Sequence[str]], None]]] = {
    "1": ("market_data", Requests._market_data),
    "2": ("cancel_market_data", Requests._cancel_market_data),
    "3": ("place_order", Requests._place_order),
    "4": ("cancel_order", Requests._cancel_order),
    "5": ("open_orders", Requests._open_orders),
    "6": ("account_updates", Requests._account_updates),
    "7": ("executions", Requests._executions),
    "8": ("next_id", Requests._next_id),
    "9": ("contract_details", Requests._contract_details),
    "16": ("all_open_orders", Requests._all_open_orders),
    "17": ("managed_accounts", Requests._managed_accounts),
    "20": ("historical_data", Requests._historical_data),
    "25": ("cancel_historical_data", Requests._nothing),
    "49": ("current_time", Requests._current_time),
    "58": ("global_cancel", Requests._global_cancel),
    "59": ("market_data_type", Requests._nothing),
    "61": ("positions", Requests._positions),
    "62": ("account_summary", Requests._account_summary),
    "63": ("cancel_account_summary", Requests._nothing),
    "64": ("cancel_positions", Requests._nothing),
    "76": ("account_updates_multi", Requests._account_updates_multi),
    "77": ("cancel_account_updates_multi", Requests._nothing),
    "81": ("matching_symbols", Requests._matching_symbols),
    "91": ("market_rule", Requests._market_rule),
    "99": ("completed_orders", Requests._completed_orders),
}
MARKET_SIDE = frozenset({"market_data", "contract_details", "matching_symbols", "historical_data", "place_order", "cancel_order"})


def kind_of(message_id: str) -> str:
    """What a message asks for, in one word; `unknown` for one that is not understood here."""
    return "start_api" if message_id == START_API else HANDLERS[message_id][0] if message_id in HANDLERS else "unknown"


def describe(kind: str, fields: Sequence[str]) -> str:
    """What a request asked for, for the log; a message that cannot be read is refused later, not here."""
    with contextlib.suppress(ValueError, IndexError, TypeError):
        if kind == "contract_details":
            return str(ContractQuery.read(fields[3:15], (fields[16], fields[17])))
        if kind == "market_data":
            return str(ContractQuery.read(fields[3:15]))
        if kind == "historical_data":
            return f"{ContractQuery.read(fields[2:14])};{';'.join(fields[15:18])}"
        if kind == "matching_symbols":
            return fields[2]
        if kind == "place_order":
            return f"conid={fields[2]};{' '.join(fields[16:20])};ref={fields[26]};orderid={fields[1]}"
    return ";".join(fields[1:3])
