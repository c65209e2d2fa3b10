"""POST /v1/oauth2/token: an access token for client id and secret, as docs.alpaca.markets/docs/authentication describes it."""

import hmac
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.sandbox.alpaca.venue import TOKEN_SECONDS, venue_of


async def issue_token(request: Request) -> Response:
    """The errors are those of OAuth 2 (RFC 6749, 5.2)."""
    venue = venue_of(request)
    form = {name: values[-1] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
    if not same(form.get("client_id", ""), venue.api_key) or not same(form.get("client_secret", ""), venue.secret_key):
        return JSONResponse({"error": "invalid_client"}, status_code=401)
    return JSONResponse({"access_token": venue.new_token(), "expires_in": TOKEN_SECONDS, "token_type": "Bearer"})


def same(given: str, wanted: str) -> bool:
    """Whether two secrets are equal."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), wanted.encode("utf-8"))
