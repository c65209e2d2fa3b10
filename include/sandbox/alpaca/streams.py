"""The venue's web sockets: `/stream` tells what happens to orders, `/v2/{feed}` and `/v1beta3/crypto/us` quotes as they change.

Faults of `/stream`, each for one event: `duplicate_update`, `reordered_updates` (it is told after the next one), `late_update`
(it waits until the next request was answered), `drop_stream` (the connection dies before it).
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgpack  # type: ignore[import-untyped]
from starlette.websockets import WebSocket, WebSocketDisconnect

from include.sandbox.alpaca.assets import CRYPTO, EQUITY, kind_of
from include.sandbox.alpaca.data import quote_json
from include.sandbox.alpaca.desk_order import Event
from include.sandbox.alpaca.tokens import same
from include.sandbox.alpaca.venue import Venue
from include.sandbox.alpaca.writing import event_json
from include.sandbox.faults import Fault

POLL_SECONDS = 0.02
ABNORMAL = 1011


async def trade_updates(socket: WebSocket) -> None:
    """Authenticate, listen, and then every event from that moment on; frames are binary, as those of Alpaca's paper host are."""
    venue = _venue(socket)
    await socket.accept()
    try:
        asked = json.loads(await _text(socket))
        good = _authentic(venue, asked.get("data") or asked)
        status = {"status": "authorized" if good else "unauthorized", "action": "authenticate"}
        await _send(socket, {"stream": "authorization", "data": status})
        if not good:
            await socket.close()
            return
        wanted = (json.loads(await _text(socket)).get("data") or {}).get("streams") or []
        streams = [name for name in wanted if name == "trade_updates"]
        teller = _Teller(venue)
        venue.book.log("WS /stream")
        await _send(socket, {"stream": "listening", "data": {"streams": streams}})
        if streams:
            await _until_gone(socket, lambda: teller.tell(socket))
        else:
            await _until_gone(socket, _nothing)
    except WebSocketDisconnect:
        return


class _Teller:
    """Tells one listener the events after its own beginning."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._desk = venue.desk
        self._next = len(self._desk.events)
        self._behind: Event | None = None
        self._late: tuple[int, Event] | None = None

    async def tell(self, socket: WebSocket) -> bool:
        """Send what is new; False where the connection is to die."""
        book = self._desk.book
        with book.lock:
            self._desk.advance()
            fresh = self._desk.events[self._next :]
            self._next += len(fresh)
        for event in fresh:
            if book.misbehaves("drop_stream"):
                return False
            if book.misbehaves(Fault.REORDERED_UPDATES):
                self._behind = event
                continue
            if book.misbehaves(Fault.LATE_UPDATE):
                self._late = (len(book.requests), event)
                continue
            await self._say(socket, event, twice=book.misbehaves(Fault.DUPLICATE_UPDATE))
            if self._behind is not None:
                await self._say(socket, self._behind)
                self._behind = None
        if self._late is not None and len(book.requests) > self._late[0]:
            await self._say(socket, self._late[1])
            self._late = None
        return True

    async def _say(self, socket: WebSocket, event: Event, twice: bool = False) -> None:
        for _ in range(2 if twice else 1):
            await _send(socket, event_json(self._venue, event))


async def stock_quotes(socket: WebSocket) -> None:
    """Quotes of shares."""
    await _quotes(socket, EQUITY)


async def crypto_quotes(socket: WebSocket) -> None:
    """Quotes of pairs."""
    await _quotes(socket, CRYPTO)


async def _quotes(socket: WebSocket, kind: str) -> None:
    venue, packed = _venue(socket), socket.headers.get("content-type") == "application/msgpack"
    await socket.accept()
    venue.book.log(f"WS {socket.url.path}")

    async def say(*messages: Mapping[str, Any]) -> None:
        if packed:
            times = [{k: msgpack.Timestamp.from_datetime(v) if k == "t" else v for k, v in m.items()} for m in messages]
            await socket.send_bytes(msgpack.packb(times))
        else:
            await socket.send_text(json.dumps([{**m, **({"t": m["t"].isoformat()} if "t" in m else {})} for m in messages]))

    async def hear() -> dict[str, Any]:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        raw = message.get("bytes") or (message.get("text") or "").encode()
        heard: dict[str, Any] = msgpack.unpackb(raw) if packed else json.loads(raw)
        return heard

    try:
        await say({"T": "success", "msg": "connected"})
        told_by_headers = _of_headers(socket)
        if not _authentic(venue, told_by_headers if any(told_by_headers.values()) else await hear()):
            await say({"T": "error", "code": 402, "msg": "auth failed"})
            await socket.close()
            return
        await say({"T": "success", "msg": "authenticated"})
        symbols = set((await hear()).get("quotes") or [])
        await say({"T": "subscription", "trades": [], "quotes": sorted(symbols), "bars": []})
        seen: dict[str, Any] = {}

        async def tell() -> bool:
            if venue.book.misbehaves("drop_stream"):
                return False
            for message in _fresh_quotes(venue, kind, symbols, seen):
                await say(message)
                if venue.book.misbehaves(Fault.DUPLICATE_UPDATE):
                    await say(message)
            return True

        await _until_gone(socket, tell)
    except WebSocketDisconnect:
        return


def _fresh_quotes(venue: Venue, kind: str, symbols: set[str], told: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    with venue.book.lock:
        for listing in venue.book.listings:
            if listing.symbol not in symbols or kind_of(listing) != kind:
                continue
            quote = venue.book.engine.quote(listing.native_id)
            if quote is not None and told.get(listing.symbol) != quote:
                told[listing.symbol] = quote
                found.append({**quote_json(quote), "T": "q", "S": listing.symbol, "t": quote.time})
    return found


async def _nothing() -> bool:
    return True


async def _until_gone(socket: WebSocket, tell: Callable[[], Any]) -> None:
    """Tell what there is until the client goes, or `tell` says that the connection dies."""
    gone = asyncio.ensure_future(socket.receive())
    try:
        while not gone.done():
            if not await tell():
                await socket.close(ABNORMAL)
                return
            await asyncio.wait([gone], timeout=POLL_SECONDS)
            if gone.done() and gone.result()["type"] != "websocket.disconnect":
                gone = asyncio.ensure_future(socket.receive())  # a word that this venue has no answer to
    finally:
        gone.cancel()


def _venue(socket: WebSocket) -> Venue:
    found = socket.app.state.venue
    assert isinstance(found, Venue)
    return found


async def _text(socket: WebSocket) -> bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    return message.get("bytes") or (message.get("text") or "").encode()


async def _send(socket: WebSocket, message: Mapping[str, Any]) -> None:
    await socket.send_bytes(json.dumps(message).encode())


def _of_headers(socket: WebSocket) -> dict[str, str]:
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    key, secret = socket.headers.get("apca-api-key-id", ""), socket.headers.get("apca-api-secret-key", "")
    return {"oauth_token": token} if scheme == "Bearer" else {"key": key, "secret": secret}


def _authentic(venue: Venue, told: Mapping[str, Any]) -> bool:
    """Whether keys or token are good, under any of the names that Alpaca's streams take them."""
    if told.get("oauth_token"):
        return venue.knows(str(told["oauth_token"]))
    key, secret = told.get("key_id") or told.get("key") or "", told.get("secret_key") or told.get("secret") or ""
    return same(str(key), venue.api_key) and same(str(secret), venue.secret_key)
