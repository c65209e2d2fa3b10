"""What a connection to Alpaca is opened with, out of credentials and settings."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from include.brokers.access_token import AccessToken, TokenKeeper
from include.brokers.alpaca.failures import Advice
from include.brokers.budgets import Budgets
from include.brokers.credentials import whence
from include.brokers.environment import is_loopback
from include.brokers.login import LoginFlow
from include.brokers.pacing import Pacer
from include.domain.account import Account
from include.domain.pacing import Pacing
from include.domain.token import Token
from include.errors import AuthenticationFailed, InputError, Unsupported

if TYPE_CHECKING:
    from include.brokers.alpaca.client import AlpacaClient
    from include.brokers.alpaca.streams import Login

PAPER_URL = "https://paper-api.alpaca.markets"
DATA_URL = "https://data.alpaca.markets"
_LOGINS = ("api_key", "client_id", "oauth_token")


class Settings:
    """Read when they are needed: a broker that is never connected needs none.

    Args:
        account: For which.
        credentials: See `include/brokers/alpaca/adapter.py`.
        config: The broker's YAML: `timeout_seconds`, `pacing`, `data_feed`, `stream_reconnects`, `stream_pause_seconds`.
        budgets: Where the rate limit is shared with other processes of the same login; None: this one is alone.
        keeper: Where access tokens outlive this process; None: nowhere.
    """

    def __init__(
        self,
        account: Account,
        credentials: Mapping[str, str],
        config: Mapping[str, Any],
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
        if fixed := self._given("oauth_token"):
            return AccessToken(None, token=Token(value=SecretStr(fixed)))
        if self._logs_in:
            flow = self.login_flow()
            if self._keeper is None:
                raise flow.person_needed("tokens are kept encrypted, set POLYBROKER_FERNET_KEY")
            return AccessToken(flow.renew, name=flow.token_name, keeper=self._keeper)
        return self._client_tokens() if self._given("client_id") else None

    def login_flow(self) -> LoginFlow:
        """How a person logs in with an app. Raises `Unsupported` for other credentials, `AuthenticationFailed` for half."""
        from include.brokers.alpaca.tokens import app_login

        if not self._logs_in:
            words = (
                f"{self._account.account_id} does not log in through a web page: only ALPACA_APP_ID with ALPACA_APP_SECRET does"
            )
            raise Unsupported(f"alpaca: {words}, and without ALPACA_OAUTH_TOKEN", broker="alpaca")
        return app_login(
            self._account,
            self._key("app_id"),
            self._key("app_secret"),
            venue=self.base_url if self._is_local else None,
            timeout_seconds=self._timeout_seconds,
            trust_env=not self._is_local,
            whence=self._whence("app_id", "app_secret"),
        )

    def _client_tokens(self) -> AccessToken:
        from include.brokers.alpaca.tokens import TOKEN_URL, client_token
        from include.brokers.oauth import OAuthClient

        default = f"{self.base_url}/v1/oauth2/token" if self._is_local else TOKEN_URL
        client = OAuthClient(
            broker="alpaca",
            token_url=self._credentials.get("token_url") or default,
            client_id=self._key("client_id"),
            client_secret=SecretStr(self._key("client_secret")),
            timeout_seconds=self._timeout_seconds,
            trust_env=not self._is_local,
            whence=f"{self._whence('client_id', 'client_secret')}; {self._whence('token_url')}",
        )
        return AccessToken(lambda _: client_token(client), name=client.name(), keeper=self._keeper)

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
        keys = self._whence(*self._login_names)
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
        login = next(filter(None, map(self._given, _LOGINS)), "")
        if self._logs_in:  # one app, several people: Alpaca counts per account
            login = f"{self._given('app_id')} {self._account.account_id}"
        return Pacer(Pacing.model_validate(self._config.get("pacing") or {}), self._budgets, login)

    @property
    def _login_names(self) -> tuple[str, ...]:
        """Our names of the credentials that it logs in with."""
        if self._given("oauth_token"):
            return ("oauth_token",)
        if self._logs_in:
            return ("app_id", "app_secret")
        return ("client_id", "client_secret") if self._given("client_id") else ("api_key", "secret_key")

    @property
    def _logs_in(self) -> bool:
        return bool(self._given("app_id") and not self._given("oauth_token"))

    @property
    def _is_local(self) -> bool:
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def _timeout_seconds(self) -> float:
        return float(self._config.get("timeout_seconds", 20))

    def _given(self, name: str) -> str:
        return self._credentials.get(name, "").strip()

    def _key(self, name: str) -> str:
        value = self._given(name)
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
