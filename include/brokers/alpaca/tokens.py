"""Access tokens: one that the user gives, or ones that Alpaca gives for client id and secret and that end after 15 minutes.

The flow is OAuth 2's `client_credentials` with the secret in the body (docs.alpaca.markets/docs/authentication; it says that
broker partners get it first). A token of Alpaca's authorization page (docs.alpaca.markets/docs/using-oauth2-and-trading-api) has
no end and no refresh token.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr

from include.domain.token import Token
from include.errors import AuthenticationFailed, BrokerUnavailable

TOKEN_URL = "https://authx.alpaca.markets/v1/oauth2/token"


def fetch_token(client_id: str, client_secret: str, url: str, *, timeout_seconds: float, trust_env: bool, whence: str) -> Token:
    """A new token.

    Args:
        client_id / client_secret: What is asked with.
        url: Alpaca's token endpoint.
        timeout_seconds: For connecting, and again between two bytes of the answer.
        trust_env: Whether a proxy of the environment is used.
        whence: Where a person sets what it is asked with, for messages.

    Raises:
        AuthenticationFailed: Alpaca refuses client id or secret.
        BrokerUnavailable: It cannot be reached, or its answer is no token.
    """
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    asked_at = datetime.now(UTC)
    try:
        with requests.Session() as session:
            session.trust_env = trust_env
            answer = session.post(url, data=form, timeout=timeout_seconds, allow_redirects=False)
    except requests.exceptions.RequestException as error:
        words = f"alpaca's token endpoint at {urlsplit(url).hostname}: {type(error).__name__}. Is the address right ({whence})?"
        raise BrokerUnavailable(words, broker="alpaca") from error
    if answer.status_code in (400, 401, 403):
        raise AuthenticationFailed(
            f"alpaca refused client id and secret ({answer.status_code}): make new ones, and set them ({whence})",
            broker="alpaca",
            broker_code=str(answer.status_code),
        )
    try:
        document = answer.json() if answer.ok else {}
        value, seconds = document["access_token"], float(document["expires_in"])
        if not (isinstance(value, str) and value.isascii() and value.isprintable() and value):
            raise TypeError("the token")  # what is no header would be quoted by whoever sends it
        return Token(value=SecretStr(value), expires_at=asked_at + timedelta(seconds=seconds))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        words = f"alpaca's token endpoint answered {answer.status_code} without a token"
        raise BrokerUnavailable(words, broker="alpaca") from error
