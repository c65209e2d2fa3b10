"""What a broker may be sent cuts an order or holds it; the check after planning finds nothing that planning could have cut."""

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from include.domain.account import AccountSnapshot
from include.domain.broker_limits import BrokerLimits
from include.domain.order import Order, OrderReport, OrderState, Side
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
    assert [one.reason for one in full.held] == ["max_position_value: 1920.00 of at most 2000 EUR are held or on order at alpaca"]


def on_order(
    client_order_id: str = "SOMEBODY", side: Side = Side.BUY, quantity: str | None = "6", filled: str = "2"
) -> OrderReport:
    """6 shares of AAPL, 2 of them filled already."""
    return OrderReport(
        client_order_id=client_order_id,
        native_id="uuid-aapl",
        side=side,
        quantity=None if quantity is None else Decimal(quantity),
        state=OrderState.PARTIALLY_FILLED,
        filled_quantity=Decimal(2),
    )


def at_alpaca(held: str, *reports: OrderReport) -> dict[str, AccountSnapshot]:
    here = snapshot("alpaca-main", positions=(position("uuid-aapl", held),), open_orders=reports)
    return {"ibkr-main": snapshot(open_orders=(on_order(quantity="99"),)), "alpaca-main": here}


def test_what_stands_open_counts_like_what_is_held() -> None:
    limits = {"alpaca": BrokerLimits(max_position_value=Decimal(2000))}
    wanted = candidate(mapping(ALPACA))

    # 5 held and 4 of 6 still to come are 9 shares at 160 euro: 1440. Room for 560, which is 3 shares.
    given = plan_input(wanted, snapshots=at_alpaca("5", on_order()), broker_limits=limits)
    (order,) = build_plan(given).orders
    assert (order.quantity, order.notional) == (Decimal(3), Decimal("480.00"))
    assert ", limited to a position of 2000 EUR at alpaca; " in order.reason
    assert over_broker_limits([order], limits, given.snapshots) == {}

    # An open sale may never fill: 9 held, and 4 to be sold, leave room for 3 as well.
    given = plan_input(wanted, snapshots=at_alpaca("9", on_order(side=Side.SELL)), broker_limits=limits)
    assert [order.quantity for order in build_plan(given).orders] == [Decimal(3)]

    full = plan_input(wanted, snapshots=at_alpaca("8", on_order()), broker_limits=limits)
    (one,) = build_plan(full).held
    assert one.reason == "max_position_value: 1920.00 of at most 2000 EUR are held or on order at alpaca"


def test_nothing_is_bought_while_a_buy_of_unknown_size_stands() -> None:
    limits = {"alpaca": BrokerLimits(max_position_value=Decimal(2000))}
    given = plan_input(candidate(mapping(ALPACA)), snapshots=at_alpaca("0", on_order(quantity=None)), broker_limits=limits)
    words = "max_position_value: an open buy of unknown size stands at alpaca; wait until it is filled, or cancel it"
    assert [one.reason for one in build_plan(given).held] == [words]
    (order,) = planned(BrokerLimits())[1].orders
    assert over_broker_limits([order], limits, given.snapshots) == {order.client_order_id: words}
    assert planned(BrokerLimits(max_order_value=Decimal(1000)))[1].orders  # no limit of the position: it does not matter


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
    coming=st.integers(2, 200),
    price=st.decimals(min_value="0.5", max_value="900", places=2),
)
def test_planning_leaves_nothing_for_the_check_to_find(
    order: Decimal | None, position: Decimal | None, held: int, coming: int, price: Decimal
) -> None:
    limits = BrokerLimits(max_order_value=order, max_position_value=position)
    asked = {("alpaca-main", "uuid-aapl"): quote("uuid-aapl", str(price))}
    wanted, snapshots = candidate(mapping(ALPACA), export_price=price), at_alpaca(str(held), on_order(quantity=str(coming)))
    given = plan_input(wanted, snapshots=snapshots, quotes=asked, broker_limits={"alpaca": limits})
    orders = build_plan(given).orders
    assert over_broker_limits(orders, given.broker_limits, snapshots) == {}


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


def test_the_check_counts_open_buys_and_the_same_plans_but_an_order_only_once() -> None:
    _, (order,) = orders()  # 31 shares at 160 euro: 4960
    limit = {"alpaca": BrokerLimits(max_position_value=Decimal(6400))}  # 40 shares
    # 5 held, 4 to come and 31 are exactly 40; one share more is too much.
    assert over_broker_limits([order], limit, at_alpaca("5", on_order())) == {}
    assert over_broker_limits([order], limit, at_alpaca("6", on_order())) == {
        order.client_order_id: "max_position_value: 6560.00 afterwards, the limit of alpaca is 6400"
    }
    # It was sent by an earlier run, and 2 of its 31 shares are among the 9 that are held: it is not on order besides.
    assert over_broker_limits([order], limit, at_alpaca("9", on_order(order.client_order_id, quantity="31"))) == {}
    # The same plan buys 5 of them in its second account there: 5 held, 31 and 5 are 41.
    second = order.model_copy(
        update={"client_order_id": "second", "account": "alpaca-two", "quantity": Decimal(5), "notional": Decimal(800)}
    )
    assert over_broker_limits([order, second], limit, at_alpaca("5")) == {
        "second": "max_position_value: 6560.00 afterwards, the limit of alpaca is 6400"
    }
    assert over_broker_limits([order, second], limit, at_alpaca("4")) == {}


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
