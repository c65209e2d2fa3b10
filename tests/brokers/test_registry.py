"""Broker names to adapters, and the proof of an environment."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.base import BrokerContext
from include.brokers.binance.listing import contracts
from include.brokers.environment import is_loopback, sandbox_account_code
from include.brokers.registry import broker_class, create_broker, declared_capabilities, handle_reader, list_reader
from include.brokers.zerodha.token_list import read_token_list
from include.domain.account import Account
from include.errors import InputError
from include.settings import load_settings

ALPACA = {"alpaca": {"adapter": "include.brokers.alpaca.adapter:AlpacaBroker"}}


def test_the_yaml_names_the_class() -> None:
    assert broker_class("alpaca", ALPACA) is AlpacaBroker
    assert broker_class("alpaca", load_settings().brokers) is AlpacaBroker


def test_a_broker_is_made_but_not_connected() -> None:
    account, context = Account(account_id="a", broker="alpaca"), BrokerContext()
    broker = create_broker(account, context, ALPACA)
    assert isinstance(broker, AlpacaBroker)
    assert (broker.account, broker.context, broker.name) == (account, context, "alpaca")


def test_an_unknown_broker_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"alpaca.*'binance'"):
        broker_class("binance", ALPACA)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "include.brokers.alpaca.adapter",
        "include.brokers.alpaca.adapter:Nobody",
        "include.brokers.nowhere:AlpacaBroker",
        "include.domain.account:Account",
        "include.brokers.registry:broker_class",
    ],
)
def test_an_adapter_that_is_none(target: str) -> None:
    with pytest.raises(InputError) as caught:
        broker_class("mine", {"mine": {"adapter": target}})
    assert (caught.value.source, caught.value.field) == ("brokers/mine.yaml", "adapter")


def test_a_broker_without_an_adapter() -> None:
    with pytest.raises(
        InputError, match="binance has no adapter yet; its list can be mapped: polybroker map --list binance=FILE"
    ):
        broker_class("binance", load_settings().brokers)


def test_the_yaml_names_the_list_reader() -> None:
    brokers = load_settings().brokers
    assert list_reader("binance", brokers) is contracts
    with pytest.raises(
        InputError, match=r"ibkr\.yaml, field 'list_reader': expected a broker whose list can be read: alpaca, bin"
    ):
        list_reader("ibkr", brokers)
    with pytest.raises(InputError, match=r"expected one of alpaca.*'kraken'"):
        list_reader("kraken", brokers)


@pytest.mark.parametrize("target", ["", "include.brokers.binance.listing", "include.brokers.binance.listing:NAME", "a.b:c"])
def test_a_list_reader_that_is_none(target: str) -> None:
    with pytest.raises(InputError) as caught:
        list_reader("mine", {"mine": {"list_reader": target}})
    assert (caught.value.source, caught.value.field) == ("brokers/mine.yaml", "list_reader")


def test_a_reader_of_hand_made_lists_is_named_where_there_is_a_form_of_its_own() -> None:
    brokers = load_settings().brokers
    assert handle_reader("zerodha", brokers) is read_token_list
    assert handle_reader("alpaca", brokers) is None
    with pytest.raises(InputError, match=r"expected one of alpaca.*'kraken'"):
        handle_reader("kraken", brokers)
    with pytest.raises(InputError, match=r"mine\.yaml, field 'handle_reader'"):
        handle_reader("mine", {"mine": {"handle_reader": "a.b:c"}})


def test_what_adapters_declare_is_known_without_opening_one() -> None:
    configs = {**ALPACA, "mirror": {"adapter": "anything", "mirrors": "alpaca"}, "broken": {"adapter": "nowhere:Nobody"}}
    found = declared_capabilities(configs, ["alpaca", "mirror", "broken", "nobody"])
    assert found == {"alpaca": AlpacaBroker.capabilities, "mirror": AlpacaBroker.capabilities}
    paper = {"paper": {"adapter": "include.brokers.paper.adapter:PaperBroker"}}
    assert declared_capabilities(paper, ["paper"]) == {}  # only an open one knows


def test_finding_an_adapter_does_not_import_its_sdk() -> None:
    script = (
        "import sys; from include.brokers.registry import broker_class; "
        "broker_class('alpaca', {'alpaca': {'adapter': 'include.brokers.alpaca.adapter:AlpacaBroker'}}); "
        "print([name for name in ('alpaca', 'pandas', 'requests') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_adapter_that_was_loaded_imports_nothing_more_of_its_sdk_when_it_connects() -> None:
    script = """
import sys
from include.brokers.base import BrokerContext
from include.brokers.credentials import Keys
from include.brokers.registry import create_broker
from include.domain.account import Account
from include.errors import BrokerUnavailable
keys = Keys({"api_key": "k", "secret_key": "s", "base_url": "http://127.0.0.1:1", "data_url": "http://127.0.0.1:1"})
adapter = {"adapter": "include.brokers.alpaca.adapter:AlpacaBroker"}
broker = create_broker(Account(account_id="a", broker="alpaca"), BrokerContext(credentials=keys), {"alpaca": adapter})
broker.load()
before = {name for name in sys.modules if name.split(".")[0] in ("alpaca", "pandas", "requests")}
try:
    broker.connect()
except BrokerUnavailable:
    now = {name for name in sys.modules if name.split(".")[0] in ("alpaca", "pandas", "requests")}
    print("alpaca.trading.client" in before, sorted(now - before))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True []"


def test_the_account_code_of_a_token() -> None:
    # sha256("token") begins with 3c469e9d.
    assert sandbox_account_code("DU", "token") == "DUSBX3C469E9D"
    assert sandbox_account_code("", "token") == "SBX3C469E9D"


@given(one=st.text(), other=st.text())
def test_another_token_shows_another_code(one: str, other: str) -> None:
    assert (sandbox_account_code("", one) == sandbox_account_code("", other)) is (one == other)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("paper-api.alpaca.markets", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_sandbox_is_a_source_of_its_own() -> None:
    def source(environment: str, token: str | None = None) -> str:
        account = Account.model_validate({"account_id": "a", "broker": "alpaca", "environment": environment})
        return create_broker(account, BrokerContext(sandbox_token=token), ALPACA).source

    assert (source("paper"), source("live")) == ("alpaca-paper", "alpaca-live")
    assert source("sandbox", "one") != source("sandbox", "two")
    assert source("sandbox", "one").startswith("alpaca-sbx")
