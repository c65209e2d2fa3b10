"""What venues need besides: trailing stops on ticks, auctions by the clock, who listens, older states."""

from decimal import Decimal

from include.domain.order import OrderChange, OrderState, OrderType, Side, TimeInForce
from include.simulation import state
from include.simulation.engine import Engine, Rules, SimContract, SimOrder
from tests.simulation.conftest import NOW
from tests.simulation.families.build import FREE, MINUTE, Submit, mark, sale, seen


def test_a_trailing_stop_tells_the_best_price_and_moves_when_its_distance_changes(
    engine: Engine, submit: Submit, hold: None
) -> None:
    order = submit(side=Side.SELL, limit=None, order_type=OrderType.TRAILING_STOP, trail_amount=Decimal(5))
    mark(engine, "110")
    mark(engine, "107", 2)
    assert (engine.orders[order.order_id].best_price, engine.orders[order.order_id].stop_price) == (110, 105)
    wider = engine.modify(order.order_id, OrderChange(trail_amount=Decimal(20)), NOW + 2 * MINUTE)
    assert (wider.best_price, wider.stop_price, wider.state) == (110, 90, OrderState.ACCEPTED)


def test_a_trailing_stop_stands_at_whole_ticks_away_from_the_market(engine: Engine, submit: Submit, hold: None) -> None:
    engine.add_contract(SimContract(native_id="one", currency="USD", tick_size=Decimal("0.05")))
    kind = {"limit": None, "order_type": OrderType.TRAILING_STOP, "trail_pct": Decimal(1)}
    sold, bought = submit(side=Side.SELL, **kind), submit(**kind)
    mark(engine, "100.37")
    assert (engine.orders[sold.order_id].stop_price, engine.orders[bought.order_id].stop_price) == (Decimal("99.35"), 101)
    mark(engine, "99.40", 2)
    wider = engine.modify(sold.order_id, OrderChange(trail_pct=Decimal(2)), NOW + 2 * MINUTE)
    assert (wider.stop_price, engine.orders[bought.order_id].stop_price) == (Decimal("98.35"), Decimal("100.40"))


def test_a_lasting_order_that_is_made_one_for_the_day_ends_when_it_is_told(engine: Engine, submit: Submit) -> None:
    order = submit(limit="90", time_in_force=TimeInForce.GTC)
    day = OrderChange(time_in_force=TimeInForce.DAY)
    assert engine.modify(order.order_id, day, NOW, expires_at=NOW + 5 * MINUTE).expires_at == NOW + 5 * MINUTE
    engine.expire(NOW + 5 * MINUTE)
    assert engine.orders[order.order_id].state is OrderState.EXPIRED


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


def test_rows_of_version_2_keep_their_brackets(engine: Engine, submit: Submit) -> None:
    submit(limit="100", take_profit_price=Decimal(110), stop_loss_price=Decimal(90))
    written = state.rows(engine, whole=True)
    for order_id in ("2", "3"):
        del written["order", order_id]["group"]
    written["order", "1"]["leg_ids"] = [2, 3]
    read = Engine({}, FREE)
    read.contracts |= engine.contracts
    state.take_rows(read, written)
    mark(read, "89")
    assert seen(read, 2, 3) == [("cancelled", "10", "0"), ("filled", "10", "10")]
