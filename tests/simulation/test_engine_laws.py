"""Laws that hold for any sequence of orders and marks."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.simulation.engine import Costs, Engine, SimRequest
from tests.simulation.conftest import NOW

CONTRACTS = (("usd1", "USD"), ("usd2", "USD"), ("jpy1", "JPY"))
COSTS = Costs(
    half_spread_bp=Decimal(7),
    slippage_bp=Decimal(3),
    slippage_fixed=Decimal("0.01"),
    slippage_jitter_bp=Decimal(20),
    commission_bp=Decimal(5),
    commission_minimum=Decimal(1),
)

prices = st.decimals("0.5", "500", places=2)
marks = st.tuples(st.just("mark"), st.sampled_from(CONTRACTS), prices, st.none() | st.integers(0, 30).map(Decimal))
orders = st.tuples(
    st.just("order"),
    st.sampled_from(CONTRACTS),
    st.sampled_from(Side),
    st.sampled_from(TimeInForce),
    st.integers(1, 40).map(Decimal),
    st.none() | prices,
)
cancels = st.tuples(st.just("cancel"), st.integers(1, 20))


def play(engine: Engine, events: list[tuple[object, ...]]) -> None:
    for number, event in enumerate(events):
        now = NOW + timedelta(minutes=number)
        if event[0] == "mark":
            (native_id, currency), price, volume = event[1:]  # type: ignore[misc]
            engine.set_mark(native_id, currency, price, now, volume=volume)
        elif event[0] == "cancel":
            if event[1] in engine.orders:
                engine.cancel(event[1], now)  # type: ignore[arg-type]
        else:
            (native_id, currency), side, time_in_force, quantity, limit = event[1:]  # type: ignore[misc]
            kind = OrderType.MARKET if limit is None else OrderType.LIMIT
            engine.submit(
                SimRequest(str(number), native_id, native_id, currency, side, kind, time_in_force, quantity, limit), now
            )


@settings(max_examples=150, deadline=None)
@given(st.lists(marks | orders | cancels, max_size=40))
def test_cash_positions_and_orders_always_agree(events: list[tuple[object, ...]]) -> None:
    start = {"USD": Decimal(5000), "JPY": Decimal(3000)}
    engine = Engine(start, COSTS, seed=5)
    play(engine, events)
    cash, quantities = dict(start), dict.fromkeys((native_id for native_id, _ in CONTRACTS), Decimal(0))
    for order in engine.orders.values():
        assert order.filled_quantity == sum(fill.quantity for fill in order.fills) <= max(order.quantity, Decimal(0))
        assert (order.filled_quantity == order.quantity) == (order.state is OrderState.FILLED)
        for fill in order.fills:
            cash[order.currency] -= order.side.sign * fill.quantity * fill.price + (fill.commission or 0)
            quantities[order.native_id] += order.side.sign * fill.quantity
            if order.limit_price is not None:
                assert (order.limit_price - fill.price) * order.side.sign >= 0
    assert engine.cash == cash
    assert {key: value for key, value in quantities.items() if value} == {k: p.quantity for k, p in engine.positions.items()}
    assert all(position.quantity > 0 for position in engine.positions.values())


@settings(max_examples=80, deadline=None)
@given(st.lists(marks | orders | cancels, max_size=25), st.lists(marks | orders | cancels, max_size=15))
def test_a_restart_changes_nothing(before: list[tuple[object, ...]], after: list[tuple[object, ...]]) -> None:
    whole = Engine({"USD": Decimal(5000), "JPY": Decimal(3000)}, COSTS, seed=5)
    play(whole, before)
    restarted = Engine.from_state(whole.to_state())
    play(whole, after)
    play(restarted, after)
    assert restarted.to_state() == whole.to_state()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(prices, st.integers(1, 60).map(Decimal), st.none() | prices), max_size=25))
def test_purchases_never_overdraw_any_currency(purchases: list[tuple[Decimal, Decimal, Decimal | None]]) -> None:
    engine = Engine({"USD": Decimal(5000)}, COSTS)
    events: list[tuple[object, ...]] = []
    for price, quantity, limit in purchases:
        events.append(("mark", CONTRACTS[0], price, Decimal(25)))
        events.append(("order", CONTRACTS[0], Side.BUY, TimeInForce.GTC, quantity, limit))
    play(engine, events)
    assert engine.cash["USD"] >= 0
