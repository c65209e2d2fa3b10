"""A plan beside others: rows that are one contract, open orders, accounts left out, mappings that wait."""

from decimal import Decimal

import pytest

from include.domain.order import OrderReport, OrderState, Side
from include.trading.candidate import Holding
from include.trading.order_id import client_order_id
from include.trading.plan import build_plan, wanted_quotes
from include.trading.risk import check
from tests.trading.build import (
    AT_ALPACA,
    AT_IBKR,
    candidate,
    contract,
    held_at_ibkr,
    mapping,
    plan_input,
    position,
    quote,
    snapshot,
    with_position,
)


def test_two_contracts_of_one_instrument_in_an_account_are_sold_under_two_ids() -> None:
    moved = contract(native_id="777", symbol="AAPL")
    holdings = (held_at_ibkr("10"), Holding("ibkr-main", moved, Decimal(5)))
    snapshots = {"ibkr-main": snapshot(positions=(position("265598", "10"), position("777", "5")))}
    quotes = {("ibkr-main", "265598"): quote(), ("ibkr-main", "777"): quote("777")}
    plan = build_plan(plan_input(candidate(weight="0", holdings=holdings), snapshots=snapshots, quotes=quotes))
    assert [(order.contract.native_id, order.quantity) for order in plan.orders] == [("265598", Decimal(10)), ("777", Decimal(5))]
    first, second = (order.client_order_id for order in plan.orders)
    assert first == client_order_id("main", "sandbox", "ibkr-main", "2026-11-20", 1, "isin:US0378331005", Side.SELL)
    assert second == client_order_id("main", "sandbox", "ibkr-main", "2026-11-20", 1, "isin:US0378331005", Side.SELL, 1)


def test_two_rows_that_are_one_contract_do_not_trade_against_each_other() -> None:
    """The position is one: each row would see the other's part as its own, sell it, and buy back what it misses."""
    twin = candidate(AT_IBKR, ticker="AAPL.F", instrument_id="ticker:AAPL.F", weight="0.03", preference=("ibkr",))
    holder = candidate(AT_IBKR, weight="0.02", preference=("ibkr",), holdings=(held_at_ibkr("12"),))
    plan = build_plan(plan_input(twin, holder, **with_position("12")))
    assert plan.orders == ()
    assert [(held.ticker, held.reason) for held in plan.held] == [("AAPL.F", "same_contract: AAPL is AAPL in ibkr-main already")]


def test_an_order_that_fills_the_limit_is_inside_it() -> None:
    # 5 % of 10,000.30 EUR are 500.015 EUR; told to the cent, a notional of that much would be 500.02
    crypto = contract(lot_size=Decimal("0.000000001"))
    wanted = plan_input(candidate(mapping(crypto), weight="0.1", preference=("ibkr",)), nav=Decimal("10000.30"))
    (order,) = build_plan(wanted).orders
    assert order.notional == Decimal("500.01")
    assert check([order], wanted.portfolio, wanted.nav, first_funding=False).blocked == {}


def test_money_of_open_buys_is_not_spent_again() -> None:
    # 31 x 201 are 6,231 USD; 100 of the 6,300 may still be taken by an order that stands
    cash = {"alpaca-main": snapshot("alpaca-main", {"USD": "6300"})}
    plan = build_plan(plan_input(candidate(AT_ALPACA), snapshots=cash, committed={("alpaca-main", "USD"): Decimal(100)}))
    assert [held.reason for held in plan.held] == ["unfunded: needs 6231.00 USD, alpaca-main has 6200.00 settled and free"]


def test_a_holding_in_an_account_that_the_run_leaves_out_is_held_and_not_quoted() -> None:
    wanted = plan_input(candidate(AT_IBKR, holdings=(held_at_ibkr("20"),)), snapshots={"alpaca-main": snapshot("alpaca-main")})
    assert wanted_quotes(wanted) == {}
    assert [h.reason for h in build_plan(wanted).held] == ["account_frozen: ibkr-main holds it and could not be read"]


def test_a_currency_without_a_rate_holds_its_instrument_alone() -> None:
    krona = contract(native_id="9", symbol="VOLV", currency="SEK")
    left = candidate(weight="0", ticker="VOLV", instrument_id="ticker:VOLV", holdings=(Holding("ibkr-main", krona, Decimal(7)),))
    snapshots = {"ibkr-main": snapshot(positions=(position("9", "7", "VOLV"),)), "alpaca-main": snapshot("alpaca-main")}
    quotes = {("alpaca-main", "uuid-aapl"): quote("uuid-aapl"), ("ibkr-main", "9"): quote("9", currency="SEK")}
    plan = build_plan(plan_input(left, candidate(AT_ALPACA), snapshots=snapshots, quotes=quotes))
    assert [order.ticker for order in plan.orders] == ["AAPL"]
    assert [(held.ticker, held.reason) for held in plan.held] == [("VOLV", "no_rate: nothing tells what SEK is worth")]


def test_what_somebody_else_is_selling_is_not_sold_a_second_time() -> None:
    by_hand = OrderReport(
        client_order_id="by hand", native_id="265598", side=Side.SELL, quantity=Decimal(8), state=OrderState.ACCEPTED
    )
    held = snapshot(positions=(position("265598", "20"),), open_orders=(by_hand,))
    wanted = candidate(AT_IBKR, weight="0", holdings=(held_at_ibkr("20"),))
    plan = build_plan(plan_input(wanted, snapshots={"ibkr-main": held}))
    assert [h.reason for h in plan.held] == ["open_order: 8 of it are being sold in ibkr-main; look at the account"]
    more = held.model_copy(update={"positions": (position("265598", "28"),)})
    assert [order.quantity for order in build_plan(plan_input(wanted, snapshots={"ibkr-main": more})).orders] == [Decimal(20)]


@pytest.mark.parametrize("weight", ["0", "0.01", "0.05"])
def test_a_holding_whose_mapping_waits_for_a_person_is_neither_sold_nor_added_to(weight: str) -> None:
    reason = "mapping_changed: native_id 265598 -> 999"
    waiting = candidate(AT_IBKR, AT_ALPACA, weight=weight, holdings=(held_at_ibkr("20"),), mapping_held={"ibkr": reason})
    plan = build_plan(plan_input(waiting, **with_position("20")))
    assert (plan.orders, [held.reason for held in plan.held]) == ((), [reason])


def test_a_holding_elsewhere_is_still_sold_down_while_the_preferred_broker_waits() -> None:
    reason = "mapping_changed: native_id uuid-old -> uuid-aapl"
    waiting = candidate(AT_IBKR, AT_ALPACA, weight="0.01", holdings=(held_at_ibkr("20"),), mapping_held={"alpaca": reason})
    (order,) = build_plan(plan_input(waiting, **with_position("20"))).orders
    assert (order.account, order.side) == ("ibkr-main", Side.SELL)
    more = candidate(AT_IBKR, AT_ALPACA, holdings=(held_at_ibkr("20"),), mapping_held={"alpaca": reason})
    plan = build_plan(plan_input(more, **with_position("20")))
    assert (plan.orders, [held.reason for held in plan.held]) == ((), [reason])
