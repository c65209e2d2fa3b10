"""What holds for every domain value: JSON there and back, frozen, strict about fields."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from include.domain.model import Value
from include.storage.artifacts import to_json
from tests.domain.strategies import VALUES


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_json_there_and_back_gives_the_same_value(name: str, data: Any) -> None:
    value: Value = data.draw(VALUES[name])
    assert type(value).model_validate_json(value.model_dump_json()) == value
    assert type(value).model_validate(json.loads(to_json(value))) == value


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_values_are_frozen_and_know_their_fields(name: str, data: Any) -> None:
    value: Value = data.draw(VALUES[name])
    field = next(iter(type(value).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(value, field, getattr(value, field))
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(value).model_validate({**value.model_dump(), "surprise": 1})
