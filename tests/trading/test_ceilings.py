"""What a broker may be sent cuts an order or holds it; the check after planning finds nothing that planning could have cut."""

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from include.domain.account import Position
from include.domain.broker_limits import BrokerLimits
from include.domain.order import Order, Side
from include.trading.candidate import Holding
from include.trading.plan import Plan, build_plan
from include.trading.plan_input import PlanInput
from include.trading.risk import over_broker_limits, over_count
from tests.trading.build import candidate, contract, mapping, plan_input, position, quote, snapshot

ALPACA = contract("alpaca", "uuid-aapl")


def planned(limits: BrokerLimits, held: str = "0", **changes: object) -> tuple[PlanInput, Plan]:
    """AAPL at 160 euro, 5 % of 100,000 euro wanted at Alpaca; `held` shares of it are there and nobody's of ours."""
    snapshots = {
        "ibkr-main": snapshot(positions=(position("uuid-aapl", "99"),)),  # another broker's is not counted
        "alpaca-main": snapshot("alpaca-main", positions=(position("uuid-aapl", held),)),
    }
    given = plan_input(candidate(mapping(ALPACA)), snapshots=snapshots, broker_limits={"alpaca": limits}, **changes)
    return given, build_plan(given)


def test_without_limits_the_portfolios_share_decides() -> None:
    (order,) = planned(BrokerLimits(), held="1000")[1].orders
    assert (order.quantity, order.notional) == (Decimal(31), Decimal("4960.00"))


def test_an_order_is_cut_to_what_its_broker_may_be_sent() -> None:
    (order,) = planned(BrokerLimits(max_order_value=Decimal(1000)))[1].orders
    assert (order.quantity, order.notional) == (Decimal(6), Decimal("960.00"))
    assert order.reason.startswith("target 5.00 % of value, limited to 1000 EUR in one order at alpaca; ")


def test_where_one_lot_is_too_much_it_is_held() -> None:
    plan = planned(BrokerLimits(max_order_value=Decimal(100)))[1]
    assert plan.orders == ()
    assert [one.reason for one in plan.held] == ["max_order_value: one lot is more than 100 EUR, the limit of alpaca"]


def test_a_position_grows_to_its_limit_whoever_bought_it() -> None:
    (order,) = planned(BrokerLimits(max_position_value=Decimal(2000)), held="5")[1].orders
    assert (order.quantity, order.notional) == (Decimal(7), Decimal("1120.00"))  # 5 of them are 800 already
    assert ", limited to a position of 2000 EUR at alpaca; " in order.reason
    full = planned(BrokerLimits(max_position_value=Decimal(2000)), held="12")[1]
    assert [one.reason for one in full.held] == ["max_position_value: 1920.00 of at most 2000 EUR are held at alpaca"]


def test_a_sale_is_cut_by_the_orders_limit_and_not_by_the_positions() -> None:
    holding = Holding("alpaca-main", ALPACA, Decimal(30))
    snapshots = {"alpaca-main": snapshot("alpaca-main", positions=(position("uuid-aapl", "30"),))}
    limits = BrokerLimits(max_order_value=Decimal(1600), max_position_value=Decimal(1))
    given = plan_input(
        candidate(mapping(ALPACA), weight="0", holdings=(holding,)), snapshots=snapshots, broker_limits={"alpaca": limits}
    )
    (order,) = build_plan(given).orders
    assert (order.side, order.quantity) == (Side.SELL, Decimal(10))
    assert over_broker_limits([order], given.broker_limits, snapshots) == {}


money = st.decimals(min_value="0.01", max_value="20000", places=3)


@given(
    order=st.none() | money,
    position=st.none() | money,
    held=st.integers(0, 200),
    price=st.decimals(min_value="0.5", max_value="900", places=2),
)
def test_planning_leaves_nothing_for_the_check_to_find(
    order: Decimal | None, position: Decimal | None, held: int, price: Decimal
) -> None:
    limits = BrokerLimits(max_order_value=order, max_position_value=position)
    asked = {("alpaca-main", "uuid-aapl"): quote("uuid-aapl", str(price))}
    wanted, shares = candidate(mapping(ALPACA), export_price=price), shares_of(held)
    snapshots = {"alpaca-main": snapshot("alpaca-main", positions=(shares,))}
    given = plan_input(wanted, snapshots=snapshots, quotes=asked, broker_limits={"alpaca": limits})
    orders = build_plan(given).orders
    assert over_broker_limits(orders, given.broker_limits, snapshots) == {}


def shares_of(held: int) -> Position:
    return position("uuid-aapl", str(held))


def orders() -> tuple[PlanInput, list[Order]]:
    given, plan = planned(BrokerLimits(), held="5")
    return given, list(plan.orders)


def test_the_check_stops_what_an_earlier_plan_did_not_know() -> None:
    given, (order,) = orders()
    over = over_broker_limits([order], {"alpaca": BrokerLimits(max_order_value=Decimal(4959))}, given.snapshots)
    assert over == {order.client_order_id: "max_order_value: 4960.00, the limit of alpaca is 4959"}
    over = over_broker_limits([order], {"alpaca": BrokerLimits(max_position_value=Decimal(5759))}, given.snapshots)
    assert over == {order.client_order_id: "max_position_value: 5760.00 afterwards, the limit of alpaca is 5759"}
    exact = BrokerLimits(max_order_value=Decimal(4960), max_position_value=Decimal(5760))
    assert over_broker_limits([order], {"alpaca": exact}, given.snapshots) == {}
    assert over_broker_limits([order], {"ibkr": BrokerLimits(max_order_value=Decimal(1))}, given.snapshots) == {}


def test_the_first_orders_of_a_run_go_over_all_portfolios() -> None:
    (order,) = orders()[1]
    first, second, third = (order.model_copy(update={"client_order_id": name}) for name in ("a", "b", "c"))
    elsewhere = order.model_copy(update={"client_order_id": "d", "broker": "ibkr"})
    limits = {"alpaca": BrokerLimits(max_orders_per_run=2)}
    counted: Counter[str] = Counter()
    assert over_count([first, elsewhere], limits, counted) == {}
    assert over_count([second, third], limits, counted) == {"c": "max_orders_per_run: alpaca is sent 2 in one run"}
    none = {"alpaca": BrokerLimits(max_orders_per_run=0)}
    assert list(over_count([first, elsewhere], none, Counter())) == ["a"]
