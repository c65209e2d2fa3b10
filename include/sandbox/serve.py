"""A local venue as a process of its own: `python -m include.sandbox.serve --venue ibkr --dir DIR --port N`.

It reads `DIR/catalogue.parquet`, keeps account and orders in `DIR/<venue>.state.json`, writes `DIR/<venue>.pid.json` once it
listens, takes new marks when the catalogue is replaced, and ends cleanly on SIGTERM.
"""

import argparse
import asyncio
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from include.errors import BrokerUnavailable, InputError, PolybrokerError
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import read_catalogue
from include.sandbox.files import write_json
from include.sandbox.folder import HOST, VENUES, VenueFiles, account_code, costs, starting_cash, token_of

LOCK_PATIENCE_SECONDS = 2.0
WATCH_SECONDS = 0.25
Stamp = tuple[int, int, int]  # of a file as it was last seen: two that differ are two files; None where there is none


def serve(files: VenueFiles, port: int, stop: threading.Event) -> None:
    """Serve one venue until `stop` is set. Blocks; makes an event loop of its own.

    Args:
        port: 0 for a free one.

    Raises:
        BrokerUnavailable: This folder's venue runs already, or the port is taken.
        InputError: Catalogue or state are not what they should be.
    """
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        with files.held() as free:
            if free:
                asyncio.run(_serve(files, port, stop))
                return
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"the venue {files.venue} of {files.folder} runs already")
        stop.wait(0.05)  # somebody may only have looked whether it runs


async def _serve(files: VenueFiles, port: int, stop: threading.Event) -> None:
    known = _stamp(files.catalogue)
    if known is None:
        raise InputError("expected a catalogue; build one first", source=files.catalogue)
    book = VenueBook(
        read_catalogue(files.catalogue, files.venue),
        account_code=account_code(files.venue, token_of(files.folder)),
        cash=starting_cash(files.venue, files.folder),
        state_path=files.state,
        costs=costs(files.venue),
    )
    book.save()
    module = importlib.import_module(f"include.sandbox.{files.venue}.server")
    try:
        server = await module.start(book, HOST, port)
    except OSError as error:
        raise BrokerUnavailable(f"{files.venue}: cannot listen on {HOST}:{port}: {error}") from error
    listening = {"venue": files.venue, "host": HOST, "port": _port(server)}
    try:
        write_json(files.pid, {**listening, "pid": os.getpid()})
        print(f"{files.venue}: {len(book.listings)} listings on {HOST}:{listening['port']}", flush=True)
        while not stop.is_set():
            await asyncio.sleep(WATCH_SECONDS)
            known = await asyncio.to_thread(_refresh, book, files, known)
    finally:
        await _stop(server)
        book.save()
        write_json(files.pid, {**listening, "pid": 0})


def _port(server: Any) -> int:
    return int(server.sockets[0].getsockname()[1]) if isinstance(server, asyncio.Server) else int(server.port)


async def _stop(server: Any) -> None:
    if isinstance(server, asyncio.Server):
        server.close()  # the connections end with the event loop
    else:
        await server.stop()


def _refresh(book: VenueBook, files: VenueFiles, known: Stamp | None) -> Stamp | None:
    with book.lock:
        if book.engine.expire(book.clock()):
            book.save()
    now = _stamp(files.catalogue)
    if now != known:
        try:
            book.load(read_catalogue(files.catalogue, files.venue))
            book.save()
            print(f"{files.venue}: {len(book.listings)} listings with new marks", flush=True)
        except InputError as error:  # the old marks stay; the venue must not die of somebody's file
            print(f"{files.venue}: {error}", file=sys.stderr, flush=True)
    return now


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 after a clean end, 2 after one of our errors."""
    parser = argparse.ArgumentParser(prog="python -m include.sandbox.serve", description=__doc__)
    parser.add_argument("--venue", choices=VENUES, required=True)
    parser.add_argument("--dir", type=Path, required=True, help="sandbox folder")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve(VenueFiles(options.dir.resolve(), options.venue), options.port, stop)
    except PolybrokerError as error:
        print(error, file=sys.stderr, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
