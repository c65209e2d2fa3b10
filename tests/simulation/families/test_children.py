"""Children that wait for their parent."""

from decimal import Decimal

import pytest

from include.domain.order import OrderChange, OrderState
from include.simulation.engine import Engine, Rules
from include.simulation.orders import ChildStart
from tests.simulation.conftest import NOW, Request
from tests.simulation.families.build import FREE, MINUTE, WHOLE, Submit, mark, sale, seen, stop


def test_a_child_is_held_until_its_parent_fills(engine: Engine, submit: Submit) -> None:
    parent = submit(limit="95")
    child = submit(**sale("90", parent_id=parent.order_id))
    assert (child.state, child.is_held) == (OrderState.ACCEPTED, True)
    mark(engine, "99")
    assert engine.orders[child.order_id] == child
    mark(engine, "94", 2)
    assert seen(engine, 1, 2) == [("filled", "10", "10"), ("filled", "10", "10")], "it begins with the fill and crosses"
    assert not engine.positions


@pytest.mark.parametrize("rules", [WHOLE, Rules()])
def test_children_end_with_a_parent_that_never_filled(request_for: Request, rules: Rules) -> None:
    engine = Engine({"USD": Decimal(10000)}, FREE, rules=rules)
    engine.set_mark("one", "USD", Decimal(100), NOW)
    for number, asked in enumerate([{"limit": "95"}, sale("110", parent_id=1), sale("120", parent_id=2)]):
        engine.submit(request_for(client_order_id=str(number), **asked), NOW)
    engine.cancel(1, NOW + MINUTE)
    assert [order.state for order in engine.orders.values()] == [OrderState.CANCELLED] * 3
    assert engine.orders[3].updated_at == NOW + MINUTE


def test_a_child_that_begins_with_the_first_fill_grows_with_the_next(engine: Engine, submit: Submit) -> None:
    parent, child, small = (
        submit(limit="95"),
        submit(**sale("110", parent_id=1)),
        submit(**sale("120", parent_id=1, quantity="5")),
    )
    mark(engine, "95", 1, volume=Decimal(4))
    assert seen(engine, parent.order_id, child.order_id) == [("partially_filled", "10", "4"), ("accepted", "4", "0")]
    assert (engine.orders[3].state, engine.orders[3].reject_code) == (OrderState.REJECTED, "no_short"), "the 4 are sold already"
    assert small.is_held
    mark(engine, "95", 2, volume=Decimal(3))
    assert seen(engine, child.order_id) == [("accepted", "7", "0")]
    mark(engine, "95", 3)
    assert seen(engine, child.order_id) == [("accepted", "10", "0")]


def test_a_child_grows_to_what_was_asked_for_and_no_further(engine: Engine, submit: Submit) -> None:
    submit(limit="95")
    submit(**sale("110", parent_id=1, quantity="5"))
    mark(engine, "95", 1, volume=Decimal(4))
    mark(engine, "95", 2)
    assert seen(engine, 1, 2) == [("filled", "10", "10"), ("accepted", "5", "0")]


def test_a_child_that_waits_for_the_whole_parent_begins_whole(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(10000)}, FREE, rules=WHOLE)
    engine.set_mark("one", "USD", Decimal(100), NOW)
    for number, asked in enumerate([{"limit": "95"}, sale("110", parent_id=1)]):
        engine.submit(request_for(client_order_id=str(number), **asked), NOW)
    mark(engine, "95", 1, volume=Decimal(4))
    assert engine.orders[2].is_held
    mark(engine, "95", 2)
    assert (engine.orders[2].is_held, engine.orders[2].quantity) == (False, 10)


def test_a_partly_filled_parent_leaves_its_children_only_where_the_first_fill_counts(request_for: Request) -> None:
    left = {}
    for rules in (WHOLE, Rules()):
        engine = Engine({"USD": Decimal(10000)}, FREE, rules=rules)
        engine.set_mark("one", "USD", Decimal(100), NOW)
        for number, asked in enumerate([{"limit": "95"}, sale("110", parent_id=1)]):
            engine.submit(request_for(client_order_id=str(number), **asked), NOW)
        mark(engine, "95", 1, volume=Decimal(4))
        engine.cancel(1, NOW + MINUTE)
        left[rules.children_start] = seen(engine, 2)[0]
    assert left == {ChildStart.WHOLE: ("cancelled", "10", "0"), ChildStart.FIRST_FILL: ("accepted", "4", "0")}


def test_a_child_that_closes_all_there_is_ends_its_parent(engine: Engine, submit: Submit) -> None:
    submit(limit="95")
    submit(**sale("110", parent_id=1))
    mark(engine, "95", 1, volume=Decimal(4))
    mark(engine, "111", 2)
    assert seen(engine, 1, 2) == [("cancelled", "10", "4"), ("filled", "4", "4")]


def test_a_late_child_begins_at_once_or_is_refused(engine: Engine, submit: Submit) -> None:
    submit(limit="100")
    assert submit(**sale("100", parent_id=1)).state is OrderState.FILLED
    submit(limit="95")
    engine.cancel(3, NOW)
    assert submit(**sale("100", parent_id=3)).reject_code == "parent_over"
    assert submit(**sale("100", parent_id=99)).reject_code == "no_parent"


def test_a_held_order_reserves_nothing_and_can_be_changed(engine: Engine, submit: Submit, hold: None) -> None:
    parent = submit(limit="95")
    child = submit(**stop("90", parent_id=parent.order_id, quantity="10"))
    assert submit(**sale("120", quantity="10")).state is OrderState.ACCEPTED, "the ten that were there are free"
    bought = submit(limit="50", parent_id=parent.order_id, quantity="1000")
    assert submit(limit="99", quantity="80").state is OrderState.ACCEPTED, "and so is the money"
    engine.modify(child.order_id, OrderChange(stop_price=Decimal(93), quantity=Decimal(6)), NOW)
    assert engine.orders[child.order_id].is_held
    mark(engine, "95")
    done = engine.orders[child.order_id]
    assert (done.stop_price, done.quantity, done.is_held) == (93, 6, False)
    assert bought.is_held


def test_a_started_child_is_changed_within_what_its_parent_filled(engine: Engine, submit: Submit) -> None:
    submit(limit="95")
    submit(**sale("110", parent_id=1))
    mark(engine, "95", 1, volume=Decimal(4))
    assert engine.modify(2, OrderChange(quantity=Decimal(6)), NOW + MINUTE).quantity == 4
    mark(engine, "95", 2)
    assert engine.orders[2].quantity == 6
