"""A TWS that follows a script: for what the local venue never does, and real ones do."""

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.brokers.ibkr.venue import CODE

Reply = Sequence[Any]
Script = Mapping[str, Callable[[Sequence[str]], list[Reply]]]

ORDINARY: Script = {
    "71": lambda _: [(15, 1, CODE), (9, 1, 1)],
    "61": lambda _: [(62, 1)],
    "5": lambda _: [(53, 1)],
    "16": lambda _: [(53, 1)],
    "99": lambda _: [(102,)],
    "6": lambda _: [(54, 1, CODE)],
    "76": lambda fields: [(74, 1, fields[2])],
    "7": lambda fields: [(55, 1, fields[2])],
}


@contextmanager
def scripted_tws(**changes: Callable[[Sequence[str]], list[Reply]]) -> Iterator[int]:
    """Its port. A change is named by the message id it answers, with a leading underscore: `_9=lambda fields: [...]`."""
    script = {**ORDINARY, **{name.removeprefix("_"): reply for name, reply in changes.items()}}

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.read(4)
            self._read()
            self._write((176, "20250919 14:30:00 UTC"))
            while (fields := self._read()) is not None:
                for reply in script.get(fields[0], lambda _: [])(fields):
                    self._write(reply)

        def _read(self) -> list[str] | None:
            head = self.rfile.read(4)
            if len(head) < 4:
                return None
            return self.rfile.read(struct.unpack(">I", head)[0]).decode().split("\0")[:-1]

        def _write(self, fields: Reply) -> None:
            body = b"".join(str(field).encode() + b"\0" for field in fields)
            self.wfile.write(struct.pack(">I", len(body)) + body)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
