"""Credentials by the names that a broker's YAML lists."""

from typing import Any

import pytest

from include.brokers.credentials import credentials_from_environment
from include.errors import InputError
from include.settings import load_settings

ALPACA = {"credentials": {"api_key": "ALPACA_API_KEY", "secret_key": "ALPACA_SECRET_KEY", "base_url": "ALPACA_BASE_URL"}}


def test_what_is_there_is_taken() -> None:
    environ = {"ALPACA_API_KEY": " PK1 ", "ALPACA_SECRET_KEY": "s", "ALPACA_BASE_URL": "", "OTHER": "x"}
    assert credentials_from_environment(ALPACA, environ) == {"api_key": "PK1", "secret_key": "s"}


@pytest.mark.parametrize("config", [{}, {"credentials": None}, {"credentials": {}}])
def test_a_broker_without_a_table_has_none(config: dict[str, Any]) -> None:
    assert credentials_from_environment(config, {"ALPACA_API_KEY": "x"}) == {}


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("ALPACA_API_KEY", "credentials"),
        (["ALPACA_API_KEY"], "credentials"),
        ({"api_key": 7}, "credentials.api_key"),
        ({"api_key": ""}, "credentials.api_key"),
        ({1: "X"}, "credentials.1"),
    ],
)
def test_a_table_that_is_none_names_the_field(table: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        credentials_from_environment({"adapter": "include.brokers.alpaca.adapter:AlpacaBroker", "credentials": table}, {})
    assert caught.value.field == field
    assert "include.brokers.alpaca.adapter" in str(caught.value)


def test_the_variables_of_the_projects_brokers() -> None:
    environ = {
        "IB_HOST": "127.0.0.1",
        "IB_PORT": "7497",
        "IB_CLIENT_ID": "7",
        "ALPACA_API_KEY": "k",
        "ALPACA_SECRET_KEY": "s",
        "ALPACA_BASE_URL": "https://paper-api.alpaca.markets",
        "ALPACA_DATA_URL": "https://data.alpaca.markets",
    }
    brokers = load_settings().brokers
    assert credentials_from_environment(brokers["ibkr"], environ) == {"host": "127.0.0.1", "port": "7497", "client_id": "7"}
    assert credentials_from_environment(brokers["alpaca"], environ) == {
        "api_key": "k",
        "secret_key": "s",
        "base_url": "https://paper-api.alpaca.markets",
        "data_url": "https://data.alpaca.markets",
    }
    assert credentials_from_environment(brokers["paper"], environ) == {}
