"""What a broker's page sends back after a log-in: caught on this machine, or pasted. It is shown and logged nowhere."""

import getpass
import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from include.errors import AuthenticationFailed, InputError

PATH = "/callback"
_SILENT_SECONDS = 10  # browsers open connections that they do not use
_PAGE = b"<!doctype html><meta charset=utf-8><title>Polybroker</title><p>Polybroker has the answer: go on in the terminal.</p>"


class Redirect:
    """A listener on 127.0.0.1.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, server: ThreadingHTTPServer, answers: "queue.Queue[dict[str, str]]") -> None:
        self.port = int(server.server_address[1])
        self._answers = answers

    @property
    def uri(self) -> str:
        """What the broker redirects to."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def wait(self, seconds: float) -> dict[str, str]:
        """The parameters of the first redirect.

        Raises:
            AuthenticationFailed: None came in time.
        """
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            words = f"nobody came back from the log-in within {seconds:g} seconds: run it again, or with --paste"
            raise AuthenticationFailed(f"{words} where the browser cannot reach this machine") from None


@contextmanager
def listening(port: int) -> Iterator[Redirect]:
    """A listener, closed afterwards.

    Args:
        port: 0 for any free one.

    Raises:
        InputError: It cannot be listened on.
    """
    answers: queue.Queue[dict[str, str]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENT_SECONDS

        def do_GET(self) -> None:
            """Take the first address with parameters, whatever its path; browsers ask for other things, too."""
            query = urlsplit(self.path).query
            if not query:
                self.send_error(404)
                return
            with suppress(OSError):  # a browser that is gone has brought the answer all the same
                self._thank()
            answers.put(dict(parse_qsl(query)))

        def _thank(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(_PAGE)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(_PAGE)

        def log_message(self, format: str, *args: object) -> None:
            """The lines would hold the code."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except (OSError, OverflowError) as error:
        expected = "expected a free port: name another one that is registered at the broker, or use --paste"
        raise InputError(expected, source="127.0.0.1", field="--port", value=port) from error
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="redirect", daemon=True)
        thread.start()
        try:
            yield Redirect(server, answers)
        finally:
            server.shutdown()
            thread.join()


def pasted() -> dict[str, str]:
    """The parameters of an address that the user pastes; a terminal does not show it.

    Raises:
        InputError: It has none.
    """
    ask = "Paste the whole address that the browser went to (it is not shown): "
    text = getpass.getpass(ask) if sys.stdin.isatty() else sys.stdin.readline()
    try:
        answer = dict(parse_qsl(urlsplit(text.strip()).query))
    except ValueError:
        answer = {}
    if not answer:
        raise InputError(
            "expected the whole address out of the browser's address bar, from http to its end", source="what was pasted"
        )
    return answer
