from pathlib import Path

import pytest
from airflow.sdk import Connection
from airflow.sdk._shared.secrets_masker import _secrets_masker as secrets_masker

import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
from include.brokers import opening
from include.domain.account import Account, Environment
from include.errors import BrokerUnavailable, InputError
from include.hooks.brokers import connection_credentials, credentials
from include.settings import Settings, load_settings

PAPER = Account(account_id="alpaca-main", broker="alpaca", environment=Environment.PAPER)
SANDBOX = PAPER.model_copy(update={"environment": Environment.SANDBOX})
ENVIRON = {"ALPACA_API_KEY": "key", "ALPACA_SECRET_KEY": "secret", "ALPACA_BASE_URL": ""}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("POLYBROKER_SANDBOX_DIR", str(tmp_path))
    return load_settings()


def test_a_connections_fields_become_credentials() -> None:
    connection = Connection(
        conn_id="polybroker_alpaca", conn_type="http", login="key", password="secret", extra='{"base_url": "https://paper"}'
    )
    assert connection_credentials(connection) == {"api_key": "key", "secret_key": "secret", "base_url": "https://paper"}


def test_host_and_port_of_a_connection_and_what_its_extra_overrides() -> None:
    connection = Connection(
        conn_id="polybroker_ibkr", conn_type="http", host="gateway", port=4002, extra='{"client_id": 7, "port": 4001}'
    )
    assert connection_credentials(connection) == {"host": "gateway", "port": "4001", "client_id": "7"}


def test_a_connection_wins_over_the_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_POLYBROKER_ALPACA", '{"conn_type": "http", "login": "from", "password": "airflow"}')
    assert credentials(settings, ENVIRON)(PAPER) == {"api_key": "from", "secret_key": "airflow"}


def test_an_account_names_a_connection_of_its_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SECOND_LOGIN", '{"conn_type": "http", "login": "second"}')
    second = PAPER.model_copy(update={"connection": "second_login"})
    assert credentials(settings, ENVIRON)(second) == {"api_key": "second"}


def test_a_sandbox_account_finds_the_venues_by_their_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "sandbox.env").write_text("ALPACA_API_KEY=PKLOCAL\nALPACA_BASE_URL=http://127.0.0.1:1\n", encoding="utf-8")
    found = opening.sandbox_environ(settings, {"ALPACA_API_KEY": "", "ALPACA_SECRET_KEY": "set"})
    assert found == {"ALPACA_API_KEY": "PKLOCAL", "ALPACA_SECRET_KEY": "set", "ALPACA_BASE_URL": "http://127.0.0.1:1"}


def test_the_token_comes_from_the_environment_then_from_the_file(settings: Settings, tmp_path: Path) -> None:
    assert opening.sandbox_token(settings, {}) is None
    (tmp_path / "token").write_text("filed\n", encoding="utf-8")
    assert opening.sandbox_token(settings, {}) == "filed"
    assert opening.sandbox_token(settings, {"POLYBROKER_SANDBOX_TOKEN": "given"}) == "given"


def test_a_broker_is_read_through_its_first_account_or_one_of_its_own(settings: Settings) -> None:
    assert opening.reading_account("ibkr", settings.portfolios).account_id == "ibkr-main"
    assert opening.reading_account("binance", settings.portfolios).account_id == "binance-reader"


def test_a_named_connection_that_is_nowhere_is_no_reason_to_use_another_login(settings: Settings) -> None:
    second = PAPER.model_copy(update={"connection": "second_login"})
    with pytest.raises(InputError, match="ALPACA_API_KEY__SECOND_LOGIN"):
        credentials(settings, ENVIRON)(second)
    assert credentials(settings, {**ENVIRON, "ALPACA_API_KEY__SECOND_LOGIN": "two"})(second) == {"api_key": "two"}


def test_secrets_of_the_environment_are_masked_in_logs(settings: Settings) -> None:
    credentials(settings, {"ALPACA_SECRET_KEY": "CANARY-4711"})(PAPER)
    assert secrets_masker().redact("said CANARY-4711 aloud") == "said *** aloud"


def test_an_error_that_leaves_an_open_broker_quotes_no_key(settings: Settings) -> None:
    keys = {"api_key": "CANARY-1", "secret_key": "CANARY-2", "base_url": "http://127.0.0.1:9"}

    def use() -> None:
        account = Account(account_id="a", broker="alpaca", environment=Environment.PAPER)
        opened = opening.open_broker(account, settings=settings, credentials=lambda _: keys, connects_when_asked=True)
        with opened as broker:
            raise BrokerUnavailable(f"said {broker.context.credentials['secret_key']}")

    with pytest.raises(BrokerUnavailable, match=r"^said \*\*\*$"):
        use()
