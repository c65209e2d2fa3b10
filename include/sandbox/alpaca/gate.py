"""What every request passes before it is answered: faults, keys or token, the request limit, the log."""

import math
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.sandbox.alpaca.broken import DroppedResponse, HalfResponse, SilentResponse
from include.sandbox.alpaca.tokens import same
from include.sandbox.alpaca.venue import SKEW, Venue, refusal
from include.sandbox.faults import Fault

TOKEN_PATH = "/v1/oauth2/token"
PAGE_PATH, CODE_PATH = "/oauth/authorize", "/oauth/token"
_OPEN = frozenset({TOKEN_PATH, PAGE_PATH, CODE_PATH})  # who comes there has no key yet


class Gate:
    """ASGI middleware. Faults, each for one request and before anything is done: `drop_connection`, `hang` (no answer),
    `server_error` (500), `too_many_requests` (429 with Retry-After), `malformed_body` (200 with HTML), `half_response`,
    `expired_token` (401; every token that is out ends), `clock_skew` (the answer's times are ten minutes ahead).
    """

    def __init__(self, app: ASGIApp, venue: Venue) -> None:
        self._app = app
        self._venue = venue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the request through and add id and limits to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        venue = self._venue
        venue.book.log(f"{scope['method']} {scope['path']}", scope["query_string"].decode("latin-1"))
        answer = self._fault() or (None if scope["path"] in _OPEN else self._refused(Headers(scope=scope)))
        venue.skewed = answer is None and venue.book.misbehaves(Fault.CLOCK_SKEW)
        if isinstance(answer, SilentResponse):
            await answer(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                skew = SKEW if venue.skewed else SKEW * 0
                MutableHeaders(scope=message).update({**venue.limiter.headers(skew), "X-Request-ID": uuid4().hex})
            await send(message)

        await (answer or self._app)(scope, receive, with_headers)

    def _fault(self) -> Response | None:
        book = self._venue.book
        if book.misbehaves(Fault.DROP_CONNECTION):
            return DroppedResponse()
        if book.misbehaves("hang"):
            return SilentResponse()
        if book.misbehaves(Fault.SERVER_ERROR):
            return refusal(500, 50010000, "internal server error occurred")
        if book.misbehaves(Fault.MALFORMED_BODY):
            return HTMLResponse("<html><body><h1>We will be back soon</h1></body></html>")
        if book.misbehaves(Fault.HALF_RESPONSE):
            return HalfResponse()
        if book.misbehaves(Fault.TOO_MANY_REQUESTS):
            return self._too_many()
        if book.misbehaves(Fault.EXPIRED_TOKEN):
            self._venue.tokens.clear()
            return refusal(401, 40110000, "request is not authorized")
        return None

    def _refused(self, headers: Headers) -> Response | None:
        venue = self._venue
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        key, secret = headers.get("APCA-API-KEY-ID", ""), headers.get("APCA-API-SECRET-KEY", "")
        if scheme == "Bearer":
            if not venue.knows(token):
                return refusal(401, 40110000, "request is not authorized")
        elif not key or not secret:
            return refusal(401, None, "unauthorized.")
        elif not (same(key, venue.api_key) and same(secret, venue.secret_key)):
            return refusal(403, None, "forbidden.")
        return None if venue.limiter.take() else self._too_many()

    def _too_many(self) -> Response:
        answer = refusal(429, 42910000, "rate limit exceeded")
        answer.headers["Retry-After"] = str(math.ceil(self._venue.limiter.seconds_left()))
        return answer
