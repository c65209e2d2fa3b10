from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from include.domain.contract import CONTRACT_SCHEMA, Contract, from_row, to_table
from tests.domain.strategies import contracts


def test_the_schema_and_the_value_have_the_same_fields_in_the_same_order() -> None:
    assert CONTRACT_SCHEMA.names == list(Contract.model_fields)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(contracts, max_size=4))
def test_a_table_gives_back_every_contract(wanted: list[Contract]) -> None:
    table = to_table(wanted)
    assert table.schema == CONTRACT_SCHEMA
    assert [from_row(row) for row in table.to_pylist()] == wanted


def test_an_empty_list_is_an_empty_table() -> None:
    assert to_table([]).num_rows == 0
    assert to_table([]).schema == CONTRACT_SCHEMA


def test_defaults_are_a_whole_share_in_cents() -> None:
    one = Contract(broker="ibkr", native_id="1", symbol="AAA", currency="USD")
    assert (one.lot_size, one.tick_size, one.multiplier, one.price_magnifier) == (1, Decimal("0.01"), 1, 1)
    assert (one.tradable, one.fractionable, one.min_notional) == (True, False, None)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "many"])
def test_a_size_must_be_a_number(value: str) -> None:
    with pytest.raises(ValidationError):
        Contract(broker="ibkr", native_id="1", symbol="AAA", currency="USD", lot_size=value)  # type: ignore[arg-type]
