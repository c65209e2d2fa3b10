"""OAuth 2 against a server that renews tokens, rotates what they are renewed with, and checks the code challenge."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from include.brokers.access_token import AccessToken
from include.brokers.login import LoginAttempt, finish
from include.brokers.oauth import OAuthClient, OAuthLogin
from include.domain.token import Token
from include.errors import AuthenticationFailed, BrokerUnavailable
from tests.fakes.keeper import Keeper

HERE = "http://127.0.0.1:8765/callback"
SCOPE = "view trade:all"


@dataclass
class Server:
    """Client `id` with the secret `client-secret`; access tokens A1, A2 ..., refresh tokens R1, R2 ..., each good once.

    Attributes:
        rotates: Whether renewing gives another refresh token.
        more: What its answers hold besides.
        forms: What it was sent.
    """

    url: str = ""
    rotates: bool = True
    more: dict[str, Any] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)  # code -> challenge
    renewing: str = ""
    given: int = 0

    def allow(self, url: str) -> dict[str, str]:
        """What a person's browser brings back from the page."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        self.codes["C1"] = asked["code_challenge"]
        return {"code": "C1", "state": asked["state"]}

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.forms.append(form)
        if (form["client_id"], form["client_secret"]) != ("id", "client-secret"):
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            good = self.codes.pop(form["code"], "") == urlsafe_b64encode(digest).decode().rstrip("=")
        else:
            good = form["refresh_token"] == self.renewing
        if not good:
            return 400, {"error": "invalid_grant", "error_description": "CANARY"}
        self.given += 1
        told = {"access_token": f"A{self.given}", "token_type": "Bearer", "expires_in": 3600}
        if self.rotates or not self.renewing:
            self.renewing = told["refresh_token"] = f"R{self.given}"
        return 200, {**told, **self.more}


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, told = server.answer(dict(parse_qsl(form)))
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        yield server
        http.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as running:
        yield running


def login(server: Server, secret: str = "client-secret", account: str = "toy-main", **more: Any) -> OAuthLogin:
    client = OAuthClient("toy", f"{server.url}/token", "id", SecretStr(secret), timeout_seconds=5, trust_env=False)
    return OAuthLogin(client, account, f"{server.url}/authorize", SCOPE, **more)


def logged_in(server: Server, flow: OAuthLogin) -> Token:
    attempt = LoginAttempt(HERE)
    return finish(flow, attempt, server.allow(flow.url(attempt)))


def test_the_address_that_is_opened() -> None:
    client = OAuthClient("toy", "https://toy.example/token", "id", SecretStr("client-secret"), timeout_seconds=5)
    attempt = LoginAttempt(HERE, state="S", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    flow = OAuthLogin(client, "toy-main", "https://toy.example/authorize", SCOPE, more={"env": "paper"})
    assert flow.url(attempt) == (
        "https://toy.example/authorize?response_type=code&client_id=id&redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcallback"
        "&state=S&scope=view%20trade%3Aall&env=paper&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        "&code_challenge_method=S256"
    )
    plain = OAuthLogin(client, "toy-main", "https://toy.example/authorize", pkce=False)
    assert plain.url(attempt) == (
        "https://toy.example/authorize?response_type=code&client_id=id&redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcallback&state=S"
    )
    assert "client-secret" not in repr(flow)


def test_a_code_is_exchanged_once(server: Server) -> None:
    flow, attempt = login(server), LoginAttempt(HERE)
    answer = server.allow(flow.url(attempt))
    began = datetime.now(UTC)
    token = finish(flow, attempt, answer)
    assert (token.value.get_secret_value(), token.refresh) == ("A1", SecretStr("R1"))
    assert token.expires_at is not None
    assert began + timedelta(hours=1) <= token.expires_at <= datetime.now(UTC) + timedelta(hours=1)
    assert server.forms == [
        {
            "grant_type": "authorization_code",
            "code": "C1",
            "redirect_uri": HERE,
            "code_verifier": attempt.verifier,
            "client_id": "id",
            "client_secret": "client-secret",
        }
    ]
    with pytest.raises(AuthenticationFailed, match="the code has ended or was used before .* `polybroker tokens login toy-main`"):
        finish(flow, attempt, answer)


def test_somebody_elses_verifier_gets_nothing(server: Server) -> None:
    flow, mine = login(server), LoginAttempt(HERE, state="S")
    server.allow(flow.url(LoginAttempt(HERE, state="S")))
    with pytest.raises(AuthenticationFailed, match="the code has ended"):
        finish(flow, mine, {"code": "C1", "state": "S"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "access_denied"}, "access was not allowed there: run `polybroker tokens login toy-main`"),
        ({"error": "invalid_scope", "code": "C1"}, "the page answered invalid_scope: run"),
        ({"error": "CANARY"}, "the page answered an error: run"),
        ({}, "the answer holds no code: run"),
        ({"code": ""}, "the answer holds no code: run"),
    ],
)
def test_an_answer_without_a_code(server: Server, answer: dict[str, str], words: str) -> None:
    with pytest.raises(AuthenticationFailed, match=words) as error:
        finish(login(server), LoginAttempt(HERE, state="S"), {**answer, "state": "S"})
    assert "CANARY" not in str(error.value)
    assert server.forms == []


def test_a_wrong_client_secret(server: Server) -> None:
    with pytest.raises(AuthenticationFailed, match="toy refused client id and secret .* run `polybroker tokens login toy-main`"):
        logged_in(server, login(server, secret="wrong"))


def test_all_of_the_scope_must_be_granted(server: Server) -> None:
    server.more = {"scope": "view"}
    with pytest.raises(AuthenticationFailed, match="toy did not grant all of 'view trade:all': allow it all: run"):
        logged_in(server, login(server))
    server.more = {"scope": "trade:all more view"}
    assert logged_in(server, login(server)).refresh is not None


@pytest.mark.parametrize("rotates", [True, False])
def test_it_is_renewed_without_a_person_until_that_ends(server: Server, rotates: bool) -> None:
    server.rotates = rotates
    flow, keeper = login(server), Keeper()
    keeper.put(flow.token_name, logged_in(server, flow), datetime.now(UTC))
    now = datetime.now(UTC) + timedelta(minutes=59, seconds=30)

    def task() -> AccessToken:
        return AccessToken(flow.renew, name=flow.token_name, keeper=keeper, clock=lambda: now)

    assert task().current() == "A2"
    assert keeper.kept[flow.token_name].refresh == SecretStr("R2" if rotates else "R1")
    now += timedelta(days=30)
    one = task()
    assert one.current() == "A3"  # with what the last renewal left
    assert one.replace("A3") == "A4"
    server.renewing = "ended"
    with pytest.raises(AuthenticationFailed, match="toy, toy-main: its log-in has ended: run `polybroker tokens login toy-main`"):
        one.replace("A4")


def test_what_it_is_renewed_with_survives_a_broker_that_is_away(server: Server) -> None:
    flow, keeper = login(server), Keeper()
    name = flow.token_name
    keeper.put(name, logged_in(server, flow), datetime.now(UTC))
    away = OAuthLogin(OAuthClient("toy", "http://127.0.0.1:1", "id", SecretStr("s"), timeout_seconds=5), "toy-main", "", SCOPE)

    def task(flow: OAuthLogin) -> AccessToken:
        return AccessToken(flow.renew, name=name, keeper=keeper, clock=lambda: datetime.now(UTC) + timedelta(hours=2))

    with pytest.raises(BrokerUnavailable):
        task(away).current()
    assert task(flow).current() == "A2"


@pytest.mark.parametrize("more", [{"token_type": "mac"}, {"access_token": "a\nb"}, {"refresh_token": 7}, {"expires_in": "soon"}])
def test_an_answer_that_is_no_token(server: Server, more: dict[str, Any]) -> None:
    server.more = more
    with pytest.raises(BrokerUnavailable, match="toy's token endpoint answered 200 without a token"):
        logged_in(server, login(server))


def test_every_account_has_a_token_of_its_own(server: Server) -> None:
    names = {login(server, account=account, secret=secret).token_name for account in ("a", "b") for secret in ("s", "t")}
    assert len(names) == 4
