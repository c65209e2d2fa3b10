"""The venue's page for apps, and the exchange of its codes, as a client without our code sees them."""

from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.fakes.clock import SetClock
from tests.sandbox.alpaca.conftest import KEY, NOW, SECRET

HERE = "http://127.0.0.1:9999/callback"
ASKED = {
    "response_type": "code",
    "client_id": KEY,
    "redirect_uri": HERE,
    "state": '"><script>',
    "scope": "account:write trading",
    "env": "paper",
}


class Form(HTMLParser):
    """The fields of a page's form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "input":
            self.fields[str(told["name"])] = str(told["value"])


@pytest.fixture
def session(server: AlpacaVenue, book: VenueBook) -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.trust_env = False
        yield found
    server.venue.tokens.clear()


def press(session: requests.Session, server: AlpacaVenue, decision: str = "allow", **more: str) -> dict[str, str]:
    """What comes to the app when a person opens the page and presses a button."""
    page = session.get(f"{server.url}/oauth/authorize", params=ASKED | more)
    assert page.status_code == 200
    assert "<script>" not in page.text
    fields = Form(page.text).fields
    sent = session.post(f"{server.url}/oauth/authorize", data=fields | {"decision": decision}, allow_redirects=False)
    assert sent.status_code == 302
    address = urlsplit(sent.headers["Location"])
    assert address._replace(query="").geturl() == HERE
    return {name: values[0] for name, values in parse_qs(address.query).items()}


def exchange(session: requests.Session, server: AlpacaVenue, code: str, **more: Any) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "authorization_code", "code": code, "client_id": KEY, "client_secret": SECRET, "redirect_uri": HERE}
    answer = session.post(f"{server.url}/oauth/token", data=form | more)
    return answer.status_code, answer.json()


def test_a_code_becomes_a_token_without_end(session: requests.Session, server: AlpacaVenue, clock: SetClock) -> None:
    answer = press(session, server)
    assert (set(answer), answer["state"]) == ({"code", "state"}, '"><script>')
    status, told = exchange(session, server, answer["code"])
    token = told.pop("access_token")
    assert (status, told) == (200, {"token_type": "bearer", "scope": "account:write trading"})
    clock.now = NOW + timedelta(days=365)
    assert session.get(f"{server.url}/v2/account", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_denied(session: requests.Session, server: AlpacaVenue) -> None:
    assert press(session, server, "deny") == {"error": "access_denied", "state": '"><script>'}


def test_a_code_is_good_once_for_its_address_and_its_client_and_ends(
    session: requests.Session, server: AlpacaVenue, clock: SetClock
) -> None:
    code = press(session, server)["code"]
    assert exchange(session, server, code)[0] == 200
    refused = (400, {"error": "invalid_grant"})
    assert exchange(session, server, code) == refused
    assert exchange(session, server, "made-up") == refused
    code = press(session, server)["code"]
    assert exchange(session, server, code, redirect_uri="http://127.0.0.1:9998/callback") == refused
    code = press(session, server)["code"]
    clock.now = NOW + timedelta(minutes=10)
    assert exchange(session, server, code) == refused
    code = press(session, server)["code"]
    assert exchange(session, server, code, client_secret="wrong") == (401, {"error": "invalid_client"})
    assert exchange(session, server, code, client_id="wrong") == (401, {"error": "invalid_client"})
    assert exchange(session, server, code, grant_type="refresh_token") == (400, {"error": "unsupported_grant_type"})
    assert exchange(session, server, code, redirect_uri="") == (400, {"error": "invalid_request"})
    assert exchange(session, server, code)[0] == 200


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "wrong"},
        {"redirect_uri": ""},
        {"redirect_uri": "https://example.com/callback"},
        {"redirect_uri": "http://127.0.0.1.example.com/callback"},
        {"redirect_uri": "http://127.0.0.1:x/"},
    ],
)
def test_what_must_not_be_redirected_is_not(session: requests.Session, server: AlpacaVenue, more: dict[str, str]) -> None:
    for answer in (
        session.get(f"{server.url}/oauth/authorize", params=ASKED | more, allow_redirects=False),
        session.post(f"{server.url}/oauth/authorize", data=ASKED | more | {"decision": "allow"}, allow_redirects=False),
    ):
        assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "trading everything"}, "invalid_scope"),
        ({"env": "moon"}, "invalid_request"),
    ],
)
def test_other_faults_are_told_to_the_app(
    session: requests.Session, server: AlpacaVenue, more: dict[str, str], error: str
) -> None:
    answer = session.get(f"{server.url}/oauth/authorize", params=ASKED | {"state": "S"} | more, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{HERE}?error={error}&state=S")
