"""The address, and the account behind it."""

import pytest

from include.brokers.base import BrokerContext
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.account import Account, Environment
from include.errors import AuthenticationFailed, BrokerUnavailable, InputError
from include.sandbox.ibkr.server import running_ibkr_venue
from include.settings import load_settings
from tests.brokers.ibkr.venue import CODE, make_book, make_broker, unused_port


def test_the_sandbox_is_proven_by_its_token(port: int) -> None:
    with make_broker(port) as broker:
        broker.prove_environment()


@pytest.mark.parametrize(
    ("code", "environment", "token", "proven"),
    [
        (CODE, Environment.SANDBOX, None, False),
        (CODE, Environment.PAPER, None, False),
        (CODE, Environment.LIVE, None, False),
        ("DU1234567", Environment.PAPER, None, True),
        ("DF1234567", Environment.PAPER, None, True),
        ("DU1234567", Environment.LIVE, None, False),
        ("DU1234567", Environment.SANDBOX, "token-of-these-tests", False),
        ("U1234567", Environment.LIVE, None, True),
        ("U1234567", Environment.PAPER, None, False),
    ],
)
def test_an_account_code_proves_one_environment(code: str, environment: Environment, token: str | None, proven: bool) -> None:
    with (
        running_ibkr_venue(make_book(account_code=code)) as port,
        make_broker(port, environment=environment, token=token) as broker,
    ):
        if proven:
            broker.prove_environment()
        else:
            with pytest.raises(AuthenticationFailed, match=code):
                broker.prove_environment()


def test_the_named_account_must_exist(port: int) -> None:
    with pytest.raises(InputError, match=f"one of the accounts behind this login: {CODE}"):
        make_broker(port, broker_account="U7").connect()
    with make_broker(port, broker_account=CODE) as broker:
        broker.prove_environment()


def test_several_accounts_need_a_name() -> None:
    with running_ibkr_venue(make_book(account_code="DU1,DU2")) as port:
        with pytest.raises(InputError, match="DU1, DU2"):
            make_broker(port).connect()
        with make_broker(port, broker_account="DU2", environment=Environment.PAPER) as broker:
            broker.prove_environment()


@pytest.mark.parametrize(
    ("connection", "host", "port"),
    [
        (None, "IB_HOST, or the Connection polybroker_ibkr", "IB_PORT, or the Connection polybroker_ibkr"),
        ("second", "IB_HOST__SECOND, or the Connection second", "IB_PORT__SECOND, or the Connection second"),
    ],
)
def test_credentials_must_say_where(connection: str | None, host: str, port: str) -> None:
    account = Account(account_id="a", broker="ibkr", connection=connection)
    config = load_settings().brokers["ibkr"]
    with pytest.raises(InputError, match=host):
        IbkrBroker(account, BrokerContext(credentials={"port": "1"}, config=config))
    with pytest.raises(InputError, match=rf"whole number \({port}\)"):
        IbkrBroker(account, BrokerContext(credentials={"host": "127.0.0.1", "port": "tws"}, config=config))


def test_an_address_where_nobody_listens_says_what_to_look_at() -> None:
    with unused_port() as port, pytest.raises(BrokerUnavailable) as caught:
        make_broker(port).connect()
    words = str(caught.value)
    assert words.startswith(f"IBKR at 127.0.0.1:{port}: nobody can be reached there (ConnectionRefusedError")
    assert "Is TWS or IB Gateway running there and logged in, is its API switched on" in words
    assert "TWS 7496 live, 7497 paper; Gateway 4001 live, 4002 paper" in words
    assert words.endswith("Host and port: IB_HOST, IB_PORT, or the Connection polybroker_ibkr")


def test_a_host_that_is_none_says_the_same() -> None:
    with pytest.raises(BrokerUnavailable, match=r"nobody can be reached there .*IB_HOST, IB_PORT"):
        make_broker(7497, host="no-such-host.invalid").connect()


@pytest.mark.parametrize(
    ("for_orders", "advice"),
    [
        (False, r"in use \(11\): end the program that holds one, or name others \(client_ids\.reading in ibkr\.yaml\)"),
        (True, r"in use \(1\): .*name others \(client_ids in ibkr\.yaml, IB_CLIENT_ID, or the Connection polybroker_ibkr\)"),
    ],
)
def test_a_client_id_that_is_in_use_says_who_sets_it(port: int, for_orders: bool, advice: str) -> None:
    ids = {"orders": 1, "reading": [11]}
    with make_broker(port, for_orders=for_orders, client_ids=ids), pytest.raises(BrokerUnavailable, match=advice):
        make_broker(port, for_orders=for_orders, client_ids=ids).connect()


def test_a_login_of_another_kind_says_what_to_change(port: int) -> None:
    told = "Log TWS in to a paper account .*IB_HOST.*`environment` of account ibkr-main"
    with make_broker(port, environment=Environment.PAPER) as broker, pytest.raises(AuthenticationFailed, match=told):
        broker.prove_environment()
    with make_broker(port, token="another") as broker, pytest.raises(AuthenticationFailed, match="POLYBROKER_SANDBOX_TOKEN"):
        broker.prove_environment()
