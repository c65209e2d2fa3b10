"""Starting and stopping the venue: inside an event loop (`start`), or in a thread of its own (`running_alpaca_venue`)."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Generator, Iterator

import uvicorn

from include.errors import InputError
from include.sandbox.alpaca.app import create_app
from include.sandbox.alpaca.broken import DroppableProtocol
from include.sandbox.alpaca.keys import sandbox_keys
from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.alpaca.venue import Venue
from include.sandbox.book import VenueBook

START_TIMEOUT_SECONDS = 30


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the process that runs the venue beside others."""
        yield


class AlpacaVenue:
    """A running venue.

    Attributes:
        port: Where it listens.
        venue: Its book, keys and limit.
    """

    def __init__(self, venue: Venue, server: uvicorn.Server, task: "asyncio.Task[None]", port: int) -> None:
        self.venue = venue
        self.port = port
        self._server = server
        self._task = task

    @property
    def url(self) -> str:
        """Base URL for clients on this machine."""
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Close all connections and end; safe to call twice."""
        self._server.should_exit = self._server.force_exit = True
        await self._task


async def start(
    book: VenueBook,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    api_key: str | None = None,
    secret_key: str | None = None,
    requests_per_minute: int = 200,
) -> AlpacaVenue:
    """Serve a book in the running event loop.

    Args:
        book: What to serve.
        host: A loopback address.
        port: 0 for any free one.
        api_key: Accepted key; default `sandbox_keys(book.account_code)`, likewise `secret_key`.
        requests_per_minute: Limit per minute.

    Raises:
        InputError: The port cannot be listened on.
    """
    key, secret = sandbox_keys(book.account_code)
    venue = Venue(book, api_key or key, secret_key or secret, Limiter(requests_per_minute))
    config = uvicorn.Config(
        create_app(venue),
        host=host,
        port=port,
        http=DroppableProtocol,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = _Server(config)
    # asyncio sends small packets at once only on sockets that say that they are TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InputError("expected a free port", source="the local Alpaca", field="port", value=f"{host}:{port}") from error
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0)
    return AlpacaVenue(venue, server, task, int(listener.getsockname()[1]))


@contextlib.contextmanager
def venue_in_thread(
    book: VenueBook, *, api_key: str | None = None, secret_key: str | None = None, requests_per_minute: int = 200
) -> Iterator[AlpacaVenue]:
    """Serve a book from a thread, on a free port of 127.0.0.1; its parameters are those of `start`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="alpaca-venue", daemon=True)
    thread.start()
    try:
        starting = start(book, api_key=api_key, secret_key=secret_key, requests_per_minute=requests_per_minute)
        running = asyncio.run_coroutine_threadsafe(starting, loop).result(START_TIMEOUT_SECONDS)
        try:
            yield running
        finally:
            asyncio.run_coroutine_threadsafe(running.stop(), loop).result(START_TIMEOUT_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_TIMEOUT_SECONDS)
        loop.close()


@contextlib.contextmanager
def running_alpaca_venue(
    book: VenueBook, *, api_key: str | None = None, secret_key: str | None = None, requests_per_minute: int = 200
) -> Iterator[str]:
    """The same, giving the base URL (`http://127.0.0.1:port`)."""
    with venue_in_thread(book, api_key=api_key, secret_key=secret_key, requests_per_minute=requests_per_minute) as running:
        yield running.url
