"""A broker's YAML: types of its keys, and keys that nobody declares."""

from decimal import Decimal
from typing import Any

import pytest

from include.errors import InputError
from include.settings.broker_file import broker_file

PACING = {"limits": {"messages": {"allowed": 45, "seconds": 1}}, "weights": {"*": {"messages": 1}}}
OWN = {"own_settings": "include.brokers.ibkr.own_settings:IbkrSettings", "pacing": PACING}


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


def paced(limit: dict[str, Any] | None = None, **weights: Any) -> dict[str, Any]:
    limits = {"messages": {"allowed": 45, "seconds": 1} | (limit or {})}
    return OWN | {"pacing": {"limits": limits, "weights": {"*": {"messages": 1}, **weights}}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            paced({"allowed": "many"}),
            "field 'pacing.limits.messages.allowed': Input should be a valid integer, unable to parse string as an integer"
            " (found 'many')",
        ),
        (paced({"seconds": 0}), "field 'pacing.limits.messages.seconds': Input should be greater than 0 (found 0)"),
        (paced({"per": "key"}), "field 'pacing.limits.messages.per': Input should be 'login' or 'address' (found 'key')"),
        (paced({"burst": 1}), "field 'pacing.limits.messages.burst': Extra inputs are not permitted (found 1)"),
        (
            paced(order={"messages": 46}),
            "field 'pacing.weights.order.messages': expected a whole number up to 45, what `limits.messages` allows (found 46)",
        ),
        (
            paced(order={"messages": 0}),
            "field 'pacing.weights.order.messages': Input should be greater than or equal to 1 (found 0)",
        ),
        (paced(order={"orders": 1}), "field 'pacing.weights.order.orders': expected one of `limits`: messages"),
        (
            paced(ordr={"messages": 1}),
            "field 'pacing.weights.ordr': expected an endpoint of the adapter: *, bars, connect, name_search, order, read",
        ),
        (
            OWN | {"pacing": PACING | {"weights": {"order": {"messages": 1}}}},
            "field 'pacing.weights': expected '*' as well: what requests take that are not named",
        ),
        (OWN | {"pacing": {}}, "field 'pacing': expected `limits` and `weights`: who asks too fast is cut off"),
        (
            OWN | {"pacing": {"messages_per_second": 45}},
            "field 'pacing.messages_per_second': Extra inputs are not permitted (found 45)",
        ),
        (
            {"pacing": PACING | {"weights": {"*": {}, "order": {"messages": 1}}}},
            "field 'pacing.weights.order': expected an endpoint of the adapter: *",
        ),
    ],
)
def test_pacing_that_would_not_pace_is_refused(values: dict[Any, Any], message: str) -> None:
    assert refused(values) == message


def test_a_weight_may_be_all_that_is_allowed() -> None:
    assert broker_file(paced(order={"messages": 45}), "brokers/toy.yaml").pacing.weights_of("order") == {"messages": 45}


def test_a_key_nobody_declares_names_those_that_are() -> None:
    assert refused({"zzz": 1}).endswith("a key of the adapter's own: there is no `own_settings`")
    assert "IbkrSettings declares client_ids, exchange_mics, " in refused(OWN | {"zzz": 1})
    assert refused({3: 1}).startswith("field '3': expected one of ")


@pytest.mark.parametrize("secret", ["PKCANARY123", "canary/secret+value", "", "x y"])
def test_a_secret_where_a_variables_name_belongs_is_refused_and_not_quoted(secret: str) -> None:
    found = refused({"credentials": {"api_key": secret}})
    assert found.startswith("field 'credentials.api_key': String should match pattern")
    assert not secret or secret not in found
