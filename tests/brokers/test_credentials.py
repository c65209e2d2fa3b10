"""Credentials by the names that a broker's YAML lists."""

import pickle
import traceback
from typing import Any

import pytest

from include.brokers.base import BrokerContext
from include.brokers.credentials import Keys, credentials_from_environment, scrub, whence
from include.domain.account import Account
from include.errors import BrokerUnavailable, InputError
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


SECOND = Account(account_id="alpaca-second", broker="alpaca", connection="my-Second")


def test_an_account_with_a_connection_has_variables_of_its_own() -> None:
    environ = {"ALPACA_API_KEY": "first", "ALPACA_SECRET_KEY": "first", "ALPACA_API_KEY__MY_SECOND": "second"}
    assert credentials_from_environment(ALPACA, environ, SECOND) == {"api_key": "second"}  # and no secret of the first
    first = SECOND.model_copy(update={"connection": None})
    assert credentials_from_environment(ALPACA, environ, first) == {"api_key": "first", "secret_key": "first"}
    assert credentials_from_environment({}, environ, SECOND) == {}


def test_an_account_with_a_connection_and_no_variable_takes_nobody_elses() -> None:
    with pytest.raises(InputError) as caught:
        credentials_from_environment(ALPACA, {"ALPACA_API_KEY": "first"}, SECOND)
    assert str(caught.value) == (
        "account alpaca-second, field 'connection': expected the Airflow Connection 'my-Second', or variables out of "
        "ALPACA_API_KEY__MY_SECOND, ALPACA_SECRET_KEY__MY_SECOND, ALPACA_BASE_URL__MY_SECOND"
    )


KEYS = Keys({"api_key": "CANARY", "secret_key": "CANARY-and-more", "host": "gateway", "pin": "123"})


def test_keys_are_read_one_by_one_and_never_shown_or_written() -> None:
    assert (KEYS["api_key"], KEYS.get("token"), len(KEYS)) == ("CANARY", None, 4)
    assert repr(KEYS) == str(KEYS) == "Keys(api_key=***, secret_key=***, host=***, pin=***)"
    assert "CANARY" not in repr(BrokerContext(credentials=dict(KEYS), sandbox_token="CANARY"))
    with pytest.raises(TypeError, match="never written"):
        pickle.dumps(KEYS)


def test_what_must_show_nowhere() -> None:
    assert KEYS.secrets == ("CANARY-and-more", "CANARY")  # the longest first; a host is none, three digits are everywhere


def library_error() -> BrokerUnavailable:
    def fail() -> None:
        try:
            try:
                "CANARY \u20ac".encode("latin-1")
            except UnicodeEncodeError as error:
                raise ValueError("bad header", {"key": "CANARY"}) from error
        except ValueError as error:
            raise BrokerUnavailable(f"refused {error}", context={"header": "CANARY-and-more"}) from error

    with pytest.raises(BrokerUnavailable) as caught:
        fail()
    return caught.value


def test_an_error_and_all_that_is_behind_it_is_scrubbed() -> None:
    error = library_error()
    assert "CANARY" in "".join(traceback.format_exception(error))
    scrub(error, KEYS.secrets)
    assert str(error) == "refused ('bad header', {'key': '***'})"
    assert error.context == {"header": "***"}
    told = "".join(line for line in traceback.format_exception(error) if "encode(" not in line)
    assert "CANARY" not in told.replace('{"key": "CANARY"}', "").replace('"header": "CANARY-and-more"', "")  # source lines


def test_an_error_without_secrets_stays_as_it_is() -> None:
    inner = ValueError("inner", 3)
    error = BrokerUnavailable("down", code="X", context={"a": "b"})
    error.__cause__ = inner
    scrub(error, KEYS.secrets)
    assert (error.args, error.context, inner.args, error.__cause__) == (("down",), {"a": "b"}, ("inner", 3), inner)


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (None, "ALPACA_API_KEY, ALPACA_BASE_URL, or the Connection polybroker_alpaca"),
        ("my-second", "ALPACA_API_KEY__MY_SECOND, ALPACA_BASE_URL__MY_SECOND, or the Connection my-second"),
    ],
)
def test_messages_tell_where_credentials_are_set(connection: str | None, expected: str) -> None:
    account = Account(account_id="a", broker="alpaca", connection=connection)
    assert whence(ALPACA, account, "api_key", "base_url") == expected


def test_a_credential_without_a_variable_is_told_by_its_own_name() -> None:
    assert whence({}, Account(account_id="a", broker="x"), "api_key") == "api_key, or the Connection polybroker_x"
