"""The local TWS as a TCP server on asyncio."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from functools import lru_cache

from include.sandbox.book import VenueBook
from include.sandbox.ibkr.connection import Connection, Venue
from include.sandbox.ibkr.contracts import Directory
from include.sandbox.ibkr.orders import OrderDesk
from include.sandbox.sessions import Closings
from include.settings import load_settings


async def start(book: VenueBook, host: str, port: int) -> asyncio.Server:
    """Listen for TWS clients, port 0 for any free one (`server.sockets[0].getsockname()[1]`); close it to stop.

    Faults it knows (`book.faults`): those of `Fault` that are about orders and connections (no server errors, no tokens), and
    `refuse_connection`, `garbage` (at the greeting, or instead of contract details), `silent` (a look-up is never answered),
    `connectivity_back` (ends what `connectivity_lost` began).

    Raises:
        OSError: The port is taken.
    """
    directory = Directory(book)
    closings = _closings()
    for exchange in {listing.exchange for listing in book.listings}:
        closings.after(exchange, book.clock())  # builds the calendar: the first order of a market must not wait for it
    venue = Venue(book, directory, OrderDesk(book, directory, closings), closings)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # the venue ends: nothing is left to say
            await Connection(venue, reader, writer).serve()

    return await asyncio.start_server(serve, host, port)


@lru_cache(maxsize=1)
def _closings() -> Closings:
    return Closings(load_settings().markets)


@contextlib.contextmanager
def running_ibkr_venue(book: VenueBook, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """The venue in a thread of its own; gives its port and ends it, with every connection, on leaving.

    Raises:
        OSError: The port is taken.
    """
    ready = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    failed: list[Exception] = []

    async def serve() -> None:
        stop = asyncio.Event()
        try:
            server = await start(book, host, port)
        except Exception as error:  # whatever it is, the thread that waits must hear of it
            failed.append(error)
            ready.set()
            return
        running.append((asyncio.get_running_loop(), stop, server.sockets[0].getsockname()[1]))
        ready.set()
        async with server:
            await stop.wait()
            server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="ibkr-venue", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        thread.join()
        raise failed[0]
    loop, stop, bound = running[0]
    try:
        yield bound
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
