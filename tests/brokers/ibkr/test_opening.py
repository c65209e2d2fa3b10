"""The address, and the account behind it."""

import pytest

from include.brokers.base import BrokerContext
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.account import Account, Environment
from include.errors import AuthenticationFailed, InputError
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.venue import CODE, make_book, make_broker


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


def test_credentials_must_say_where() -> None:
    account = Account(account_id="a", broker="ibkr")
    with pytest.raises(InputError, match="IB_HOST"):
        IbkrBroker(account, BrokerContext(credentials={"port": "1"}))
    with pytest.raises(InputError, match="whole number"):
        IbkrBroker(account, BrokerContext(credentials={"host": "127.0.0.1", "port": "tws"}))
