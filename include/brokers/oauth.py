"""OAuth 2 (RFC 6749): asking for tokens, and logging in with the authorization code; PKCE (RFC 7636) where the broker takes it.

It is one form and one JSON document. A library for it would bring its own HTTP session, time-outs and errors, all of which would
have to be turned into ours; the parts that are easy to get wrong (state, verifier) are in `include/brokers/login.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from pydantic import SecretStr

from include.brokers.access_token import token_name
from include.brokers.login import LoginAttempt, LoginFlow
from include.domain.token import Token
from include.errors import AuthenticationFailed, BrokerUnavailable

_BAD_REQUEST = 400
_REFUSED = (_BAD_REQUEST, 401, 403)
_OF_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
# RFC 6749, 4.1.2.1 and 5.2. Any other word is not quoted: it might be anything.
_WORDS = _OF_CLIENT | {
    "access_denied",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "unsupported_grant_type",
    "unsupported_response_type",
}


@dataclass(frozen=True)
class OAuthClient:
    """Who asks for tokens, and where. Client id and secret go in the form (`client_secret_post`).

    Attributes:
        broker: For errors.
        token_url: The broker's token endpoint.
        client_id / client_secret: What is asked with.
        timeout_seconds: For connecting, and again between two bytes of the answer.
        trust_env: Whether a proxy of the environment is used.
        whence: Where a person sets what it is asked with, for messages.
    """

    broker: str
    token_url: str
    client_id: str
    client_secret: SecretStr
    timeout_seconds: float
    trust_env: bool = True
    whence: str = ""

    def name(self, *login: str) -> str:
        """The name of this client's token, of one `login` where it has several."""
        return token_name(self.broker, self.token_url, self.client_id, self.client_secret.get_secret_value(), *login)

    def ask(self, grant: Mapping[str, str], *, ends: bool = False, scope: str = "") -> Token:
        """A token for a grant.

        Args:
            grant: `grant_type` and what belongs to it.
            ends: Whether an answer without `expires_in` is none; else such a token has no end that is known.
            scope: Wanted words with blanks; a broker that tells what it granted must tell all of them.

        Raises:
            AuthenticationFailed: The broker refuses; `broker_code` is its word (RFC 6749, 5.2), "" for one that is unknown.
            BrokerUnavailable: It cannot be reached, or its answer is no token.
        """
        asked_at = datetime.now(UTC)
        form = {**grant, "client_id": self.client_id, "client_secret": self.client_secret.get_secret_value()}
        try:
            with requests.Session() as session:
                session.trust_env = self.trust_env
                answer = session.post(self.token_url, data=form, timeout=self.timeout_seconds, allow_redirects=False)
        except requests.exceptions.RequestException as error:
            where = f"{self.broker}'s token endpoint at {urlsplit(self.token_url).hostname}"
            words = f"{where}: {type(error).__name__}. Is the address right{self._set_in}?"
            raise BrokerUnavailable(words, broker=self.broker) from error
        document = _document(answer)
        if answer.status_code in _REFUSED:
            raise self._refusal(answer.status_code, known_word(document.get("error")))
        try:
            token = _token(document if answer.ok else {}, asked_at, ends)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            words = f"{self.broker}'s token endpoint answered {answer.status_code} without a token"
            raise BrokerUnavailable(words, broker=self.broker) from error
        granted = document.get("scope")
        if isinstance(granted, str) and not set(scope.split()) <= set(granted.split()):
            raise AuthenticationFailed(f"{self.broker} did not grant all of {scope!r}: allow it all", broker=self.broker)
        return token

    @property
    def _set_in(self) -> str:
        return f" ({self.whence})" if self.whence else ""

    def _refusal(self, status: int, word: str) -> AuthenticationFailed:
        if word in _OF_CLIENT or (not word and status != _BAD_REQUEST):
            words = f"{self.broker} refused client id and secret ({status}): check them, or make new ones{self._set_in}"
        else:
            words = f"{self.broker} refused to give a token ({status}, {word or 'no reason given'})"
        return AuthenticationFailed(words, broker=self.broker, broker_code=word)


@dataclass(frozen=True)
class OAuthLogin(LoginFlow):
    """The authorization code flow for one account.

    Attributes:
        client: Who asks.
        account_id: For whom.
        authorize_url: The broker's page.
        scope: What is asked for, words with blanks.
        pkce: Whether the broker takes a code challenge.
        more: Further parameters of the page.
    """

    client: OAuthClient
    account_id: str
    authorize_url: str
    scope: str = ""
    pkce: bool = True
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def broker(self) -> str:  # type: ignore[override]
        """The client's."""
        return self.client.broker

    @property
    def token_name(self) -> str:  # type: ignore[override]
        """Of this client and account."""
        return self.client.name(self.authorize_url, self.account_id)

    def url(self, attempt: LoginAttempt) -> str:
        """RFC 6749, 4.1.1, and RFC 7636, 4.3."""
        asked = {"response_type": "code", "client_id": self.client.client_id, "redirect_uri": attempt.redirect_uri}
        asked |= {"state": attempt.state} | ({"scope": self.scope} if self.scope else {}) | dict(self.more)
        if self.pkce:
            asked |= {"code_challenge": attempt.challenge, "code_challenge_method": "S256"}
        return f"{self.authorize_url}?{urlencode(asked, quote_via=quote)}"

    def exchange(self, attempt: LoginAttempt, answer: Mapping[str, str]) -> Token:
        """RFC 6749, 4.1.2 and 4.1.3."""
        if "error" in answer:
            word = known_word(answer["error"])
            said = "access was not allowed there" if word == "access_denied" else f"the page answered {word or 'an error'}"
            raise self.person_needed(said, word)
        if not answer.get("code"):
            raise self.person_needed("the answer holds no code")
        grant = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": attempt.redirect_uri}
        if self.pkce:
            grant["code_verifier"] = attempt.verifier
        return self._asked(grant, "the code has ended or was used before (it is good once, for minutes)", self.scope)

    def renew(self, last: Token | None) -> Token:
        """RFC 6749, 6. A refresh token stays good where the answer brings no other."""
        if last is None or last.refresh is None:
            return super().renew(last)
        grant = {"grant_type": "refresh_token", "refresh_token": last.refresh.get_secret_value()}
        token = self._asked(grant, "its log-in has ended")
        return token if token.refresh is not None else token.model_copy(update={"refresh": last.refresh})

    def _asked(self, grant: Mapping[str, str], ended: str, scope: str = "") -> Token:
        try:
            return self.client.ask(grant, scope=scope)
        except AuthenticationFailed as error:
            why = ended if error.broker_code == "invalid_grant" else str(error.args[0])
            raise self.person_needed(why, error.broker_code) from error


def known_word(word: object) -> str:
    """One of OAuth's words for an error; "" for anything else."""
    return word if isinstance(word, str) and word in _WORDS else ""


def _document(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _token(document: Mapping[str, Any], asked_at: datetime, ends: bool) -> Token:
    """Raises what a document that holds no token makes of it."""
    seconds = document["expires_in"] if ends else document.get("expires_in")
    if str(document.get("token_type", "bearer")).lower() != "bearer":
        raise ValueError("the type")
    refresh = document.get("refresh_token")
    return Token(
        value=_sendable(document["access_token"]),
        expires_at=None if seconds is None else asked_at + timedelta(seconds=float(seconds)),
        refresh=None if refresh is None else _sendable(refresh),
    )


def _sendable(value: object) -> SecretStr:
    if not (isinstance(value, str) and value.isascii() and value.isprintable() and value):
        raise TypeError("a token")  # what is no header would be quoted by whoever sends it
    return SecretStr(value)
