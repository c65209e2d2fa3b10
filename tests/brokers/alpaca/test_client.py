"""What alpaca-py raises, and what becomes of it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import requests

from include import errors
from include.brokers.alpaca.calling import call
from include.brokers.alpaca.client import AlpacaClient, seconds_until_reset
from include.brokers.pacing import Pacer
from include.domain.pacing import Pacing


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """A server that answers every connection with the same bytes and hangs up; gives its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    while b"\r\n\r\n" not in (read := connection.recv(65536)) and read:
                        pass
                    connection.sendall(raw)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def body(text: str, status: str = "200 OK", length: int | None = None, kind: str = "application/json") -> bytes:
    size = len(text.encode()) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{text}".encode()


@contextmanager
def client(url: str) -> Iterator[AlpacaClient]:
    made = AlpacaClient("key", "secret", url, url, timeout_seconds=5, pacer=Pacer(Pacing()))
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        body("<html>maintenance</html>", kind="text/html"),
        body('{"quotes": {}', length=500),
        body("", status="302 Found"),
        body("[]"),
        body('"quotes"'),
        body("null"),
        body('{"bars": {}, "quotes": {}}'),
        body('{"something": {}}'),
        body("", status="503 Service Unavailable"),
        body("<html>bad gateway</html>", status="502 Bad Gateway", kind="text/html"),
    ],
)
def test_every_kind_of_broken_answer_is_an_unavailable_broker(raw: bytes) -> None:
    with answering(raw) as url, client(url) as alpaca, pytest.raises(errors.BrokerUnavailable):
        alpaca.stock_quotes(["AAPL"])


@pytest.mark.parametrize("raw", [b"", body("not json"), body('{"id": 1', length=500), body("", status="502 Bad Gateway")])
def test_a_broken_answer_to_a_change_is_an_unknown_outcome(raw: bytes) -> None:
    with answering(raw) as url, client(url) as alpaca, pytest.raises(errors.OutcomeUnknown):
        alpaca.cancel("61e69015-8549-4bfd-b9c3-01e75843f47d")


def test_an_html_404_is_not_alpacas_word_that_there_is_no_such_order() -> None:
    page = body("<html>no such page</html>", status="404 Not Found")
    with answering(page) as url, client(url) as alpaca, pytest.raises(errors.BrokerUnavailable):
        alpaca.order_by_client_id("A" * 20)


@pytest.mark.parametrize("code", ["429 Too Many Requests", "504 Gateway Timeout"])
def test_nothing_is_asked_twice(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("alpaca.common.rest.time.sleep", slept.append)
    with answering(body("{}", status=code)) as url, client(url) as alpaca, pytest.raises(errors.Transient):
        alpaca.account()
    assert slept == []


@pytest.mark.parametrize(
    ("raised", "reading", "sending"),
    [
        (requests.exceptions.ConnectTimeout(), errors.BrokerUnavailable, errors.BrokerUnavailable),
        (requests.exceptions.ReadTimeout(), errors.BrokerUnavailable, errors.OutcomeUnknown),
        (requests.exceptions.ConnectionError("reset"), errors.BrokerUnavailable, errors.OutcomeUnknown),
        (requests.exceptions.SSLError("record"), errors.BrokerUnavailable, errors.OutcomeUnknown),
        (requests.exceptions.ChunkedEncodingError(), errors.BrokerUnavailable, errors.OutcomeUnknown),
        (requests.exceptions.InvalidHeader("key"), errors.AuthenticationFailed, errors.AuthenticationFailed),
        (KeyError("id"), errors.BrokerUnavailable, errors.OutcomeUnknown),
    ],
)
def test_exceptions_of_the_library(raised: Exception, reading: type[Exception], sending: type[Exception]) -> None:
    def fail() -> Any:
        raise raised

    with pytest.raises(reading):
        call(fail)
    with pytest.raises(sending):
        call(fail, changes=True)


def test_a_proxy_of_the_environment_is_not_asked_for_a_local_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(body('{"account_number": "1"}')) as url, client(url) as alpaca:
        assert alpaca.account() == {"account_number": "1"}


def test_a_minute_that_is_used_up_lasts_until_its_reset() -> None:
    assert seconds_until_reset("0", "1012", 1000.0) == 12
    assert seconds_until_reset("0", "99999999999", 1000.0) == 60  # a minute at most


@pytest.mark.parametrize(
    ("remaining", "reset"), [(None, None), ("0", None), (None, "2000"), ("many", "2000"), ("5", "2000"), ("0", "900")]
)
def test_headers_that_say_nothing_of_it_stop_nothing(remaining: str | None, reset: str | None) -> None:
    assert seconds_until_reset(remaining, reset, 1000.0) == 0
