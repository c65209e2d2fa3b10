"""Laws that hold for any sequence of orders and marks."""

import contextlib
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from include.domain.order import OrderChange, OrderState, OrderType, Side, TimeInForce
from include.errors import OrderRejected
from include.simulation import state
from include.simulation.engine import Costs, Engine, Rules, SimRequest
from include.simulation.orders import ChildStart, OneCancels
from tests.simulation.conftest import NOW

CONTRACTS = (("usd1", "USD"), ("usd2", "USD"), ("jpy1", "JPY"))
COSTS = Costs(
    half_spread_bp=Decimal(7),
    slippage_bp=Decimal(3),
    slippage_fixed=Decimal("0.01"),
    slippage_jitter_bp=Decimal(20),
    commission_bp=Decimal(5),
    commission_minimum=Decimal(1),
    impact_bp=Decimal(30),
)

START = {"USD": Decimal(9000), "JPY": Decimal(6000)}
contracts = st.sampled_from(CONTRACTS[:1] * 4 + CONTRACTS)
prices = st.decimals("85", "115", places=1)
marks = st.tuples(st.just("mark"), contracts, prices, st.none() | st.integers(0, 30).map(Decimal))
orders = st.tuples(
    st.just("order"),
    contracts,
    st.sampled_from(Side),
    st.sampled_from(TimeInForce),
    st.integers(1, 40).map(Decimal),
    st.none() | prices,
)
cancels = st.tuples(st.just("cancel"), st.integers(1, 20))
MINUTES = st.integers(1, 30).map(lambda minutes: timedelta(minutes=minutes))
distances = st.decimals("0.5", "12", places=1)
gains, losses = st.decimals("100", "115", places=1), st.decimals("85", "100", places=1)
positive = st.integers(1, 30).map(Decimal)


def fancy(kind: str, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    """An order of a special kind; times are told as distances from its submission."""
    common = {"side": st.sampled_from(Side), "quantity": positive, **fields}
    return st.tuples(st.just("fancy"), contracts, st.just(kind), st.fixed_dictionaries(common))


standing = st.sampled_from([TimeInForce.DAY, TimeInForce.GTC])
kin = {
    "parent_id": st.none() | st.integers(1, 15),
    "group": st.sampled_from([None, "one", "two"]),
    "one_cancels": st.sampled_from(OneCancels),
    "transmit": st.sampled_from([True, True, False]),
}
fancies = st.one_of(
    fancy("stop", stop_price=prices, time_in_force=standing),
    fancy("stop_limit", stop_price=prices, limit_price=prices, time_in_force=standing),
    fancy("trailing_stop", trail_amount=distances, time_in_force=standing),
    fancy("trailing_stop", trail_pct=distances, time_in_force=standing),
    fancy("market_on_open", opens_at=MINUTES, time_in_force=st.just(TimeInForce.OPG)),
    fancy("market_on_close", closes_at=MINUTES, time_in_force=st.just(TimeInForce.CLS)),
    fancy("market", cash_amount=prices, time_in_force=standing),
    fancy("market", take_profit_price=gains, stop_loss_price=losses, side=st.just(Side.BUY), time_in_force=standing),
    fancy("limit", limit_price=prices, take_profit_price=gains, stop_loss_price=losses, time_in_force=standing),
    fancy("limit", limit_price=prices, time_in_force=st.sampled_from(list(TimeInForce)[:4]), **kin),
    fancy("stop", stop_price=prices, time_in_force=standing, **kin),
)
releases = st.tuples(st.just("release"), st.integers(1, 20))
changes = st.tuples(
    st.just("change"),
    st.integers(1, 20),
    st.builds(OrderChange, quantity=st.none() | positive, limit_price=st.none() | prices, stop_price=st.none() | prices),
)
events_of_all_kinds = st.lists(marks | marks | orders | fancies | fancies | cancels | changes | releases, max_size=40)


def play(engine: Engine, events: list[tuple[object, ...]], start: int = 0) -> None:
    for number, event in enumerate(events):
        now = NOW + timedelta(minutes=start + number)
        if event[0] == "mark":
            (native_id, currency), price, volume = event[1:]  # type: ignore[misc]
            engine.set_mark(native_id, currency, price, now, volume=volume, daily_volume=Decimal(1000))
        elif event[0] == "fancy":
            (native_id, currency), kind, fields = event[1:]  # type: ignore[misc]
            moments = {key: now + value for key, value in fields.items() if isinstance(value, timedelta)}
            asked = {"order_type": OrderType(kind), **fields, **moments}
            engine.submit(SimRequest(f"{start + number}", native_id, native_id, currency, **asked), now)  # type: ignore[arg-type]
        elif event[0] == "change":
            with contextlib.suppress(OrderRejected):
                engine.modify(event[1], event[2], now)  # type: ignore[arg-type]
        elif event[0] in ("cancel", "release"):
            with contextlib.suppress(OrderRejected):
                getattr(engine, event[0])(event[1], now)  # type: ignore[call-overload]
        else:
            (native_id, currency), side, time_in_force, quantity, limit = event[1:]  # type: ignore[misc]
            kind = OrderType.MARKET if limit is None else OrderType.LIMIT
            engine.submit(
                SimRequest(str(start + number), native_id, native_id, currency, side, kind, time_in_force, quantity, limit), now
            )


def new_engine(latency: timedelta = timedelta(), rules: Rules | None = None) -> Engine:
    """Marks of 100 for all, and 20 of the first contract, bought."""
    engine = Engine(START, COSTS, seed=5, latency=latency, rules=rules)
    before = NOW - timedelta(hours=1)
    for native_id, currency in CONTRACTS:
        engine.set_mark(native_id, currency, Decimal(100), before)
    engine.submit(
        SimRequest("S", "usd1", "usd1", "USD", Side.BUY, OrderType.MARKET, TimeInForce.DAY, Decimal(20)), before - latency
    )
    engine.expire(before)
    return engine


latencies = st.sampled_from([timedelta(), timedelta(seconds=90)])
rules = st.builds(Rules, children_start=st.sampled_from(ChildStart), cancel_ends_group=st.booleans())


@settings(max_examples=200, deadline=None)
@given(events_of_all_kinds, latencies, rules)
def test_cash_positions_and_orders_always_agree(events: list[tuple[object, ...]], latency: timedelta, rules: Rules) -> None:
    engine = new_engine(latency, rules)
    cash, quantities = dict(START), dict.fromkeys((native_id for native_id, _ in CONTRACTS), Decimal(0))
    play(engine, events)
    for order in engine.orders.values():
        assert order.filled_quantity == sum(fill.quantity for fill in order.fills) <= max(order.quantity, Decimal(0))
        if order.quantity > 0:
            assert (order.filled_quantity == order.quantity) == (order.state is OrderState.FILLED)
        for fill in order.fills:
            cash[order.currency] -= order.side.sign * fill.quantity * fill.price + (fill.commission or 0)
            quantities[order.native_id] += order.side.sign * fill.quantity
            if order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and order.limit_price is not None:
                assert (order.limit_price - fill.price) * order.side.sign >= 0
            assert fill.time >= order.created_at + (timedelta() if order.parent_id else latency)
    assert engine.cash == cash
    assert all(amount >= 0 for amount in cash.values())
    assert {key: value for key, value in quantities.items() if value} == {k: p.quantity for k, p in engine.positions.items()}
    assert all(position.quantity > 0 for position in engine.positions.values())


@settings(max_examples=100, deadline=None)
@given(events_of_all_kinds)
def test_value_is_what_it_was_plus_profits_minus_commissions(events: list[tuple[object, ...]]) -> None:
    engine = new_engine()
    play(engine, events)
    for currency, amount in START.items():
        rows = [row for row in engine.profits() if row.currency == currency]
        held = [p for p in engine.positions.values() if p.currency == currency]
        value = engine.cash[currency] + sum(p.quantity * engine.marks[p.native_id].price for p in held)
        assert abs(value - amount - sum(row.net for row in rows)) < Decimal("1e-18"), "average costs are rounded to 28 digits"


@settings(max_examples=150, deadline=None)
@given(events_of_all_kinds)
def test_no_stop_fills_before_its_trigger(events: list[tuple[object, ...]]) -> None:
    engine = new_engine()
    for number, event in enumerate(events):
        waiting = {key: order for key, order in engine.orders.items() if order.is_stop and order.triggered_at is None}
        play(engine, [event], number)
        for key, before in waiting.items():
            after, mark = engine.orders[key], engine.marks.get(before.native_id)
            if after.triggered_at is None:
                assert after.filled_quantity == 0
            elif before.order_type is OrderType.TRAILING_STOP or event[0] != "change":
                assert mark is not None
                assert before.stop_price is not None
                assert (mark.price - before.stop_price) * before.side.sign >= 0


@settings(max_examples=200, deadline=None)
@given(events_of_all_kinds)
def test_a_bracket_never_closes_more_than_it_opened(events: list[tuple[object, ...]]) -> None:
    engine = new_engine()
    for number, event in enumerate(events):
        play(engine, [event], number)
        for entry in [order for order in engine.orders.values() if engine.legs(order)]:
            legs = engine.legs(entry)
            closed = sum(leg.filled_quantity for leg in legs)
            assert closed <= entry.filled_quantity
            assert sum(leg.state is OrderState.FILLED for leg in legs) <= 1
            for leg in legs:
                if leg.is_open:
                    assert leg.remaining == entry.filled_quantity - closed > 0


@settings(max_examples=100, deadline=None)
@given(events_of_all_kinds, events_of_all_kinds, latencies)
def test_a_restart_changes_nothing(before: list[tuple[object, ...]], after: list[tuple[object, ...]], latency: timedelta) -> None:
    whole = new_engine(latency)
    play(whole, before)
    restarted = Engine.from_state(whole.to_state())
    copied = Engine({}, COSTS, 5, latency=latency)
    state.take_rows(copied, state.rows(whole, whole=True))
    copied.contracts |= whole.contracts
    for engine in (whole, restarted, copied):
        play(engine, after, len(before))
    assert restarted.to_state() == whole.to_state()
    sums = [engine.reserved.beside(engine, engine.orders[1]) for engine in (whole, restarted)]
    assert {key: value for key, value in sums[0].items() if value} == {key: value for key, value in sums[1].items() if value}
    assert copied.to_state()["orders"] == whole.to_state()["orders"]
    assert copied.cash == whole.cash


@settings(max_examples=100, deadline=None)
@given(events_of_all_kinds, events_of_all_kinds, events_of_all_kinds, latencies)
def test_what_is_undone_never_happened(
    before: list[tuple[object, ...]], undone: list[tuple[object, ...]], after: list[tuple[object, ...]], latency: timedelta
) -> None:
    plain, engine = new_engine(latency), new_engine(latency)
    for one in (plain, engine):
        play(one, before)
    state.keep(engine)
    kept = engine.to_state()
    play(engine, undone, len(before))
    state.undo(engine)
    assert engine.to_state() == kept
    for one in (plain, engine):
        play(one, after, len(before))
    assert engine.to_state() == plain.to_state()


@settings(max_examples=100, deadline=None)
@given(events_of_all_kinds, events_of_all_kinds)
def test_what_changed_is_all_that_has_to_be_written(before: list[tuple[object, ...]], after: list[tuple[object, ...]]) -> None:
    engine, follower = new_engine(), new_engine()
    state.keep(engine)
    for number, events in enumerate((before, after)):
        play(engine, events, number * len(before))
        state.take_rows(follower, state.rows(engine, whole=False))
        state.keep(engine)
        follower.contracts |= engine.contracts
        assert follower.to_state() == engine.to_state() | {"contracts": follower.to_state()["contracts"]}


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
