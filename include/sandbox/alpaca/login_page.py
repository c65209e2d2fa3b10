"""GET and POST /oauth/authorize: the page where the venue's only user allows an app to act, or does not.

What is wrong with client or address is told here and sent nowhere; all else goes to the address (RFC 6749, 4.1.2.1).
"""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from include.sandbox.alpaca.tokens import form_of, same
from include.sandbox.alpaca.venue import Venue, venue_of

SCOPES = frozenset({"account:write", "trading", "data"})
ENVIRONMENTS = frozenset({"live", "paper"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ASKED = ("response_type", "client_id", "redirect_uri", "state", "scope", "env")
_PAGE = """<!doctype html><meta charset="utf-8"><title>Local Alpaca</title>
<h1>Local Alpaca</h1><p>An app wants to act for the sandbox account: <b>{scope}</b></p>
<form method="post">{fields}<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button></form>"""


async def show_page(request: Request) -> Response:
    """The page with its two buttons."""
    asked = {name: request.query_params[name] for name in _ASKED if name in request.query_params}
    if wrong := _wrong(venue_of(request), asked):
        return wrong
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in asked.items())
    return HTMLResponse(_PAGE.format(scope=escape(asked.get("scope") or "read only"), fields=fields))


async def decide(request: Request) -> Response:
    """What one of the buttons does: back to the app, with a code or with `access_denied`."""
    venue, asked = venue_of(request), await form_of(request)
    if wrong := _wrong(venue, asked):
        return wrong
    if asked.get("decision") != "allow":
        return _back(asked, error="access_denied")
    return _back(asked, code=venue.codes.issue(asked["redirect_uri"], asked.get("scope", ""), venue.book.clock()))


def _wrong(venue: Venue, asked: Mapping[str, str]) -> Response | None:
    if not same(asked.get("client_id", ""), venue.api_key):
        return HTMLResponse("<p>No app has this client_id.</p>", status_code=400)
    if not _registered(asked.get("redirect_uri", "")):
        return HTMLResponse("<p>This redirect_uri is not registered: one of this machine is.</p>", status_code=400)
    if asked.get("response_type") != "code":
        return _back(asked, error="unsupported_response_type")
    if not set(asked.get("scope", "").split()) <= SCOPES:
        return _back(asked, error="invalid_scope")
    if asked.get("env", "paper") not in ENVIRONMENTS:
        return _back(asked, error="invalid_request")
    return None


def _registered(address: str) -> bool:
    """Any address of this machine is."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "http" and parts.hostname in _LOOPBACK and parts.port != 0 and not parts.fragment
    except ValueError:
        return False


def _back(asked: Mapping[str, str], **told: str) -> Response:
    address, state = asked["redirect_uri"], asked.get("state")
    query = urlencode(told | ({} if state is None else {"state": state}))
    return RedirectResponse(f"{address}{'&' if urlsplit(address).query else '?'}{query}", status_code=302)
