"""An app that a person logs in with: the page's address, the token in use, and what is said when a person is needed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.base import Broker, BrokerContext, ConnectionState
from include.brokers.login import LoginAttempt, LoginFlow
from include.brokers.opening import open_broker, open_login
from include.domain.account import Account, Environment
from include.domain.token import Token
from include.errors import AuthenticationFailed, Unsupported
from include.sandbox.alpaca import sandbox_keys
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from include.settings import load_settings
from include.storage.database import open_database, upgrade
from include.storage.tokens import TokenStore, cipher
from tests.brokers.alpaca import conftest as c

KEY, SECRET = sandbox_keys(c.CODE)
APP = {"app_id": KEY, "app_secret": SECRET}
RUN = "run `polybroker tokens login alpaca-main`"
ACCOUNT = Account(account_id="alpaca-main", broker="alpaca", environment=Environment.SANDBOX)
Opener = Callable[[], AbstractContextManager[Broker]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TokenStore]:
    url = f"sqlite:///{tmp_path / 'polybroker.db'}"
    upgrade(url)
    with open_database(url) as database:
        yield TokenStore(database, cipher({"POLYBROKER_FERNET_KEY": Fernet.generate_key().decode()}))


@pytest.fixture
def credentials(server: AlpacaVenue, book: VenueBook) -> Iterator[dict[str, str]]:
    yield {**APP, "base_url": server.url}
    server.venue.tokens.clear()


@pytest.fixture
def flow(credentials: dict[str, str]) -> LoginFlow:
    with open_login(ACCOUNT, settings=load_settings(), credentials=lambda _: credentials) as found:
        return found


@pytest.fixture
def opened(credentials: dict[str, str], store: TokenStore) -> Opener:
    return lambda: open_broker(
        ACCOUNT, settings=load_settings(), credentials=lambda _: credentials, tokens=store, sandbox_token=c.TOKEN
    )


def flow_of(environment: Environment = Environment.PAPER, **credentials: str) -> LoginFlow:
    account = Account(account_id="alpaca-main", broker="alpaca", environment=environment)
    return AlpacaBroker.login_flow(account, BrokerContext(credentials=credentials, config=c.CONFIG))


@pytest.mark.parametrize(("environment", "word"), [(Environment.PAPER, "paper"), (Environment.LIVE, "live")])
def test_the_page_at_alpaca(environment: Environment, word: str) -> None:
    found = flow_of(environment, app_id="ID", app_secret="CANARY")
    url = urlsplit(found.url(LoginAttempt("https://mine.example/back", state="S")))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://app.alpaca.markets/oauth/authorize"
    assert dict(parse_qsl(url.query)) == {
        "response_type": "code",
        "client_id": "ID",
        "redirect_uri": "https://mine.example/back",
        "state": "S",
        "scope": "account:write trading data",
        "env": word,
    }
    assert "CANARY" not in repr(found)


def test_the_token_of_a_log_in_is_used_until_alpaca_refuses_it(
    flow: LoginFlow, opened: Opener, store: TokenStore, server: AlpacaVenue, book: VenueBook
) -> None:
    with pytest.raises(AuthenticationFailed, match=f"nobody has logged in yet: {RUN}"), opened():
        pass
    given = server.venue.new_token(ends=False)
    store.put(flow.token_name, Token(value=SecretStr(given)), datetime.now(UTC))
    with opened() as broker:
        assert broker.submit(c.order()).client_order_id == "A" * 20
        broker.refresh()
        assert broker.state is ConnectionState.CONNECTED
        asked = [kind for _, kind, _ in book.requests]
        assert "POST /oauth/token" not in asked
        del server.venue.tokens[given]  # revoked
        with pytest.raises(AuthenticationFailed, match=f"alpaca-main: its token is not good any more: {RUN}") as error:
            broker.list_orders()
    assert given not in str(error.value)
    newer = server.venue.new_token(ends=False)
    store.put(flow.token_name, Token(value=SecretStr(newer)), datetime.now(UTC))
    with opened() as broker:
        assert broker.find_order("A" * 20) is not None


def test_a_task_that_is_running_takes_the_new_log_in(
    flow: LoginFlow, opened: Opener, store: TokenStore, server: AlpacaVenue
) -> None:
    first = server.venue.new_token(ends=False)
    store.put(flow.token_name, Token(value=SecretStr(first)), datetime.now(UTC))
    with opened() as broker:
        del server.venue.tokens[first]
        store.put(flow.token_name, Token(value=SecretStr(server.venue.new_token(ends=False))), datetime.now(UTC))
        assert broker.list_orders() == []


def test_without_a_key_there_is_nowhere_to_keep_it(credentials: dict[str, str]) -> None:
    broker = AlpacaBroker(ACCOUNT, BrokerContext(credentials=credentials, config=c.CONFIG))
    with pytest.raises(AuthenticationFailed, match=f"kept encrypted, set POLYBROKER_FERNET_KEY: {RUN}"):
        broker.connect()


@pytest.mark.parametrize(
    "credentials",
    [
        {"api_key": "K", "secret_key": "S"},
        {"client_id": "I", "client_secret": "S"},
        {"app_id": "I", "app_secret": "S", "oauth_token": "T"},
    ],
)
def test_other_credentials_need_no_person(credentials: dict[str, str]) -> None:
    with pytest.raises(Unsupported, match="alpaca-main does not log in through a web page: only ALPACA_APP_ID"):
        flow_of(**credentials)


def test_half_of_an_app() -> None:
    with pytest.raises(AuthenticationFailed, match="no app_secret .ALPACA_APP_SECRET"):
        flow_of(app_id="I")


def test_a_broker_without_such_a_page() -> None:
    account = Account(account_id="ibkr-main", broker="ibkr", environment=Environment.SANDBOX)
    with (
        pytest.raises(Unsupported, match="ibkr has no log-in through a web page: see docs/accounts.md"),
        open_login(account, settings=load_settings(), credentials=lambda _: {}),
    ):
        pass
