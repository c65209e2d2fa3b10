"""Logging in through a broker's web page: what an adapter offers for it (`LoginFlow`), and what is the same at all of them.

A person opens `flow.url(attempt)`, logs in there, and the broker sends the browser to `attempt.redirect_uri` with parameters;
`finish` checks that they belong to this attempt and has them exchanged for a token, which is kept under `flow.token_name`.
"""

import hashlib
import hmac
import secrets
from abc import ABC, abstractmethod
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.domain.token import Token
from include.errors import AuthenticationFailed


@dataclass(frozen=True)
class LoginAttempt:
    """One log-in that has begun.

    Attributes:
        redirect_uri: Where the broker sends the browser; it must be registered there.
        state: Comes back with the answer: an answer without it was not asked for.
        verifier: What only this process knows; the URL carries no more than `challenge` (PKCE, RFC 7636).
    """

    redirect_uri: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        """The verifier's SHA-256 as RFC 7636 (4.2, `S256`) writes it."""
        return urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class LoginFlow(ABC):
    """How a person logs in for one account. Only `include.errors` classes leave it; nothing in them is secret.

    Attributes:
        broker / account_id: Whose.
        token_name: Under which the token is kept (`include.brokers.access_token.token_name`). The account is part of it: two
            accounts may belong to two people behind one client id.
    """

    broker: str
    account_id: str
    token_name: str

    @abstractmethod
    def url(self, attempt: LoginAttempt) -> str:
        """What the person opens; `attempt.state` is in it, in a way that brings it back as the parameter `state`."""

    @abstractmethod
    def exchange(self, attempt: LoginAttempt, answer: Mapping[str, str]) -> Token:
        """The token for what the redirect brought.

        Args:
            attempt: The one that was begun.
            answer: Parameters of the redirect; `finish` has checked their `state`.

        Raises:
            AuthenticationFailed: The person said no, the code has ended, or the broker refuses client id and secret.
            BrokerUnavailable: It cannot be reached, or its answer is no token.
        """

    def renew(self, last: Token | None) -> Token:
        """Another token without a person: what `AccessToken` fetches with. A broker that gives refresh tokens overrides it.

        Args:
            last: The one before, ended or not; None where nobody has logged in yet.

        Raises:
            AuthenticationFailed: A person is needed.
            BrokerUnavailable: As `exchange`.
        """
        raise self.person_needed("nobody has logged in yet" if last is None else "its token is not good any more")

    def person_needed(self, why: str, broker_code: str = "") -> AuthenticationFailed:
        """The error that says what to do."""
        words = f"{self.broker}, {self.account_id}: {why}: run `polybroker tokens login {self.account_id}`"
        return AuthenticationFailed(words, broker=self.broker, broker_code=broker_code)


def finish(flow: LoginFlow, attempt: LoginAttempt, answer: Mapping[str, str]) -> Token:
    """The token of a log-in whose redirect has arrived.

    Raises:
        AuthenticationFailed: The answer is to another log-in, or as `LoginFlow.exchange`.
        BrokerUnavailable: As there.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise flow.person_needed("this answer belongs to another log-in (its state is not the one that was sent)")
    return flow.exchange(attempt, answer)
