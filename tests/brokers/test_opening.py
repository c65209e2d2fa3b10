from collections.abc import Mapping, Sequence

import pytest

from include.brokers.guarded import Guarded
from include.brokers.opening import open_broker
from include.domain.account import Account, Environment
from include.domain.health import CallCount
from include.sandbox.alpaca.keys import sandbox_keys
from include.sandbox.alpaca.server import venue_in_thread
from include.settings import Settings, load_settings
from tests.brokers.alpaca.conftest import CODE, TOKEN, new_book
from tests.fakes.shared_state import MemoryState

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


def test_an_adapters_limit_is_taken_from_what_all_processes_share(settings: Settings) -> None:
    store, counted = MemoryState(), []
    account = Account(account_id="alpaca-main", broker="alpaca", environment=Environment.SANDBOX)

    class Counted:
        def add(self, counts: Sequence[CallCount]) -> None:
            counted.extend((row.source, row.method, row.code, row.calls) for row in counts)

    with (
        venue_in_thread(new_book()) as venue,
        open_broker(
            account,
            settings=settings,
            credentials=lambda _: dict(zip(("api_key", "secret_key"), sandbox_keys(CODE), strict=True)) | {"base_url": venue.url},
            shared=store,
            calls=Counted(),
            sandbox_token=TOKEN,
        ) as broker,
    ):
        source = broker.source
        (name,) = [name for name in store.documents if name.startswith("slots:")]
        held = store.read(name)
        assert sum(each["slots"] for each in held["holders"].values()) == 12
        assert sum(count for _, count in held["free"]) == 190 - 12
    assert store.read(name)["holders"] == {}  # closing gave them back
    assert [count for ready, count in store.read(name)["free"] if ready] == [1]  # the one request of connecting
    assert counted == [(source, "connect", "", 1)]
