"""POST /v1/oauth2/token and /oauth/token: access tokens for client id and secret (docs.alpaca.markets/docs/authentication), and
for the code of a log-in (docs.alpaca.markets/docs/using-oauth2-and-trading-api). The errors are OAuth 2's (RFC 6749, 5.2).
"""

import hmac
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.sandbox.alpaca.venue import TOKEN_SECONDS, Venue, venue_of


async def issue_token(request: Request) -> Response:
    """For client id and secret; it ends."""
    venue, form = venue_of(request), await form_of(request)
    if refused := _refused(venue, form, "client_credentials"):
        return refused
    return JSONResponse({"access_token": venue.new_token(), "expires_in": TOKEN_SECONDS, "token_type": "Bearer"})


async def exchange_code(request: Request) -> Response:
    """For a code, once: bound to the client and the address that it was sent to. The token has no end, and nothing renews it."""
    venue, form = venue_of(request), await form_of(request)
    if refused := _refused(venue, form, "authorization_code"):
        return refused
    if not form.get("code") or not form.get("redirect_uri"):
        return _error("invalid_request")
    scope = venue.codes.redeem(form["code"], form["redirect_uri"], venue.book.clock())
    if scope is None:
        return _error("invalid_grant")
    return JSONResponse({"access_token": venue.new_token(ends=False), "token_type": "bearer", "scope": scope})


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; the last one where a name stands twice."""
    return {name: values[-1] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}


def same(given: str, wanted: str) -> bool:
    """Whether two secrets are equal."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), wanted.encode("utf-8"))


def _refused(venue: Venue, form: dict[str, str], grant: str) -> Response | None:
    if form.get("grant_type") != grant:
        return _error("unsupported_grant_type")
    if not same(form.get("client_id", ""), venue.api_key) or not same(form.get("client_secret", ""), venue.secret_key):
        return _error("invalid_client", 401)
    return None


def _error(word: str, status: int = 400) -> Response:
    return JSONResponse({"error": word}, status_code=status)
