"""One client's connection to the local TWS: greeting, pacing, and one method per message it understands."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from include.sandbox.book import VenueBook
from include.sandbox.faults import Fault
from include.sandbox.ibkr import account as accounts
from include.sandbox.ibkr.contracts import ContractQuery, Directory, details, sample
from include.sandbox.ibkr.feed import Feed, ticks
from include.sandbox.ibkr.history import history
from include.sandbox.ibkr.orders import Message, OrderDesk, Refusal, error
from include.sandbox.ibkr.wire import ProtocolError, frame, read_handshake, read_message
from include.sandbox.sessions import Closings

MAX_MESSAGES = 50  # in any WINDOW_SECONDS; IBKR says "per second", a little less keeps jitter of the way here from counting
WINDOW_SECONDS = 0.9
NAME_SEARCH_SECONDS = 0.95
LINGER_SECONDS = 1.0
SKEW_SECONDS = 300
PUSH_SECONDS = 0.02  # how long news waits for its client at most
BEST_QUOTES = "9c0001"  # the market whose best quotes are shown, in TWS's code
CONNECTIVITY_BACK = "connectivity_back"  # ends what `connectivity_lost` began
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


class Connection:
    """Serves one client until either side closes."""

    def __init__(self, venue: Venue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._venue = venue
        self._book = venue.book
        self._reader = reader
        self._writer = writer
        self._client_id: int | None = None
        self._times: deque[float] = deque()
        self._last_search = float("-inf")
        self._feed: Feed | None = None
        self._knows_cut_off = False

    async def serve(self) -> None:
        """Greet and answer; returns when the connection is over. The client id is free again then."""
        pushing = asyncio.ensure_future(self._push())
        try:
            if not self._book.misbehaves("refuse_connection"):
                await self._greet()
                while True:
                    await self._answer(await read_message(self._reader))
        except (asyncio.IncompleteReadError, ConnectionError, ProtocolError, Dropped) as reason:
            self._book.log("closed", "" if isinstance(reason, asyncio.IncompleteReadError) else str(reason))
        finally:
            pushing.cancel()
            if self._client_id is not None:
                self._venue.client_ids.discard(self._client_id)
            await self._hang_up()

    async def _hang_up(self) -> None:
        """Close so that the last words arrive: what the client still sends is read away, or its end resets the connection."""
        with contextlib.suppress(OSError):  # the time is over, or nothing is connected any more
            async with asyncio.timeout(LINGER_SECONDS):
                self._writer.write_eof()
                while await self._reader.read(1 << 16):
                    pass
        self._writer.close()

    async def _push(self) -> None:
        """Tell the client what it did not ask for, as it happens."""
        with contextlib.suppress(ConnectionError, Dropped):
            while True:
                await asyncio.sleep(PUSH_SECONDS)
                with self._book.lock:
                    self._say_news()
                await self._writer.drain()
        self._writer.close()

    def _say_news(self) -> None:
        if self._feed is None:
            return
        self._look_at_the_line()
        if not self._venue.is_cut_off:
            self._send(*self._feed.news(), *self._feed.prices())

    def _look_at_the_line(self) -> None:
        """Lose and regain the market where that is due, and say so."""
        venue = self._venue
        if not venue.is_cut_off and self._book.misbehaves(Fault.CONNECTIVITY_LOST):
            venue.is_cut_off = True
        if venue.is_cut_off and self._book.misbehaves(CONNECTIVITY_BACK):
            venue.is_cut_off = False
        if venue.is_cut_off is not self._knows_cut_off:
            self._knows_cut_off = venue.is_cut_off
            lost = error(-1, 1100, "Connectivity between IB and Trader Workstation has been lost.")
            back = error(-1, 1102, "Connectivity between IB and Trader Workstation has been restored - data maintained.")
            self._send(lost if venue.is_cut_off else back)

    async def _greet(self) -> None:
        version = await read_handshake(self._reader)
        if self._book.misbehaves("garbage"):
            self._writer.write(frame(("<html>", "busy")))
            raise Dropped("garbage instead of a version")
        self._send((version, self._book.clock().strftime("%Y%m%d %H:%M:%S UTC")))
        await self._writer.drain()

    async def _answer(self, fields: Sequence[str]) -> None:
        kind, handler = HANDLERS.get(fields[0], ("unknown", None))
        self._book.log(kind, f"client={self._client_id};{_describe(kind, fields)}")
        self._pace()
        late = self._feed.take_late() if self._feed else []
        if handler is None or (self._client_id is None and kind != "start_api"):
            self._send(error(-1, 320, f"Error reading request. Message {fields[0]} is not understood here"))
            return
        try:
            with self._book.lock:
                if self._feed is not None:
                    self._look_at_the_line()
                if self._venue.is_cut_off and kind in MARKET_SIDE:
                    return  # nobody is there to answer
                handler(self, fields)
                self._send(*late)
                self._say_news()
        except Refusal as refusal:
            self._send(error(fields[1] if fields[0] in ("3", "20") else fields[2], refusal.code, refusal.text))
        except (ValueError, IndexError) as fault:
            self._send(error(-1, 320, f"Error reading request. Unable to parse data: {fault}"))
        await self._writer.drain()

    def _pace(self) -> None:
        if self._feed is not None:
            if self._book.misbehaves(Fault.DROP_CONNECTION):
                raise Dropped("on demand")
            if self._book.misbehaves(Fault.TOO_MANY_REQUESTS):
                self._send(error(-1, 100, "Max rate of messages per second has been exceeded"))
                raise Dropped("too many messages, on demand")
        now = time.monotonic()
        while self._times and now - self._times[0] >= WINDOW_SECONDS:
            self._times.popleft()
        self._times.append(now)
        if len(self._times) > MAX_MESSAGES:
            text = f"Max rate of messages per second has been exceeded:max={MAX_MESSAGES} rec={len(self._times)}"
            self._send(error(-1, 100, text))
            raise Dropped("too many messages")

    def _send(self, *messages: Message) -> None:
        if not messages:
            return
        data = b"".join(frame(message) for message in messages)
        if self._feed is not None and self._book.misbehaves(Fault.MALFORMED_BODY):
            data = frame((5, "nonsense"))  # of the kinds of messages one that nobody can take for complete
        if self._feed is not None and self._book.misbehaves(Fault.HALF_RESPONSE):
            self._writer.write(data[: len(data) // 2])
            raise Dropped("in the middle of an answer, on demand")
        self._writer.write(data)

    def _garbled(self, request_id: str) -> bool:
        """Answer with what no client can decode, where that fault is due."""
        if not self._book.misbehaves("garbage"):
            return False
        self._send((10, request_id, "not", "contract details"), (52, 1, request_id))
        return True

    def _start_api(self, fields: Sequence[str]) -> None:
        client_id = int(fields[2])
        if self._client_id is not None:
            raise Dropped("started twice")
        if client_id in self._venue.client_ids:
            self._send(error(-1, 326, "Unable to connect as the client id is already in use. Retry with a unique client id."))
            raise Dropped("client id in use")
        self._venue.client_ids.add(client_id)
        self._client_id = client_id
        self._managed_accounts(fields)
        self._next_id(fields)
        for code, farm in ((2104, "Market data farm"), (2106, "HMDS data farm"), (2158, "Sec-def data farm")):
            self._send(error(-1, code, f"{farm} connection is OK:sandbox"))
        self._feed = Feed(self._book, self._venue.desk, client_id)
        if self._venue.is_cut_off:
            self._knows_cut_off = True
            self._send(error(-1, 2110, "Connectivity between Trader Workstation and server is broken. It will be restored."))

    def _managed_accounts(self, _: Sequence[str]) -> None:
        self._send((15, 1, self._book.account_code))

    def _next_id(self, _: Sequence[str]) -> None:
        rolled_back = self._book.misbehaves(Fault.ORDER_ID_ROLLED_BACK)
        self._send((9, 1, 1 if rolled_back else self._venue.desk.next_id(self._client_id or 0)))

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
        if self._book.misbehaves("silent") or self._garbled(fields[2]):
            return
        found = self._venue.directory.find(ContractQuery.read(fields[3:15], (fields[16], fields[17])))
        if not found:
            raise Refusal(200, NO_DEFINITION)
        self._send(
            *(details(listing, fields[2], self._venue.closings, self._book.clock()) for listing in found), (52, 1, fields[2])
        )

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
        elif self._feed is not None:
            self._feed.follow(request_id, listing, quote)

    def _cancel_market_data(self, fields: Sequence[str]) -> None:
        if self._feed is not None:
            self._feed.leave(fields[2])

    def _historical_data(self, fields: Sequence[str]) -> None:
        found = self._venue.directory.find(ContractQuery.read(fields[2:14]))
        if not found:
            raise Refusal(200, NO_DEFINITION)
        self._send(history(found[0], self._book.engine.quote(found[0].native_id), fields, self._book.clock()))

    def _place_order(self, fields: Sequence[str]) -> None:
        number = self._venue.desk.place(self._client_id or 0, fields)
        if self._book.misbehaves(Fault.ACCEPT_THEN_DROP):
            raise Dropped("after accepting an order, on demand")
        if self._feed is not None and self._book.misbehaves(Fault.ACCEPT_THEN_SILENT):
            self._feed.silenced.add(number)

    def _cancel_order(self, fields: Sequence[str]) -> None:
        self._venue.desk.cancel(self._client_id or 0, int(fields[2]))

    def _global_cancel(self, _: Sequence[str]) -> None:
        self._venue.desk.cancel_all()

    def _current_time(self, _: Sequence[str]) -> None:
        skew = SKEW_SECONDS if self._book.misbehaves(Fault.CLOCK_SKEW) else 0
        self._send((49, 1, int(self._book.clock().timestamp()) + skew))

    def _nothing(self, _: Sequence[str]) -> None:
        """Subscriptions that end, and switches that change nothing here."""


Handler = Callable[[Connection, Sequence[str]], None]
HANDLERS: dict[str, tuple[str, Handler | None]] = {
    "1": ("market_data", Connection._market_data),
    "2": ("cancel_market_data", Connection._cancel_market_data),
    "3": ("place_order", Connection._place_order),
    "4": ("cancel_order", Connection._cancel_order),
    "5": ("open_orders", Connection._open_orders),
    "6": ("account_updates", Connection._account_updates),
    "7": ("executions", Connection._executions),
    "8": ("next_id", Connection._next_id),
    "9": ("contract_details", Connection._contract_details),
    "16": ("all_open_orders", Connection._all_open_orders),
    "17": ("managed_accounts", Connection._managed_accounts),
    "20": ("historical_data", Connection._historical_data),
    "25": ("cancel_historical_data", Connection._nothing),
    "49": ("current_time", Connection._current_time),
    "58": ("global_cancel", Connection._global_cancel),
    "59": ("market_data_type", Connection._nothing),
    "61": ("positions", Connection._positions),
    "62": ("account_summary", Connection._account_summary),
    "63": ("cancel_account_summary", Connection._nothing),
    "64": ("cancel_positions", Connection._nothing),
    "71": ("start_api", Connection._start_api),
    "76": ("account_updates_multi", Connection._account_updates_multi),
    "77": ("cancel_account_updates_multi", Connection._nothing),
    "81": ("matching_symbols", Connection._matching_symbols),
    "99": ("completed_orders", Connection._completed_orders),
}

MARKET_SIDE = frozenset({"market_data", "contract_details", "matching_symbols", "historical_data", "place_order", "cancel_order"})


def _describe(kind: str, fields: Sequence[str]) -> str:
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
