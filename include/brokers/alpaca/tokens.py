"""Access tokens: one that the user gives, or ones that Alpaca gives for client id and secret and that end after 15 minutes.

The flow is OAuth 2's `client_credentials` with the secret in the body (docs.alpaca.markets/docs/authentication; it says that
broker partners get it first). A token of Alpaca's authorization page (docs.alpaca.markets/docs/using-oauth2-and-trading-api) has
no end and no refresh token.
"""

import threading
import time
from collections.abc import Callable

import requests

from include.errors import AuthenticationFailed, BrokerUnavailable

TOKEN_URL = "https://authx.alpaca.markets/v1/oauth2/token"
EARLY_SECONDS = 60.0  # a token is renewed so long before its end


class Tokens:
    """Thread-safe.

    Args:
        fixed: A token that does not end; "" to ask for tokens.
        client_id / client_secret: What is asked with.
        url: Alpaca's token endpoint.
        timeout_seconds: For connecting, and again between two bytes of an answer.
        trust_env: Whether a proxy of the environment is used.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        fixed: str = "",
        client_id: str = "",
        client_secret: str = "",
        url: str = TOKEN_URL,
        *,
        timeout_seconds: float = 20,
        trust_env: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        self._token, self._url = fixed, url
        self._timeout_seconds, self._trust_env, self._clock = timeout_seconds, trust_env, clock
        self._ends = 0.0
        self.can_renew = not fixed
        self._lock = threading.Lock()

    @property
    def is_stale(self) -> bool:
        """Whether there is no token, or its end is near."""
        return self.can_renew and (not self._token or self._clock() >= self._ends - EARLY_SECONDS)

    def current(self) -> str:
        """A token that is good for a while; a new one where the last one is about to end. Raises as `renew`."""
        with self._lock:
            if self.is_stale:
                self._ask()
            return self._token

    def renew(self) -> None:
        """Ask for a new token whatever the last one is; nothing happens to one that does not end.

        Raises:
            AuthenticationFailed: Alpaca refuses client id or secret.
            BrokerUnavailable: It cannot be reached, or its answer is no token. Nothing was sent with the old one.
        """
        with self._lock:
            if self.can_renew:
                self._ask()

    def _ask(self) -> None:
        try:
            with requests.Session() as session:
                session.trust_env = self._trust_env
                answer = session.post(self._url, data=self._form, timeout=self._timeout_seconds, allow_redirects=False)
        except requests.exceptions.RequestException as error:
            raise BrokerUnavailable(f"alpaca's token endpoint: {type(error).__name__}", broker="alpaca") from error
        if answer.status_code in (400, 401, 403):
            raise AuthenticationFailed(
                f"alpaca refused client id and secret ({answer.status_code}): make new ones",
                broker="alpaca",
                broker_code=str(answer.status_code),
            )
        try:
            document = answer.json() if answer.ok else {}
            self._token, self._ends = str(document["access_token"]), self._clock() + float(document["expires_in"])
        except (ValueError, TypeError, KeyError) as error:
            raise BrokerUnavailable(
                f"alpaca's token endpoint answered {answer.status_code} without a token", broker="alpaca"
            ) from error
