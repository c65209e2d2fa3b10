"""What holds for every group."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from include.domain.order import OrderType, Side, TimeInForce
from include.simulation.engine import Engine, Rules, SimRequest
from include.simulation.orders import ChildStart, OneCancels
from tests.simulation.conftest import NOW
from tests.simulation.families.build import FREE, MINUTE

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
