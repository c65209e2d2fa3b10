"""A broker's YAML: types of its keys, and keys that nobody declares."""

from decimal import Decimal
from typing import Any

import pytest

from include.errors import InputError
from include.settings.broker_file import broker_file

OWN = {"own_settings": "include.brokers.ibkr.own_settings:IbkrSettings"}


def refused(values: dict[Any, Any]) -> str:
    with pytest.raises(InputError) as caught:
        broker_file(values, "brokers/toy.yaml")
    return str(caught.value).removeprefix("brokers/toy.yaml, ")


def test_what_is_left_out_has_its_default() -> None:
    file = broker_file({}, "brokers/toy.yaml")
    assert (file.adapter, file.enabled, file.credentials, file.eligible.regions) == (None, True, {}, ())
    assert file.risk_limits.model_dump() == {"max_order_value": None, "max_position_value": None, "max_orders_per_run": None}


def test_values_have_their_types() -> None:
    values = {"enabled": False, "risk_limits": {"max_order_value": 1000, "max_orders_per_run": 3}, "hours": [{"per_week": 80}]}
    file = broker_file(values, "brokers/toy.yaml")
    assert (file.enabled, file.risk_limits.max_order_value, file.risk_limits.max_orders_per_run) == (False, Decimal(1000), 3)
    assert file.terms.hours[0].per_week == Decimal(80)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"enabled": "perhaps"},
            "field 'enabled': Input should be a valid boolean, unable to interpret input (found 'perhaps')",
        ),
        ({"adapter": 3}, "field 'adapter': Input should be a valid string (found 3)"),
        (
            {"risk_limits": {"max_order_value": 0}},
            "field 'risk_limits.max_order_value': Input should be greater than 0 (found 0)",
        ),
        ({"risk_limits": {"max_order": 1}}, "field 'risk_limits.max_order': Extra inputs are not permitted (found 1)"),
        ({"eligble": {}}, "field 'eligble': expected 'eligible', or a key that the model in `own_settings` declares"),
        (
            OWN | {"pacing": {"messages_per_second": "many"}},
            "field 'pacing.messages_per_second': Input should be a valid number, unable to parse string as a number"
            " (found 'many')",
        ),
        (
            OWN | {"client_ids": {"reading": []}},
            "field 'client_ids.reading': Tuple should have at least 1 item after validation, not 0 (found [])",
        ),
        (OWN | {"pacin": {}}, "field 'pacin': expected 'pacing', or a key that the model in `own_settings` declares"),
        (
            {"own_settings": "include.nowhere:Model"},
            "field 'own_settings': expected 'package.module:Model': No module named 'include.nowhere' "
            "(found 'include.nowhere:Model')",
        ),
        (
            {"own_settings": "include.errors:InputError"},
            "field 'own_settings': expected a pydantic model (found 'include.errors:InputError')",
        ),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    assert refused(values) == message


def test_a_key_nobody_declares_names_those_that_are() -> None:
    assert refused({"zzz": 1}).endswith("a key of the adapter's own: there is no `own_settings`")
    assert "IbkrSettings declares client_ids, exchange_mics, " in refused(OWN | {"zzz": 1})
    assert refused({3: 1}).startswith("field '3': expected one of ")


@pytest.mark.parametrize("secret", ["PKCANARY123", "canary/secret+value", "", "x y"])
def test_a_secret_where_a_variables_name_belongs_is_refused_and_not_quoted(secret: str) -> None:
    found = refused({"credentials": {"api_key": secret}})
    assert found.startswith("field 'credentials.api_key': String should match pattern")
    assert not secret or secret not in found
