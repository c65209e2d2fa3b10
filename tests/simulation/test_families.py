"""Children that wait for their parent, groups of which one cancels the others, orders that wait to be released."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.domain.order import OrderChange, OrderState, OrderType, Side, TimeInForce
from include.errors import OrderRejected
from include.simulation.engine import Costs, Engine, Rules, SimOrder, SimRequest
from include.simulation.orders import ChildStart, OneCancels
from tests.simulation.conftest import NOW, Request

FREE = Costs(half_spread_bp=Decimal(0))
MINUTE = timedelta(minutes=1)
WHOLE = Rules(children_start=ChildStart.WHOLE)
Submit = Callable[..., SimOrder]


@pytest.fixture
def engine() -> Engine:
    """10,000 USD and a mark of 100, no spread."""
    made = Engine({"USD": Decimal(10000)}, FREE)
    made.set_mark("one", "USD", Decimal(100), NOW)
    return made


@pytest.fixture
def submit(engine: Engine, request_for: Request) -> Submit:
    """Sends a request of `request_for` to `engine`."""

    def send(**asked: object) -> SimOrder:
        return engine.submit(request_for(**asked), NOW)

    return send


@pytest.fixture
def hold(submit: Submit) -> None:
    """10 of `one` are held, 9,000 USD left."""
    submit(client_order_id="START", limit="100")


def mark(engine: Engine, price: str, minutes: int = 1, **other: object) -> None:
    engine.set_mark("one", "USD", Decimal(price), NOW + minutes * MINUTE, **other)  # type: ignore[arg-type]


def sale(limit: str, **other: object) -> dict[str, object]:
    return {"side": Side.SELL, "limit": limit, **other}


def stop(price: str, **other: object) -> dict[str, object]:
    kind = {"side": Side.SELL, "limit": None, "order_type": OrderType.STOP, "stop_price": Decimal(price)}
    return kind | other


def seen(engine: Engine, *order_ids: int) -> list[tuple[str, str, str]]:
    """(state, quantity, filled) of orders."""
    found = [engine.orders[order_id] for order_id in order_ids]
    return [(str(order.state.value), str(order.quantity), str(order.filled_quantity)) for order in found]


# --- children ---------------------------------------------------------------------------------------------------------


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


# --- groups -----------------------------------------------------------------------------------------------------------


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


# --- released later ---------------------------------------------------------------------------------------------------


def test_an_order_that_is_not_transmitted_waits_for_its_release(engine: Engine, submit: Submit) -> None:
    order = submit(limit="100", transmit=False)
    mark(engine, "99")
    assert engine.orders[order.order_id] == order
    engine.modify(order.order_id, OrderChange(quantity=Decimal(12)), NOW + MINUTE)
    assert engine.release(order.order_id, NOW + 2 * MINUTE).filled_quantity == 12
    with pytest.raises(OrderRejected, match="no order 9"):
        engine.release(9, NOW)


def test_a_release_asks_again_whether_it_can_be_covered(engine: Engine, submit: Submit) -> None:
    order = submit(limit="90", quantity="100", transmit=False)
    submit(limit="90", quantity="80")
    assert engine.release(order.order_id, NOW).reject_code == "insufficient_funds"


def test_a_released_child_still_waits_for_its_parent(engine: Engine, submit: Submit) -> None:
    submit(limit="95", transmit=False)
    submit(**sale("110", parent_id=1, transmit=False))
    assert engine.release(2, NOW).is_held
    engine.release(1, NOW)
    mark(engine, "95")
    assert not engine.orders[2].is_held
    submit(limit="100", transmit=False, time_in_force=TimeInForce.IOC)
    assert engine.orders[3].is_open
    assert engine.release(3, NOW + 2 * MINUTE).state is OrderState.FILLED


def test_time_ends_a_held_day_order(engine: Engine, submit: Submit) -> None:
    order = submit(limit="95", transmit=False, expires_at=NOW + MINUTE)
    engine.expire(NOW + MINUTE)
    assert engine.orders[order.order_id].state is OrderState.EXPIRED


# --- what venues need besides ----------------------------------------------------------------------------------------


def test_a_trailing_stop_tells_the_best_price_and_moves_when_its_distance_changes(
    engine: Engine, submit: Submit, hold: None
) -> None:
    order = submit(side=Side.SELL, limit=None, order_type=OrderType.TRAILING_STOP, trail_amount=Decimal(5))
    mark(engine, "110")
    mark(engine, "107", 2)
    assert (engine.orders[order.order_id].best_price, engine.orders[order.order_id].stop_price) == (110, 105)
    wider = engine.modify(order.order_id, OrderChange(trail_amount=Decimal(20)), NOW + 2 * MINUTE)
    assert (wider.best_price, wider.stop_price, wider.state) == (110, 90, OrderState.ACCEPTED)


def test_a_venue_may_open_by_the_clock(engine: Engine, submit: Submit) -> None:
    engine.rules = Rules(open_by_clock=True)
    kind = {"order_type": OrderType.MARKET_ON_OPEN, "limit": None, "time_in_force": TimeInForce.OPG}
    order = submit(**kind, opens_at=NOW + 10 * MINUTE)
    held = submit(**kind, opens_at=NOW + 10 * MINUTE, transmit=False)
    mark(engine, "97", 9)
    assert engine.orders[order.order_id].is_open
    engine.expire(NOW + 11 * MINUTE)
    done = engine.orders[order.order_id]
    assert (done.average_price, done.fills[0].time) == (97, NOW + 10 * MINUTE)
    assert engine.orders[held.order_id].state is OrderState.EXPIRED


def test_whoever_listens_hears_every_change_in_its_order(engine: Engine, submit: Submit) -> None:
    heard: list[tuple[int, str, bool, str]] = []

    def listen(before: SimOrder | None, order: SimOrder) -> None:
        held = engine.positions.get("one")
        heard.append((order.order_id, order.state.value, before is None, str(held.quantity if held else 0)))

    engine.listen = listen
    submit(limit="95")
    submit(**sale("90", parent_id=1))
    mark(engine, "94")
    assert heard == [
        (1, "accepted", True, "0"),
        (2, "accepted", True, "0"),
        (1, "filled", False, "10"),
        (2, "accepted", False, "10"),
        (2, "filled", False, "0"),
    ]


def test_a_state_of_version_2_keeps_its_brackets(engine: Engine, submit: Submit) -> None:
    submit(limit="100", take_profit_price=Decimal(110), stop_loss_price=Decimal(90), client_order_id="B")
    document = engine.to_state() | {"version": 2}
    del document["rules"]
    new = ("started", "wanted_quantity", "group", "one_cancels", "transmit", "best_price")
    document["orders"] = [{key: value for key, value in order.items() if key not in new} for order in document["orders"]]
    for order in document["orders"]:
        order["leg_ids"] = [] if order["leg"] else [2, 3]
    read = Engine.from_state(document)
    assert [leg.leg for leg in read.legs(read.orders[1])] == ["tp", "sl"]
    mark(read, "111")
    assert seen(read, 2, 3) == [("filled", "10", "10"), ("cancelled", "10", "0")]


# --- laws -------------------------------------------------------------------------------------------------------------

member = st.tuples(st.integers(1, 12), st.sampled_from(["limit", "stop"]), st.integers(92, 108), st.sampled_from(OneCancels))
steps = st.lists(st.tuples(st.integers(88, 112), st.integers(0, 8)), max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(member, min_size=1, max_size=4), steps, st.booleans(), st.sampled_from(ChildStart))
def test_a_group_sells_no_more_than_its_largest_order_and_never_before_its_parent(
    members: list[tuple[int, str, int, OneCancels]], steps: list[tuple[int, int]], has_parent: bool, start: ChildStart
) -> None:
    engine = Engine({"USD": Decimal(2000)}, FREE, rules=Rules(children_start=start))
    bought = SimRequest("P", "one", "ONE", "USD", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Decimal(12), Decimal(100))
    if not has_parent:
        engine.set_mark("one", "USD", Decimal(100), NOW - MINUTE)
    engine.submit(bought, NOW - MINUTE)
    for number, (quantity, kind, price, one_cancels) in enumerate(members):
        told = {"limit_price" if kind == "limit" else "stop_price": Decimal(price)}
        family = {"group": "g", "one_cancels": one_cancels, "parent_id": 1 if has_parent else None, "transmit": has_parent}
        values = (str(number), "one", "ONE", "USD", Side.SELL, OrderType(kind), TimeInForce.GTC, Decimal(quantity))
        engine.submit(SimRequest(*values, **told, **family), NOW)  # type: ignore[arg-type]
    for order_id in range(2, len(members) + 2):
        engine.release(order_id, NOW)
    largest = max(quantity for quantity, *_ in members)
    for minute, (price, volume) in enumerate(steps):
        engine.set_mark("one", "USD", Decimal(price), NOW + minute * MINUTE, volume=Decimal(volume))
        parent, *children = engine.orders.values()
        sold = sum(child.filled_quantity for child in children)
        assert sold <= min(largest, parent.filled_quantity)
        assert all(not child.filled_quantity for child in children if child.is_held)
        if has_parent and not engine.rules.starts_children(parent):
            assert sold == 0
        assert all(0 < child.remaining <= largest - sold for child in children if child.is_open)
