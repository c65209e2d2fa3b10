"""One client's connection to the local TWS: greeting, pacing, faults of the line; what is asked is for `Requests` to answer."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence

from include.sandbox.faults import Fault
from include.sandbox.ibkr.news import Message, error
from include.sandbox.ibkr.requests import HANDLERS, MARKET_SIDE, START_API, Dropped, Requests, Venue, describe, kind_of
from include.sandbox.ibkr.tickets import Refusal
from include.sandbox.ibkr.wire import ProtocolError, frame, read_handshake, read_message

MAX_MESSAGES = 50  # in any WINDOW_SECONDS; IBKR says "per second", a little less keeps jitter of the way here from counting
WINDOW_SECONDS = 0.9
LINGER_SECONDS = 1.0
PUSH_SECONDS = 0.02  # how long news waits for its client at most
CONNECTIVITY_BACK = "connectivity_back"  # ends what `connectivity_lost` began


class Connection:
    """Serves one client until either side closes."""

    def __init__(self, venue: Venue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._venue = venue
        self._book = venue.book
        self._reader = reader
        self._writer = writer
        self._client_id: int | None = None
        self._requests: Requests | None = None  # from when the API is started
        self._times: deque[float] = deque()
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
        if self._requests is None:
            return
        self._look_at_the_line()
        if not self._venue.is_cut_off:
            self._send(*self._requests.feed.news(), *self._requests.feed.prices())

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
        kind = kind_of(fields[0])
        self._book.log(kind, f"client={self._client_id};{describe(kind, fields)}")
        self._pace()
        late = self._requests.feed.take_late() if self._requests else []
        if kind == "unknown" or (self._requests is None and kind != "start_api"):
            self._send(error(-1, 320, f"Error reading request. Message {fields[0]} is not understood here"))
            return
        try:
            with self._book.lock:
                self._handle(kind, fields, late)
        except Refusal as refusal:
            self._send(error(fields[1] if fields[0] in ("3", "20") else fields[2], refusal.code, refusal.text))
        except (ValueError, IndexError) as fault:
            self._send(error(-1, 320, f"Error reading request. Unable to parse data: {fault}"))
        await self._writer.drain()

    def _handle(self, kind: str, fields: Sequence[str], late: Sequence[Message]) -> None:
        if self._requests is not None:
            self._look_at_the_line()
        if self._venue.is_cut_off and kind in MARKET_SIDE:
            return  # nobody is there to answer
        if fields[0] == START_API:
            self._start_api(fields)
        elif self._requests is not None:
            HANDLERS[fields[0]][1](self._requests, fields)
        self._send(*late)
        self._say_news()

    def _start_api(self, fields: Sequence[str]) -> None:
        client_id = int(fields[2])
        if self._client_id is not None:
            raise Dropped("started twice")
        if client_id in self._venue.client_ids:
            self._send(error(-1, 326, "Unable to connect as the client id is already in use. Retry with a unique client id."))
            raise Dropped("client id in use")
        self._venue.client_ids.add(client_id)
        self._client_id = client_id
        requests = Requests(self._venue, client_id, self._send)
        self._send(*requests.greeting())
        self._requests = requests
        if self._venue.is_cut_off:
            self._knows_cut_off = True
            self._send(error(-1, 2110, "Connectivity between Trader Workstation and server is broken. It will be restored."))

    def _pace(self) -> None:
        if self._requests is not None:
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
        if self._requests is not None and self._book.misbehaves(Fault.MALFORMED_BODY):
            data = frame((5, "nonsense"))  # of the kinds of messages one that nobody can take for complete
        if self._requests is not None and self._book.misbehaves(Fault.HALF_RESPONSE):
            self._writer.write(data[: len(data) // 2])
            raise Dropped("in the middle of an answer, on demand")
        self._writer.write(data)
