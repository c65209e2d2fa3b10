"""Access tokens in the project's database: one for all tasks of a login, and nothing of it can be read there."""

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from include.brokers.access_token import token_name
from include.brokers.opening import open_broker
from include.domain.account import Account, Environment
from include.domain.token import Token
from include.errors import AuthenticationFailed
from include.sandbox.alpaca import sandbox_keys
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from include.settings import load_settings
from include.storage.database import open_database, upgrade
from include.storage.tokens import TokenStore, token_names, token_store
from tests.brokers.alpaca import conftest as c
from tests.brokers.alpaca.test_tokens import asked_for_tokens

KEY, SECRET = sandbox_keys(c.CODE)
ENVIRON = {"POLYBROKER_FERNET_KEY": Fernet.generate_key().decode()}
PROCESSES = 3


def one_task(url: str, environ: dict[str, str], credentials: dict[str, str], together: Barrier | None = None) -> None:
    """What a task does: it opens the broker and reads something."""
    account = Account(account_id="alpaca-main", broker="alpaca", environment=Environment.SANDBOX)
    with open_database(url) as database:
        if together is not None:
            together.wait(timeout=120)
        with open_broker(
            account,
            settings=load_settings(),
            credentials=lambda _: credentials,
            tokens=token_store(database, environ),
            sandbox_token=c.TOKEN,
        ) as broker:
            assert broker.list_orders() == []


@pytest.fixture
def url(tmp_path: Path) -> str:
    found = f"sqlite:///{tmp_path / 'polybroker.db'}"
    upgrade(found)
    return found


@pytest.fixture
def credentials(server: AlpacaVenue, book: VenueBook) -> Iterator[dict[str, str]]:
    yield {"client_id": KEY, "client_secret": SECRET, "base_url": server.url}
    server.venue.tokens.clear()


def test_processes_at_once_ask_for_one_token(url: str, credentials: dict[str, str], book: VenueBook) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (url, ENVIRON, credentials, context.Barrier(PROCESSES))
    processes = [context.Process(target=one_task, args=arguments) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert asked_for_tokens(book) == 1


def test_the_next_task_uses_it_and_replaces_one_that_is_refused(
    url: str, credentials: dict[str, str], book: VenueBook, server: AlpacaVenue
) -> None:
    one_task(url, ENVIRON, credentials)
    one_task(url, ENVIRON, credentials)
    assert asked_for_tokens(book) == 1
    server.venue.tokens.clear()  # it ended, whatever was said of its end
    one_task(url, ENVIRON, credentials)
    one_task(url, ENVIRON, credentials)
    assert asked_for_tokens(book) == 2


def test_one_that_ended_is_renewed(url: str, credentials: dict[str, str], book: VenueBook) -> None:
    ended = Token(value=SecretStr("ended"), expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with open_database(url) as database:
        kept = store(database)
        name = token_name("alpaca", f"{credentials['base_url']}/v1/oauth2/token", KEY, SECRET)
        kept.put(name, ended, datetime.now(UTC))
    one_task(url, ENVIRON, credentials)
    assert asked_for_tokens(book) == 1
    with open_database(url) as database:
        found = store(database).get(name)
        assert found is not None
        assert found.expires_at is not None
        assert timedelta(minutes=14) < found.expires_at - datetime.now(UTC) < timedelta(minutes=15)


def test_another_secret_never_takes_the_token(url: str, credentials: dict[str, str]) -> None:
    one_task(url, ENVIRON, credentials)
    with pytest.raises(AuthenticationFailed, match="refused client id and secret"):
        one_task(url, ENVIRON, {**credentials, "client_secret": "another"})


def test_without_a_key_it_lives_in_the_process(url: str, credentials: dict[str, str], book: VenueBook) -> None:
    one_task(url, {}, credentials)
    one_task(url, {}, credentials)
    assert asked_for_tokens(book) == 2
    with open_database(url) as database:
        assert token_names(database) == {}


def test_nothing_of_it_can_be_read_in_the_files(
    url: str, credentials: dict[str, str], tmp_path: Path, server: AlpacaVenue
) -> None:
    one_task(url, ENVIRON, credentials)
    [given] = server.venue.tokens
    with open_database(url) as database:
        [name] = token_names(database)
        kept = store(database).get(name)
        assert kept is not None
        assert kept.value.get_secret_value() == given
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(name.encode() in content for content in files)
    for secret in (given, SECRET, KEY):
        assert not any(secret.encode() in content for content in files)


def store(database: object) -> TokenStore:
    found = token_store(database, ENVIRON)  # type: ignore[arg-type]
    assert found is not None
    return found
