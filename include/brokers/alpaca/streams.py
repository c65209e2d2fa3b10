"""Alpaca's web sockets as async iterators of plain messages.

alpaca-py's own streams are not used: they connect again behind the caller's back, so that nobody knows that something was missed,
write failures to a log instead of raising them, take no tokens for orders, and stand on an API that websockets is about to drop.
The protocol: docs.alpaca.markets/docs/websocket-streaming and /docs/streaming-market-data.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from include.brokers.alpaca.failures import NO_ADVICE, Advice
from include.brokers.environment import is_loopback
from include.errors import AuthenticationFailed, BrokerUnavailable

_BAD_LOGIN = (401, 402)  # not authenticated; auth failed


@dataclass(frozen=True)
class Login:
    """Keys, or an access token instead of them; never shown.

    Attributes:
        timeout_seconds: For connecting and for the answers of the opening.
        advice: What messages end with.
    """

    api_key: str
    secret_key: str
    token: str
    timeout_seconds: float
    advice: Advice = NO_ADVICE

    def __repr__(self) -> str:
        return "Login(...)"

    @property
    def headers(self) -> dict[str, str]:
        """As for any other request."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        return {"APCA-API-KEY-ID": self.api_key, "APCA-API-SECRET-KEY": self.secret_key}

    @property
    def words(self) -> dict[str, str]:
        """As the stream of orders wants them."""
        return {"oauth_token": self.token} if self.token else {"key_id": self.api_key, "secret_key": self.secret_key}


@asynccontextmanager
async def order_messages(url: str, login: Login) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
    """The `data` of every message of `trade_updates`; whoever is inside has missed nothing that happens from then on.

    Raises:
        AuthenticationFailed: Keys or token are refused.
        BrokerUnavailable: There is no connection, it ends, or a message makes no sense.
    """
    async with _opened(url, login, {}) as socket:
        await socket.send(json.dumps({"action": "authenticate", "data": login.words}))
        answer = _object(await _next(socket, login))
        if (answer.get("data") or {}).get("status") != "authorized":
            raise AuthenticationFailed(f"alpaca's stream of orders refused keys or token{login.advice.login}", broker="alpaca")
        await socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        answer = _object(await _next(socket, login))
        if "trade_updates" not in ((answer.get("data") or {}).get("streams") or []):
            raise BrokerUnavailable("alpaca's stream tells no orders of this account", broker="alpaca")
        yield _data_of(socket)


async def _data_of(socket: ClientConnection) -> AsyncIterator[Mapping[str, Any]]:
    async for raw in _raw(socket):
        message = _object(raw)
        if message.get("stream") == "trade_updates":
            yield _object(message.get("data"))


@asynccontextmanager
async def quote_messages(url: str, login: Login, symbols: Sequence[str]) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
    """Quotes (`T` is `q`) of symbols. Raises as `order_messages`."""
    async with _opened(url, login, login.headers) as socket:
        await _expect(socket, login, "connected")
        await _expect(socket, login, "authenticated")
        await socket.send(json.dumps({"action": "subscribe", "quotes": list(symbols)}))
        yield _quotes_of(socket)


async def _expect(socket: ClientConnection, login: Login, word: str) -> None:
    found = await _next(socket, login)
    messages = found if isinstance(found, list) else [found]
    first = _object(messages[0] if messages else None)
    if first.get("T") == "error":
        told = f"{first.get('code')}: {first.get('msg')}" + (login.advice.login if first.get("code") in _BAD_LOGIN else "")
        refused = first.get("code") in (401, 402, 403, 404, 409)
        raise (AuthenticationFailed if refused else BrokerUnavailable)(
            f"alpaca's stream of quotes answered {told}", broker="alpaca", broker_code=str(first.get("code"))
        )
    if first.get("msg") != word:
        raise BrokerUnavailable(f"alpaca's stream of quotes made no sense: expected {word!r}", broker="alpaca")


async def _quotes_of(socket: ClientConnection) -> AsyncIterator[Mapping[str, Any]]:
    async for raw in _raw(socket):
        for message in raw if isinstance(raw, list) else [raw]:
            if _object(message).get("T") == "error":
                raise BrokerUnavailable(f"alpaca's stream of quotes answered {message.get('msg')}", broker="alpaca")
            if message.get("T") == "q":
                yield message


@asynccontextmanager
async def _opened(url: str, login: Login, headers: Mapping[str, str]) -> AsyncIterator[ClientConnection]:
    """A connection; everything that the library raises while it is open means that it is gone."""
    proxy: Literal[True] | None = None if is_loopback(urlsplit(url).hostname or "") else True
    try:
        async with connect(url, additional_headers=headers, open_timeout=login.timeout_seconds, proxy=proxy) as socket:
            yield socket
    except (OSError, TimeoutError, WebSocketException) as error:
        words = f"alpaca's stream at {urlsplit(url).hostname} ended: {type(error).__name__}"
        raise BrokerUnavailable(words, broker="alpaca") from error


async def _next(socket: ClientConnection, login: Login) -> Any:
    async with asyncio.timeout(login.timeout_seconds):  # wait_for of Python 3.11 can lose a cancellation
        return _json(await socket.recv())


async def _raw(socket: ClientConnection) -> AsyncIterator[Any]:
    """Every message; the end of the connection, however polite, is not the end of what there is to tell."""
    while True:
        yield _json(await socket.recv())


def _json(raw: str | bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BrokerUnavailable("alpaca's stream made no sense: a message is no JSON", broker="alpaca") from error


def _object(message: Any) -> Mapping[str, Any]:
    if not isinstance(message, Mapping):
        raise BrokerUnavailable(f"alpaca's stream made no sense: found {type(message).__name__}", broker="alpaca")
    return message
