"""What every request passes before it is answered: faults, keys, the request limit, the log."""

import hmac

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.sandbox.alpaca.broken import DroppedResponse, SilentResponse
from include.sandbox.alpaca.venue import Venue, refusal


class Gate:
    """ASGI middleware. Faults (docs/sandbox.md), each for one request and before anything is done:

    `down` (the connection is closed), `hang` (no answer), `http_500`, `rate_limited` (429), `garbage` (200 with HTML).
    """

    def __init__(self, app: ASGIApp, venue: Venue) -> None:
        self._app = app
        self._venue = venue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the request through and add the limit's headers to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._venue.book.log(f"{scope['method']} {scope['path']}", scope["query_string"].decode("latin-1"))
        answer = self._fault() or self._refused(Headers(scope=scope))
        if isinstance(answer, SilentResponse):
            await answer(scope, receive, send)
            return

        async def with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._venue.limiter.headers())
            await send(message)

        await (answer or self._app)(scope, receive, with_limits)

    def _fault(self) -> Response | None:
        book = self._venue.book
        if book.misbehaves("down"):
            return DroppedResponse()
        if book.misbehaves("hang"):
            return SilentResponse()
        if book.misbehaves("http_500"):
            return refusal(500, 50010000, "internal server error occurred")
        if book.misbehaves("garbage"):
            return HTMLResponse("<html><body><h1>We will be back soon</h1></body></html>")
        if book.misbehaves("rate_limited"):
            return refusal(429, 42910000, "rate limit exceeded")
        return None

    def _refused(self, headers: Headers) -> Response | None:
        key, secret = headers.get("APCA-API-KEY-ID", ""), headers.get("APCA-API-SECRET-KEY", "")
        if not key or not secret:
            return refusal(401, None, "unauthorized.")
        if not (_same(key, self._venue.api_key) and _same(secret, self._venue.secret_key)):
            return refusal(403, None, "forbidden.")
        if not self._venue.limiter.take():
            return refusal(429, 42910000, "rate limit exceeded")
        return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("latin-1"), wanted.encode("utf-8"))
