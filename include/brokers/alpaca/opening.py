"""What a connection to Alpaca is opened with, out of credentials and settings."""

from collections.abc import Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from include.brokers.access_token import AccessToken, TokenKeeper, token_name
from include.brokers.alpaca.failures import Advice
from include.brokers.budgets import Budgets
from include.brokers.credentials import whence
from include.brokers.environment import is_loopback
from include.brokers.pacing import Pacer
from include.domain.account import Account
from include.domain.pacing import Pacing
from include.domain.token import Token
from include.errors import AuthenticationFailed, InputError

if TYPE_CHECKING:
    from include.brokers.alpaca.client import AlpacaClient
    from include.brokers.alpaca.streams import Login

PAPER_URL = "https://paper-api.alpaca.markets"
DATA_URL = "https://data.alpaca.markets"
_LOGINS = ("api_key", "client_id", "oauth_token")


class Settings:
    """Read when they are needed: a broker that is never connected needs none.

    Args:
        credentials: See `include/brokers/alpaca/adapter.py`.
        config: The broker's YAML: `timeout_seconds`, `pacing`, `data_feed`, `stream_reconnects`, `stream_pause_seconds`.
        account: Whose they are.
        budgets: Where the rate limit is shared with other processes of the same login; None: this one is alone.
        keeper: Where access tokens outlive this process; None: nowhere.
    """

    def __init__(
        self,
        credentials: Mapping[str, str],
        config: Mapping[str, Any],
        account: Account,
        budgets: Budgets | None = None,
        keeper: TokenKeeper | None = None,
    ) -> None:
        self._account = account
        self._credentials = credentials
        self._config = config
        self._budgets = budgets
        self._keeper = keeper

    @property
    def base_url(self) -> str:
        """Origin of the trading API. Raises `InputError` where it is none."""
        return self._origin(self._credentials.get("base_url") or PAPER_URL, "base_url")

    @property
    def data_url(self) -> str:
        """Origin of the market data API."""
        default = self.base_url if self._is_local else DATA_URL
        return self._origin(self._credentials.get("data_url") or default, "data_url")

    @property
    def order_stream_url(self) -> str:
        """Address of the stream of orders."""
        return _socket(self.base_url) + "/stream"

    def quote_stream_url(self, crypto: bool) -> str:
        """Address of the stream of quotes: its host is the data host with `stream.` before it."""
        origin = _socket(self.data_url)
        host = origin if is_loopback(urlsplit(origin).hostname or "") else origin.replace("://data.", "://stream.data.")
        return host + ("/v1beta3/crypto/us" if crypto else f"/v2/{self._config.get('data_feed') or 'iex'}")

    @property
    def reconnects(self) -> int:
        """How often in a row a stream of orders is opened again."""
        return int(self._config.get("stream_reconnects", 5))

    @property
    def pause_seconds(self) -> float:
        """Before the first of them."""
        return float(self._config.get("stream_pause_seconds", 1))

    @cached_property
    def tokens(self) -> AccessToken | None:
        """The access token, where the credentials are for one; None for keys. Raises `AuthenticationFailed` for half of them."""
        from include.brokers.alpaca.tokens import TOKEN_URL, fetch_token

        fixed, client_id = self._credentials.get("oauth_token", "").strip(), self._credentials.get("client_id", "").strip()
        if not fixed and not client_id:
            return None
        if fixed:
            return AccessToken(None, token=Token(value=SecretStr(fixed)))
        url = self._credentials.get("token_url") or (f"{self.base_url}/v1/oauth2/token" if self._is_local else TOKEN_URL)
        secret = self._key("client_secret")
        seconds, trust_env = self._timeout_seconds, not self._is_local
        login = f"{self._whence('client_id', 'client_secret')}; {self._whence('token_url')}"
        fetch = partial(fetch_token, client_id, secret, url, timeout_seconds=seconds, trust_env=trust_env, whence=login)
        return AccessToken(fetch, name=token_name("alpaca", url, client_id, secret), keeper=self._keeper)

    @property
    def is_stale(self) -> bool:
        """Whether the access token is about to end."""
        return self.tokens is not None and self.tokens.is_stale

    def open_client(self) -> "AlpacaClient":
        """Clients for everything but the streams. Raises `AuthenticationFailed` or `InputError`."""
        from include.brokers.alpaca.client import AlpacaClient

        keys = ("", "") if self.tokens else (self._key("api_key"), self._key("secret_key"))
        return AlpacaClient(
            *keys,
            self.base_url,
            self.data_url,
            timeout_seconds=self._timeout_seconds,
            pacer=self._pacer(),
            tokens=self.tokens,
            data_feed=str(self._config.get("data_feed") or ""),
            advice=self.advice,
        )

    @property
    def advice(self) -> Advice:
        """What messages end with. Raises `InputError` for a URL that is none."""
        names = ("oauth_token",) if self._credentials.get("oauth_token") else ("client_id", "client_secret")
        keys = self._whence(*(names if self.tokens else ("api_key", "secret_key")))
        host = urlsplit(self.base_url).hostname
        return Advice(
            address=f". Is this machine online, and is the address right ({self._whence('base_url', 'data_url')})?",
            login=f". Are these the credentials of {host}? Paper and live have their own ({keys})",
        )

    def login(self) -> "Login":
        """What a stream is opened with; a token that is good for a while. Raises as `Tokens.current`."""
        from include.brokers.alpaca.streams import Login

        if self.tokens:
            return Login("", "", self.tokens.current(), self._timeout_seconds, self.advice)
        return Login(self._key("api_key"), self._key("secret_key"), "", self._timeout_seconds, self.advice)

    def _pacer(self) -> Pacer:
        login = next((self._credentials[name] for name in _LOGINS if self._credentials.get(name)), "")
        return Pacer(Pacing.model_validate(self._config.get("pacing") or {}), self._budgets, login)

    @property
    def _is_local(self) -> bool:
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def _timeout_seconds(self) -> float:
        return float(self._config.get("timeout_seconds", 20))

    def _key(self, name: str) -> str:
        value = self._credentials.get(name, "").strip()
        if not value:
            raise AuthenticationFailed(f"alpaca: no {name} ({self._whence(name)})", broker="alpaca")
        if not (value.isascii() and value.isprintable()):
            raise AuthenticationFailed(f"alpaca: {name} holds characters that no key has ({self._whence(name)})", broker="alpaca")
        return value

    def _whence(self, *names: str) -> str:
        return whence(self._config, self._account, *names)

    def _origin(self, url: str, field: str) -> str:
        """The URL without a trailing slash and API version."""
        found = url.strip().rstrip("/").removesuffix("/v2")
        try:
            parts = urlsplit(found)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable:
            expected = f"expected a URL such as {PAPER_URL} ({self._whence(field)})"
            raise InputError(expected, source="credentials of alpaca", field=field)
        return found


def _socket(origin: str) -> str:
    """The same for web sockets."""
    return origin.replace("http", "ws", 1)
