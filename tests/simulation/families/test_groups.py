"""Groups of which one cancels the others."""

from decimal import Decimal

import pytest

from include.domain.order import OrderState
from include.simulation.engine import Engine, Rules
from include.simulation.orders import OneCancels
from tests.simulation.conftest import NOW
from tests.simulation.families.build import Submit, mark, sale, seen, stop


def test_a_fill_takes_as_much_off_the_others(engine: Engine, submit: Submit, hold: None) -> None:
    gain, loss = submit(**sale("110", group="g")), submit(**stop("90", group="g"))
    mark(engine, "110", 1, volume=Decimal(4))
    assert seen(engine, gain.order_id, loss.order_id) == [("partially_filled", "10", "4"), ("accepted", "6", "0")]
    mark(engine, "89", 2)
    assert seen(engine, gain.order_id, loss.order_id) == [("cancelled", "10", "4"), ("filled", "6", "6")]
    assert not engine.positions


def test_or_ends_them(engine: Engine, submit: Submit, hold: None) -> None:
    kind = {"group": "g", "one_cancels": OneCancels.CANCEL}
    gain, loss = submit(**sale("110", **kind)), submit(**stop("90", **kind))
    mark(engine, "110", 1, volume=Decimal(4))
    assert seen(engine, gain.order_id, loss.order_id) == [("partially_filled", "10", "4"), ("cancelled", "10", "0")]


def test_a_group_reserves_its_largest_order_once(engine: Engine, submit: Submit, hold: None) -> None:
    submit(**sale("110", group="g", quantity="7"))
    assert submit(**stop("90", group="g", quantity="10")).state is OrderState.ACCEPTED
    assert submit(**sale("120", quantity="1")).reject_code == "no_short"
    assert submit(**sale("120", group="g", quantity="11")).reject_code == "no_short"
    for limit in ("90", "45"):
        assert submit(limit=limit, group="buy", quantity="90").state is OrderState.ACCEPTED
    assert submit(limit="90", quantity="11").reject_code == "insufficient_funds", "8,100 of 9,000 are reserved"
    assert submit(limit="90", quantity="10").state is OrderState.ACCEPTED


def test_what_is_reserved_is_told(engine: Engine, submit: Submit, hold: None) -> None:
    gain = submit(**sale("110", group="g", quantity="7"))
    submit(**stop("90", group="g", quantity="4"))
    submit(**sale("120", quantity="2"))
    bought = submit(limit="90", quantity="3")
    submit(limit="80", quantity="1")
    assert (engine.reserved_units("one"), engine.reserved_units("one", gain.order_id), engine.reserved_units("two")) == (9, 2, 0)
    assert (engine.reserved_cash(), engine.reserved_cash(bought.order_id)) == ({"USD": 350}, {"USD": 80})


@pytest.mark.parametrize("ends", [True, False])
def test_whether_a_cancellation_ends_the_group_is_the_venues_rule(engine: Engine, submit: Submit, hold: None, ends: bool) -> None:
    engine.rules = Rules(cancel_ends_group=ends)
    gain, loss = submit(**sale("110", group="g")), submit(**stop("90", group="g"))
    engine.cancel(gain.order_id, NOW)
    assert engine.orders[loss.order_id].is_open is not ends


def test_children_may_be_a_group(engine: Engine, submit: Submit) -> None:
    submit(limit="95")
    for asked in (sale("110", parent_id=1, group="g"), stop("90", parent_id=1, group="g")):
        submit(**asked)
    mark(engine, "95", 1, volume=Decimal(4))
    assert seen(engine, 2, 3) == [("accepted", "4", "0"), ("accepted", "4", "0")]
    mark(engine, "110", 2, volume=Decimal(1))
    mark(engine, "95", 3)
    assert seen(engine, 1, 2, 3) == [("filled", "10", "10"), ("partially_filled", "10", "1"), ("accepted", "9", "0")]
    mark(engine, "90", 4)
    assert seen(engine, 2, 3) == [("cancelled", "10", "1"), ("filled", "9", "9")]
    assert not engine.positions
