import json
from datetime import timedelta
from decimal import Decimal

import pytest

from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.errors import InputError, OrderRejected
from include.simulation.engine import Costs, Engine, SimContract
from tests.simulation.conftest import NOW, Request

LATER = NOW + timedelta(minutes=5)


def test_a_quote_stands_around_the_mark(engine: Engine) -> None:
    quote = engine.quote("one")
    assert quote is not None
    assert (quote.bid, quote.ask, quote.last, quote.time) == (Decimal("99.99"), Decimal("100.01"), Decimal(100), NOW)
    assert engine.quote("other") is None


def test_a_crossing_limit_fills_at_the_ask_not_at_its_limit(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(), NOW)
    assert order.state is OrderState.FILLED
    assert (order.average_price, order.filled_quantity, order.remaining) == (Decimal("100.01"), 10, 0)
    assert engine.cash == {"USD": Decimal("8999.90")}
    assert engine.positions["one"].quantity == 10
    (fill,) = order.fills
    assert (fill.fill_id, fill.quantity, fill.price, fill.time) == ("1.1", 10, Decimal("100.01"), NOW)
    assert fill.commission_currency == "USD"


def test_a_limit_rests_until_a_mark_crosses_it(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(limit="98"), NOW)
    assert order.state is OrderState.ACCEPTED
    engine.set_mark("one", "USD", Decimal("98.5"), LATER)
    assert engine.orders[order.order_id].state is OrderState.ACCEPTED
    engine.set_mark("one", "USD", Decimal(97), LATER)
    filled = engine.orders[order.order_id]
    assert (filled.state, filled.average_price, filled.updated_at) == (OrderState.FILLED, Decimal("97.0097"), LATER)


def test_a_fill_by_an_old_mark_is_not_dated_before_its_order(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(limit="98"), LATER)
    engine.set_mark("one", "USD", Decimal(97), NOW)
    assert engine.orders[order.order_id].fills[0].time == LATER


def test_slippage_never_takes_a_fill_beyond_its_limit(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(10000)}, Costs(slippage_bp=Decimal(500)))
    engine.set_mark("one", "USD", Decimal(100), NOW)
    bought = engine.submit(request_for(limit="101"), NOW)
    sold = engine.submit(request_for(limit="99", side=Side.SELL, quantity="4"), NOW)
    assert (bought.average_price, sold.average_price) == (101, 99)


def test_a_market_order_pays_far_side_slippage_and_commission(request_for: Request) -> None:
    costs = Costs(slippage_bp=Decimal(10), commission_bp=Decimal(5), commission_minimum=Decimal(2))
    engine = Engine({"USD": Decimal(10000)}, costs)
    engine.set_mark("one", "USD", Decimal(100), NOW)
    order = engine.submit(request_for(limit=None), NOW)
    assert order.average_price == Decimal("100.11001")
    assert order.commission == 2
    assert engine.cash["USD"] == Decimal("10000") - Decimal("1001.1001") - 2


def test_a_market_order_without_a_mark_is_rejected_and_a_limit_rests(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(10000)})
    engine.add_contract(SimContract(native_id="one", currency="USD"))
    assert engine.submit(request_for(limit=None), NOW).reject_code == "no_quote"
    resting = engine.submit(request_for(), NOW)
    assert resting.state is OrderState.ACCEPTED
    engine.set_mark("one", "USD", Decimal(100), LATER)
    assert engine.orders[resting.order_id].state is OrderState.FILLED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"native_id": "two"}, "unknown_contract"),
        ({"currency": "EUR"}, "wrong_currency"),
        ({"quantity": "0"}, "invalid_quantity"),
        ({"quantity": "-3"}, "invalid_quantity"),
        ({"limit_price": Decimal(0)}, "invalid_price"),
        ({"limit_price": None}, "invalid_price"),
        ({"quantity": "100"}, "insufficient_funds"),
        ({"side": Side.SELL}, "no_short"),
    ],
)
def test_a_bad_order_is_recorded_as_rejected(engine: Engine, request_for: Request, changes: dict[str, object], code: str) -> None:
    order = engine.submit(request_for(**changes), NOW)  # type: ignore[arg-type]
    assert (order.state, order.reject_code) == (OrderState.REJECTED, code)
    assert engine.find("ORDER1") == [order]
    assert engine.open_orders() == []
    assert engine.cash == {"USD": Decimal(10000)}


@pytest.mark.parametrize(("lot", "tradable", "code"), [("100", True, "invalid_quantity"), ("1", False, "not_tradable")])
def test_lots_and_dead_contracts(engine: Engine, request_for: Request, lot: str, tradable: bool, code: str) -> None:
    engine.add_contract(SimContract(native_id="one", currency="USD", lot_size=Decimal(lot), tradable=tradable))
    assert engine.submit(request_for(), NOW).reject_code == code


def test_cash_reserved_by_a_resting_purchase_cannot_be_spent_again(engine: Engine, request_for: Request) -> None:
    first = engine.submit(request_for(quantity="90", limit="99"), NOW)
    assert engine.submit(request_for(quantity="20", limit="101"), NOW).reject_code == "insufficient_funds"
    engine.cancel(first.order_id, NOW)
    assert engine.submit(request_for(quantity="20", limit="101"), NOW).state is OrderState.FILLED


def test_a_position_offered_for_sale_cannot_be_sold_again(engine: Engine, request_for: Request) -> None:
    engine.submit(request_for(), NOW)
    resting = engine.submit(request_for(quantity="6", limit="110", side=Side.SELL), NOW)
    assert engine.submit(request_for(quantity="5", limit=None, side=Side.SELL), NOW).reject_code == "no_short"
    assert engine.submit(request_for(quantity="4", limit=None, side=Side.SELL), NOW).state is OrderState.FILLED
    engine.set_mark("one", "USD", Decimal(120), LATER)
    assert engine.orders[resting.order_id].average_price == Decimal("119.988")
    assert engine.positions == {}


def test_volume_fills_in_parts_and_commission_counts_once_per_order(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(10000)}, Costs(commission_minimum=Decimal(3)))
    engine.set_mark("one", "USD", Decimal(100), NOW, volume=Decimal(4))
    order = engine.submit(request_for(), NOW)
    assert (order.state, order.filled_quantity, order.commission) == (OrderState.PARTIALLY_FILLED, 4, 3)
    engine.set_mark("one", "USD", Decimal(100), NOW, volume=Decimal(4))
    assert engine.orders[1].filled_quantity == 4, "the same mark brings no new volume"
    engine.set_mark("one", "USD", Decimal("100.5"), LATER, volume=Decimal(50))
    done = engine.orders[1]
    assert (done.state, done.commission, [fill.quantity for fill in done.fills]) == (OrderState.FILLED, 3, [4, 6])
    assert done.average_price == (4 * Decimal("100.01") + 6 * Decimal("100.51005")) / 10
    assert engine.marks["one"].volume == 44


def test_volume_is_used_in_whole_lots(engine: Engine, request_for: Request) -> None:
    engine.add_contract(SimContract(native_id="one", currency="USD", lot_size=Decimal(5)))
    engine.set_mark("one", "USD", Decimal(100), LATER, volume=Decimal(9))
    assert engine.submit(request_for(), LATER).filled_quantity == 5


def test_immediate_or_cancel_keeps_what_filled(engine: Engine, request_for: Request) -> None:
    engine.set_mark("one", "USD", Decimal(100), LATER, volume=Decimal(4))
    order = engine.submit(request_for(time_in_force=TimeInForce.IOC), LATER)
    assert (order.state, order.filled_quantity, order.expires_at) == (OrderState.CANCELLED, 4, None)


def test_fill_or_kill_takes_all_or_nothing(engine: Engine, request_for: Request) -> None:
    engine.set_mark("one", "USD", Decimal(100), LATER, volume=Decimal(9))
    killed = engine.submit(request_for(time_in_force=TimeInForce.FOK), LATER)
    assert (killed.state, killed.filled_quantity) == (OrderState.CANCELLED, 0)
    filled = engine.submit(request_for(quantity="9", time_in_force=TimeInForce.FOK), LATER)
    assert filled.state is OrderState.FILLED


def test_a_day_order_whose_time_is_over_is_not_filled_by_a_later_mark(engine: Engine, request_for: Request) -> None:
    close = NOW + timedelta(hours=6)
    engine.submit(request_for(limit="98", expires_at=close), NOW)
    engine.set_mark("one", "USD", Decimal(90), close + timedelta(hours=18))
    assert engine.orders[1].state is OrderState.EXPIRED
    assert engine.positions == {}


def test_a_day_order_whose_time_is_over_reserves_nothing(engine: Engine, request_for: Request) -> None:
    close = NOW + timedelta(hours=6)
    engine.submit(request_for(quantity="100", limit="99", expires_at=close), NOW)
    assert engine.submit(request_for(), NOW).reject_code == "insufficient_funds"
    assert engine.submit(request_for(), close).state is OrderState.FILLED


def test_a_day_order_expires_and_a_lasting_one_does_not(engine: Engine, request_for: Request) -> None:
    close = NOW + timedelta(hours=6)
    engine.submit(request_for(limit="90", expires_at=close), NOW)
    engine.submit(request_for(limit="90"), NOW)
    engine.submit(request_for(limit="80", time_in_force=TimeInForce.GTC), NOW)
    assert engine.expire(close - timedelta(seconds=1)) == []
    assert [order.order_id for order in engine.expire(close)] == [1]
    assert [order.order_id for order in engine.expire(NOW + timedelta(hours=24))] == [2]
    assert engine.orders[1].state is OrderState.EXPIRED
    assert [order.order_id for order in engine.open_orders()] == [3]


def test_cancelling_ends_an_open_order_and_leaves_a_final_one(engine: Engine, request_for: Request) -> None:
    resting = engine.submit(request_for(limit="90"), NOW)
    assert engine.cancel(resting.order_id, LATER).state is OrderState.CANCELLED
    filled = engine.submit(request_for(), NOW)
    assert engine.cancel(filled.order_id, LATER) == filled
    with pytest.raises(OrderRejected, match="no order 99"):
        engine.cancel(99, LATER)


def test_the_rest_of_a_market_order_that_cannot_be_paid_any_more_is_cancelled(request_for: Request) -> None:
    engine = Engine({"USD": Decimal(1100)})
    engine.set_mark("one", "USD", Decimal(100), NOW, volume=Decimal(4))
    engine.submit(request_for(limit=None), NOW)
    engine.set_mark("one", "USD", Decimal(150), LATER)
    order = engine.orders[1]
    assert (order.state, order.filled_quantity, order.reject_code) == (OrderState.CANCELLED, 4, "insufficient_funds")
    assert engine.cash["USD"] > 0


def test_known_sides_stand_in_for_the_spread(engine: Engine, request_for: Request) -> None:
    engine.set_mark("one", "USD", Decimal(100), LATER, bid=Decimal(99), ask=Decimal("100.75"))
    assert engine.submit(request_for(), LATER).average_price == Decimal("100.75")
    assert engine.submit(request_for(limit=None, side=Side.SELL), LATER).average_price == 99


def test_settling_in_one_currency_needs_a_rate(request_for: Request) -> None:
    engine = Engine({"EUR": Decimal(1000)}, settle_in="EUR")
    engine.set_mark("one", "USD", Decimal(100), NOW)
    assert engine.submit(request_for(), NOW).reject_code == "no_rate"
    engine.set_rate("USD", Decimal("1.25"))
    assert engine.submit(request_for(), NOW).state is OrderState.FILLED
    assert engine.cash["EUR"] == 1000 - Decimal("1000.1") / Decimal("1.25")


def test_equity_takes_marks_and_rates(engine: Engine, request_for: Request) -> None:
    engine.submit(request_for(), NOW)
    assert engine.equity({"USD": Decimal("1.25")}, "EUR") == (Decimal("8999.90") + 1000) / Decimal("1.25")
    with pytest.raises(InputError, match="USD per EUR"):
        engine.equity({}, "EUR")


def test_the_random_part_follows_the_seed_and_not_the_history(request_for: Request) -> None:
    def prices(seed: int, restart: bool) -> list[Decimal | None]:
        engine = Engine({"USD": Decimal(10**6)}, Costs(slippage_jitter_bp=Decimal(50)), seed)
        engine.set_mark("one", "USD", Decimal(100), NOW)
        found = []
        for number in range(5):
            if restart:
                engine = Engine.from_state(engine.to_state())
            found.append(engine.submit(request_for(limit=None, client_order_id=str(number)), NOW).average_price)
        return found

    assert prices(1, restart=False) == prices(1, restart=True)
    assert prices(1, restart=False) != prices(2, restart=False)
    assert len(set(prices(1, restart=False))) == 5


def test_the_state_goes_through_json_and_goes_on(engine: Engine, request_for: Request) -> None:
    engine.submit(request_for(), NOW)
    resting = engine.submit(request_for(limit="90", client_order_id="ORDER2"), NOW)
    engine.submit(request_for(native_id="nowhere"), NOW)
    again = Engine.from_state(json.loads(json.dumps(engine.to_state())))
    assert again.to_state() == engine.to_state()
    assert again.find("ORDER2") == [resting]
    assert again.open_orders() == [resting]
    again.set_mark("one", "USD", Decimal(80), LATER)
    assert again.orders[resting.order_id].state is OrderState.FILLED
    assert again.submit(request_for(), LATER).order_id == 4


def test_the_short_state_keeps_only_what_is_in_use(engine: Engine, request_for: Request) -> None:
    engine.set_mark("two", "USD", Decimal(5), NOW)
    engine.submit(request_for(), NOW)
    state = engine.to_state(whole=False)
    assert [row["native_id"] for row in state["contracts"]] == ["one"]
    assert list(state["marks"]) == ["one"]


@pytest.mark.parametrize(
    ("change", "field"), [({"cash": {"USD": "much"}}, "cash.USD"), ({"version": 4}, "version"), ({"more": 1}, "more")]
)
def test_a_damaged_state_names_its_field(engine: Engine, change: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        Engine.from_state(engine.to_state() | change)
    assert caught.value.field == field


def test_market_orders_ignore_a_price_that_came_along(engine: Engine, request_for: Request) -> None:
    order = engine.submit(request_for(limit="1", order_type=OrderType.MARKET), NOW)
    assert order.average_price == Decimal("100.01")


def test_a_document_of_version_1_is_read() -> None:
    document = {
        "version": 1,
        "costs": {"half_spread_bp": "1", "slippage_bp": "2", "commission_minimum": "1"},
        "seed": 7,
        "settle_in": "EUR",
        "cash": {"EUR": "500.5"},
        "rates": {"USD": "1.25"},
        "realized_pnl": {"one": "12"},
        "positions": [{"native_id": "one", "symbol": "ONE", "currency": "USD", "quantity": "4", "average_cost": "100.01"}],
        "contracts": [{"native_id": "one", "currency": "USD", "multiplier": "1", "lot_size": None, "tradable": True}],
        "marks": {"one": {"price": "100", "time": "2026-03-02T15:00:00Z", "volume": None}},
        "orders": [
            {
                "order_id": 1,
                "client_order_id": "OLD",
                "native_id": "one",
                "symbol": "ONE",
                "currency": "USD",
                "side": "sell",
                "order_type": "limit",
                "time_in_force": "gtc",
                "quantity": "4",
                "limit_price": "120",
                "state": "accepted",
                "created_at": "2026-03-02T15:00:00Z",
                "updated_at": "2026-03-02T15:00:00Z",
            }
        ],
    }
    engine = Engine.from_state(document)
    assert (engine.cash, engine.seed, engine.latency, engine.volumes) == ({"EUR": Decimal("500.5")}, 7, timedelta(), {})
    engine.set_mark("one", "USD", Decimal(130), LATER)
    assert engine.find("OLD")[0].state is OrderState.FILLED
    assert engine.to_state()["version"] == 3
