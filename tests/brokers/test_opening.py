from collections.abc import Mapping

import pytest

from include.brokers.guarded import Guarded
from include.brokers.opening import open_broker
from include.domain.account import Account
from include.settings import Settings, load_settings

KEYS = {"host": "127.0.0.1", "port": "1", "api_key": "key", "secret_key": "secret"}


@pytest.fixture
def settings() -> Settings:
    return load_settings()


def keys(account: Account) -> Mapping[str, str]:
    return KEYS


def opened(settings: Settings, broker: str) -> Guarded:
    account = Account(account_id=f"{broker}-main", broker=broker)
    with open_broker(account, settings=settings, credentials=keys, connects_when_asked=True) as found:
        assert isinstance(found, Guarded)
        return found


def test_nobody_is_given_a_bare_adapter(settings: Settings) -> None:
    assert opened(settings, "alpaca")._policy.attempts == 3


def test_what_mirrors_a_guarded_broker_does_not_repeat_its_reads_once_more(settings: Settings) -> None:
    paper = opened(settings, "paper")
    assert isinstance(paper.context.mirror, Guarded)
    assert (paper._policy.attempts, paper.context.mirror._policy.attempts) == (1, 3)
