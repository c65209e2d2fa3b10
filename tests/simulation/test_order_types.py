"""Stops, trailing stops, auctions, brackets, orders for money, latency and changes."""

from datetime import timedelta
from decimal import Decimal

import pytest

from include.domain.order import OrderChange, OrderState, OrderType, Side, TimeInForce
from include.errors import OrderRejected
from include.simulation.engine import Costs, Engine, SimContract, SimOrder
from tests.simulation.conftest import NOW, Request

FREE = Costs(half_spread_bp=Decimal(0))
MINUTE = timedelta(minutes=1)
STOP = {"order_type": OrderType.STOP, "limit_price": None}
TRAILING = {"order_type": OrderType.TRAILING_STOP, "limit_price": None}


@pytest.fixture
def engine(request_for: Request) -> Engine:
    """10,000 USD beside 10 of `one` bought at 100; no spread, no costs."""
    made = Engine({"USD": Decimal(11000)}, FREE)
    made.set_mark("one", "USD", Decimal(100), NOW)
    made.submit(request_for(client_order_id="START"), NOW)
    return made


def mark(engine: Engine, price: str, minutes: int = 1, **other: object) -> None:
    engine.set_mark("one", "USD", Decimal(price), NOW + minutes * MINUTE, **other)  # type: ignore[arg-type]


def states(engine: Engine, *client_order_ids: str) -> list[OrderState]:
    return [engine.find(client_order_id)[0].state for client_order_id in client_order_ids]


def test_a_stop_waits_for_its_price_and_then_takes_the_market(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(side=Side.SELL, stop_price=Decimal(95), **STOP), NOW)
    mark(engine, "95.01")
    assert (engine.orders[order.order_id].state, engine.orders[order.order_id].triggered_at) == (OrderState.ACCEPTED, None)
    mark(engine, "93", 2)
    done = engine.orders[order.order_id]
    assert (done.state, done.average_price, done.triggered_at) == (OrderState.FILLED, 93, NOW + 2 * MINUTE)


def test_a_purchase_stop_is_triggered_from_below(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(stop_price=Decimal(105), **STOP), NOW)
    mark(engine, "104.99")
    assert engine.orders[order.order_id].is_open
    mark(engine, "105", 2)
    assert engine.orders[order.order_id].average_price == 105


def test_a_stop_behind_the_market_is_triggered_at_once(engine: Engine, request_for: Request) -> None:
    assert engine.submit(request_for(side=Side.SELL, stop_price=Decimal(101), **STOP), NOW).average_price == 100


def test_a_triggered_stop_limit_never_sells_below_its_limit(engine: Engine, request_for: Request) -> None:
    asked = request_for(side=Side.SELL, order_type=OrderType.STOP_LIMIT, stop_price=Decimal(95), limit="94")
    order = engine.submit(asked, NOW)
    mark(engine, "90")
    waiting = engine.orders[order.order_id]
    assert (waiting.state, waiting.triggered_at) == (OrderState.ACCEPTED, NOW + MINUTE)
    mark(engine, "96", 2)
    assert engine.orders[order.order_id].average_price == 96, "once triggered it is a limit order"


@pytest.mark.parametrize(("trail", "stop"), [({"trail_amount": Decimal(6)}, "104"), ({"trail_pct": Decimal(10)}, "99")])
def test_a_trailing_stop_follows_up_and_never_down(
    engine: Engine, request_for: Request, trail: dict[str, Decimal], stop: str
) -> None:
    order = engine.submit(request_for(side=Side.SELL, **TRAILING, **trail), NOW)
    for minute, price in enumerate(("110", "108", "109")):
        mark(engine, price, minute + 1)
    assert engine.orders[order.order_id].stop_price == Decimal(stop)
    mark(engine, str(Decimal(stop) + Decimal("0.01")), 5)
    assert engine.orders[order.order_id].is_open
    mark(engine, stop, 6)
    assert engine.orders[order.order_id].average_price == Decimal(stop)


def test_a_trailing_purchase_follows_down(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(trail_amount=Decimal(5), **TRAILING), NOW)
    assert order.stop_price == 105
    mark(engine, "90")
    mark(engine, "94", 2)
    assert engine.orders[order.order_id].stop_price == 95
    mark(engine, "96", 3)
    assert engine.orders[order.order_id].average_price == 96


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (STOP, "invalid_price"),
        (TRAILING, "invalid_price"),
        ({**TRAILING, "trail_amount": Decimal(1), "trail_pct": Decimal(1)}, "invalid_price"),
        ({**TRAILING, "trail_pct": Decimal(100)}, "invalid_price"),
        ({**STOP, "stop_price": Decimal(-1)}, "invalid_price"),
        ({**STOP, "stop_price": Decimal(105), "time_in_force": TimeInForce.IOC}, "invalid_time_in_force"),
        ({"order_type": OrderType.MARKET_ON_OPEN}, "invalid_time_in_force"),
        ({"order_type": OrderType.MARKET, "time_in_force": TimeInForce.CLS}, "invalid_time_in_force"),
        ({"order_type": OrderType.MARKET_ON_OPEN, "time_in_force": TimeInForce.OPG}, "no_session"),
        ({"order_type": OrderType.MARKET_ON_CLOSE, "time_in_force": TimeInForce.CLS}, "no_session"),
        ({"order_type": OrderType.MARKET_ON_CLOSE, "time_in_force": TimeInForce.CLS, "closes_at": NOW}, "session_over"),
        ({"take_profit_price": Decimal(90), "stop_loss_price": Decimal(95)}, "invalid_bracket"),
        ({"take_profit_price": Decimal(110), "stop_loss_limit_price": Decimal(95)}, "invalid_bracket"),
        ({"stop_price": Decimal(2000), **STOP}, "insufficient_funds"),
        ({"side": Side.SELL, "quantity": "11", "stop_price": Decimal(90), **STOP}, "no_short"),
        ({"cash_amount": Decimal(0)}, "invalid_quantity"),
    ],
)
def test_what_makes_no_sense_is_rejected(engine: Engine, request_for: Request, changes: dict[str, object], code: str) -> None:
    order = engine.submit(request_for(**changes), NOW)  # type: ignore[arg-type]
    assert (order.state, order.reject_code) == (OrderState.REJECTED, code)


def on_open(request_for: Request, **other: object) -> object:
    kind = {"order_type": OrderType.MARKET_ON_OPEN, "limit_price": None, "time_in_force": TimeInForce.OPG}
    return request_for(**(kind | {"opens_at": NOW + 10 * MINUTE} | other))


def test_market_on_open_takes_the_first_mark_of_the_session(engine: Engine, request_for: Request) -> None:
    order = engine.submit(on_open(request_for), NOW)  # type: ignore[arg-type]
    mark(engine, "90", 9)
    assert engine.orders[order.order_id].is_open
    mark(engine, "97", 10)
    mark(engine, "80", 11)
    assert engine.orders[order.order_id].average_price == 97


def test_what_the_opening_does_not_fill_ends_with_it(engine: Engine, request_for: Request) -> None:
    short = engine.submit(on_open(request_for), NOW)  # type: ignore[arg-type]
    limit = engine.submit(on_open(request_for, order_type=OrderType.LIMIT, limit_price=Decimal(96)), NOW)  # type: ignore[arg-type]
    mark(engine, "97", 10, volume=Decimal(4))
    assert (engine.orders[short.order_id].state, engine.orders[short.order_id].filled_quantity) == (OrderState.EXPIRED, 4)
    assert (engine.orders[limit.order_id].state, engine.orders[limit.order_id].filled_quantity) == (OrderState.EXPIRED, 0)


def on_close(request_for: Request, **other: object) -> object:
    kind = {"order_type": OrderType.MARKET_ON_CLOSE, "limit_price": None, "time_in_force": TimeInForce.CLS}
    return request_for(**(kind | {"closes_at": NOW + 10 * MINUTE} | other))


@pytest.mark.parametrize("late", [True, False])
def test_market_on_close_takes_the_last_mark_of_the_session(engine: Engine, request_for: Request, late: bool) -> None:
    order = engine.submit(on_close(request_for), NOW)  # type: ignore[arg-type]
    mark(engine, "97", 9)
    assert engine.orders[order.order_id].is_open
    if late:
        mark(engine, "80", 11)
    else:
        assert [found.order_id for found in engine.expire(NOW + 11 * MINUTE)] == [order.order_id]
    done = engine.orders[order.order_id]
    assert (done.average_price, done.fills[0].time) == (97, NOW + 10 * MINUTE)


def test_a_mark_at_the_very_close_is_the_last_one(engine: Engine, request_for: Request) -> None:
    order = engine.submit(on_close(request_for), NOW)  # type: ignore[arg-type]
    mark(engine, "98", 10)
    assert engine.orders[order.order_id].average_price == 98


def test_a_session_without_a_mark_has_no_closing_price(engine: Engine, request_for: Request) -> None:
    order = engine.submit(on_close(request_for, opens_at=NOW + MINUTE), NOW)  # type: ignore[arg-type]
    engine.expire(NOW + 10 * MINUTE)
    assert engine.orders[order.order_id].state is OrderState.EXPIRED


def bracket(engine: Engine, request_for: Request, **other: object) -> SimOrder:
    prices = {"take_profit_price": Decimal(110), "stop_loss_price": Decimal(90), "client_order_id": "B"}
    return engine.submit(request_for(**(prices | other)), NOW)


def test_a_bracket_has_no_legs_before_its_entry_fills(engine: Engine, request_for: Request) -> None:
    entry = bracket(engine, request_for, limit="99")
    assert (engine.legs(entry), engine.find("B-tp"), engine.find("B-sl")) == ([], [], [])
    engine.cancel(entry.order_id, NOW)
    mark(engine, "99")
    assert engine.find("B-tp") == []


@pytest.mark.parametrize(("price", "gains"), [("111", True), ("89", False)])
def test_one_leg_cancels_the_other(engine: Engine, request_for: Request, price: str, gains: bool) -> None:
    entry = bracket(engine, request_for)
    profit, loss = engine.legs(entry)
    assert (profit.order_type, profit.side, profit.limit_price, profit.quantity) == (OrderType.LIMIT, Side.SELL, 110, 10)
    assert (loss.order_type, loss.side, loss.stop_price, loss.quantity) == (OrderType.STOP, Side.SELL, 90, 10)
    mark(engine, price)
    expected = [OrderState.FILLED, OrderState.CANCELLED] if gains else [OrderState.CANCELLED, OrderState.FILLED]
    assert states(engine, "B-tp", "B-sl") == expected
    assert engine.positions["one"].quantity == 10, "what was there before stays"


def test_both_legs_reserve_the_position_once(engine: Engine, request_for: Request) -> None:
    bracket(engine, request_for)
    sale = {"side": Side.SELL, "limit": "150"}
    assert engine.submit(request_for(quantity="11", **sale), NOW).reject_code == "no_short"
    assert engine.submit(request_for(quantity="10", **sale), NOW).state is OrderState.ACCEPTED


def test_the_legs_follow_partial_fills_of_entry_and_legs(engine: Engine, request_for: Request) -> None:
    mark(engine, "100", 1, volume=Decimal(4))
    entry = bracket(engine, request_for, time_in_force=TimeInForce.GTC)
    assert [leg.quantity for leg in engine.legs(entry)] == [4, 4]
    mark(engine, "100", 2, volume=Decimal(3))
    assert [leg.quantity for leg in engine.legs(engine.orders[entry.order_id])] == [7, 7]
    mark(engine, "111", 3, volume=Decimal(5))
    profit, loss = engine.legs(engine.orders[entry.order_id])
    assert (profit.filled_quantity, profit.quantity, loss.quantity) == (5, 7, 2)
    mark(engine, "89", 4)
    assert states(engine, "B", "B-tp", "B-sl") == [OrderState.FILLED, OrderState.CANCELLED, OrderState.FILLED]
    assert [leg.filled_quantity for leg in engine.legs(engine.orders[entry.order_id])] == [5, 5], "the last three it bought, too"
    assert engine.positions["one"].quantity == 10


def test_a_closed_bracket_buys_no_more(engine: Engine, request_for: Request) -> None:
    mark(engine, "100", 1, volume=Decimal(4))
    bracket(engine, request_for)
    mark(engine, "111", 2)
    assert states(engine, "B", "B-tp", "B-sl") == [OrderState.CANCELLED, OrderState.FILLED, OrderState.CANCELLED]


def test_a_stop_loss_alone_with_a_limit(engine: Engine, request_for: Request) -> None:
    entry = bracket(engine, request_for, take_profit_price=None, stop_loss_limit_price=Decimal(88))
    (leg,) = engine.legs(entry)
    assert (leg.order_type, leg.stop_price, leg.limit_price, leg.client_order_id) == (OrderType.STOP_LIMIT, 90, 88, "B-sl")
    mark(engine, "87")
    assert engine.find("B-sl")[0].state is OrderState.ACCEPTED
    mark(engine, "89", 2)
    assert engine.find("B-sl")[0].average_price == 89


def test_money_buys_whole_lots_and_never_costs_more(engine: Engine, request_for: Request) -> None:
    engine.add_contract(SimContract(native_id="one", currency="USD", lot_size=Decimal(1)))
    order = engine.submit(request_for(limit=None, cash_amount=Decimal(999)), NOW)
    assert (order.quantity, order.filled_value) == (9, 900)
    assert engine.submit(request_for(limit=None, cash_amount=Decimal(99)), NOW).reject_code == "invalid_quantity"


def test_money_buys_fractions_where_there_are_no_lots(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(1000)}, Costs(half_spread_bp=Decimal(0), slippage_bp=Decimal(100)))
    engine.set_mark("one", "USD", Decimal(3), NOW)
    order = engine.submit(request_for(limit=None, cash_amount=Decimal(100)), NOW)
    assert order.quantity == Decimal("33.003300330")
    assert Decimal(100) - Decimal("0.0000001") < order.filled_value <= 100
    nobody_knows = request_for(limit=None, cash_amount=Decimal(100), native_id="two")
    engine.add_contract(SimContract(native_id="two", currency="USD"))
    assert engine.submit(nobody_knows, NOW).reject_code == "no_quote"


def test_an_order_reaches_the_market_after_the_latency(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(10000)}, FREE, latency=timedelta(seconds=30))
    engine.set_mark("one", "USD", Decimal(100), NOW)
    order = engine.submit(request_for(limit=None), NOW)
    assert order.state is OrderState.ACCEPTED
    engine.set_mark("one", "USD", Decimal(101), NOW + timedelta(seconds=29))
    assert engine.orders[1].state is OrderState.ACCEPTED
    engine.set_mark("one", "USD", Decimal(150), NOW + timedelta(seconds=40))
    (fill,) = engine.orders[1].fills
    assert (fill.price, fill.time) == (101, NOW + timedelta(seconds=30)), "the mark that held when it arrived"


def test_a_cancellation_does_not_overtake_an_order_that_has_arrived(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(10000)}, FREE, latency=timedelta(seconds=30))
    engine.set_mark("one", "USD", Decimal(100), NOW)
    late, soon = (engine.submit(request_for(limit=None), NOW + seconds * timedelta(seconds=1)) for seconds in (0, 20))
    assert engine.cancel(late.order_id, NOW + timedelta(seconds=31)).state is OrderState.FILLED
    assert engine.cancel(soon.order_id, NOW + timedelta(seconds=49)).state is OrderState.CANCELLED


def test_immediate_or_cancel_ends_when_it_arrives(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(10000)}, FREE, latency=timedelta(seconds=30))
    engine.set_mark("one", "USD", Decimal(100), NOW, volume=Decimal(4))
    engine.submit(request_for(time_in_force=TimeInForce.IOC), NOW)
    assert engine.expire(NOW + timedelta(seconds=29)) == []
    (order,) = engine.expire(NOW + timedelta(seconds=30))
    assert (order.state, order.filled_quantity) == (OrderState.CANCELLED, 4)


def test_a_change_can_let_an_order_fill(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(limit="90"), NOW)
    changed = engine.modify(order.order_id, OrderChange(limit_price=Decimal(95), quantity=Decimal(12)), NOW + MINUTE)
    assert (changed.state, changed.limit_price, changed.quantity, changed.updated_at) == (
        OrderState.ACCEPTED,
        95,
        12,
        NOW + MINUTE,
    )
    assert engine.modify(order.order_id, OrderChange(limit_price=Decimal(100)), NOW).filled_quantity == 12


def test_a_changed_stop_waits_at_its_new_price(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(side=Side.SELL, stop_price=Decimal(95), **STOP), NOW)
    engine.modify(order.order_id, OrderChange(stop_price=Decimal(85)), NOW)
    mark(engine, "90")
    assert engine.orders[order.order_id].is_open


def test_a_day_order_can_be_made_lasting_and_back(engine: Engine, request_for: Request) -> None:
    close = NOW + 10 * MINUTE
    order = engine.submit(request_for(limit="90", expires_at=close), NOW)
    engine.modify(order.order_id, OrderChange(time_in_force=TimeInForce.GTC), NOW)
    engine.expire(close)
    assert engine.orders[order.order_id].is_open
    back = engine.modify(order.order_id, OrderChange(time_in_force=TimeInForce.DAY), close)
    assert back.expires_at == close + timedelta(hours=24)
    engine.expire(close + timedelta(hours=24))
    assert engine.orders[order.order_id].state is OrderState.EXPIRED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "something to change"),
        ({"stop_price": "1"}, "a limit order has no stop_price"),
        ({"limit_price": "0"}, "invalid_price"),
        ({"quantity": "2000"}, "insufficient_funds"),
        ({"time_in_force": "ioc"}, "only day and gtc"),
        ({"quantity": "0"}, "filled already"),
    ],
)
def test_a_refused_change_leaves_the_order_as_it_was(
    engine: Engine, request_for: Request, change: dict[str, object], words: str
) -> None:
    order = engine.submit(request_for(limit="90"), NOW)
    with pytest.raises(OrderRejected, match=words):
        engine.modify(order.order_id, OrderChange.model_validate(change), NOW)
    assert engine.orders[order.order_id] == order


def test_what_is_over_or_belongs_to_a_bracket_cannot_be_changed(engine: Engine, request_for: Request) -> None:
    entry = bracket(engine, request_for)
    more, leg = OrderChange(quantity=Decimal(20)), engine.legs(entry)[0].order_id
    for order_id, words in ((99, "no order 99"), (entry.order_id, "is filled"), (leg, "as large as")):
        with pytest.raises(OrderRejected, match=words):
            engine.modify(order_id, more, NOW)
    assert engine.modify(leg, OrderChange(limit_price=Decimal(105)), NOW).limit_price == 105
