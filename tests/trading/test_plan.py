from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.mapping import MappingStatus
from include.domain.order import Side
from include.domain.portfolio import Limits
from include.trading.candidate import Holding
from include.trading.plan import build_plan, wanted_quotes
from tests.trading.build import (
    AT_ALPACA,
    AT_IBKR,
    CLOSE,
    NOON,
    candidate,
    contract,
    held_at_ibkr,
    mapping,
    plan_input,
    portfolio,
    position,
    quote,
    snapshot,
    with_position,
)


def test_a_target_becomes_one_complete_buy() -> None:
    # 5 % of 100,000 EUR are 6,250 USD: 31 shares at 200
    plan = build_plan(plan_input(candidate(AT_IBKR, AT_ALPACA)))
    (order,) = plan.orders
    assert plan.held == ()
    assert (order.account, order.broker, order.side, order.quantity) == ("alpaca-main", "alpaca", Side.BUY, Decimal(31))
    assert order.limit_price == Decimal("201.00")
    assert order.notional == Decimal("4960.00")
    assert (order.current_quantity, order.target_quantity, order.delta_quantity) == (Decimal(0), Decimal(31), Decimal(31))
    assert (order.valid_until, order.quote_time, order.mic) == (CLOSE, NOON, "XNAS")
    assert order.reason == "target 5.00 % of value; alpaca is first of alpaca, ibkr that maps it"
    assert len(order.client_order_id) == 20
    assert plan.cash_left["alpaca-main"]["USD"] == "93769.00"  # 31 x 201 set aside


def test_what_is_held_elsewhere_counts_and_is_not_moved() -> None:
    wanted = candidate(AT_IBKR, AT_ALPACA, holdings=(held_at_ibkr("20"),))
    (order,) = build_plan(plan_input(wanted, **with_position("20"))).orders
    assert (order.account, order.side, order.quantity) == ("alpaca-main", Side.BUY, Decimal(11))


def test_too_much_is_sold_where_it_is_held() -> None:
    wanted = candidate(AT_IBKR, AT_ALPACA, holdings=(held_at_ibkr("40"),))
    (order,) = build_plan(plan_input(wanted, **with_position("40"))).orders
    assert (order.account, order.side, order.quantity, order.limit_price) == (
        "ibkr-main",
        Side.SELL,
        Decimal(9),
        Decimal("199.00"),
    )
    assert (order.current_quantity, order.target_quantity, order.delta_quantity) == (Decimal(40), Decimal(31), Decimal(-9))


def test_a_name_that_left_is_sold_altogether_odd_lots_too() -> None:
    lot = contract(lot_size=Decimal(100))
    left = candidate(weight="0", export_price=None, preference=(), holdings=(Holding("ibkr-main", lot, Decimal(140)),))
    (order,) = build_plan(plan_input(left, nav=Decimal(500_000), **with_position("140"))).orders
    assert (order.side, order.quantity, order.reason) == (Side.SELL, Decimal(140), "left the universe; held there")


def test_a_large_difference_is_reached_in_several_runs() -> None:
    # 10 % of 100,000 EUR are 62 shares; one order may be 5 %, 31 shares
    (order,) = build_plan(plan_input(candidate(AT_IBKR, AT_ALPACA, weight="0.1"))).orders
    assert (order.quantity, order.target_quantity, order.notional) == (Decimal(31), Decimal(62), Decimal("4960.00"))
    assert order.reason.startswith("target 10.00 % of value, limited to 5 % in one order; ")
    wanted = candidate(AT_IBKR, weight="0", holdings=(held_at_ibkr("100"),))
    (sell,) = build_plan(plan_input(wanted, **with_position("100"))).orders
    assert (sell.side, sell.quantity, sell.target_quantity) == (Side.SELL, Decimal(31), Decimal(0))


def test_a_lot_larger_than_one_order_may_be_is_held() -> None:
    lot = mapping(contract("alpaca", "uuid-aapl", lot_size=Decimal(50)))
    assert [h.reason for h in build_plan(plan_input(candidate(lot, weight="0.1"))).held] == [
        "max_order: one lot is more than one order may be"
    ]


def test_what_the_user_bought_himself_is_not_sold() -> None:
    wanted = candidate(AT_IBKR, weight="0", holdings=(held_at_ibkr("10"),))
    (order,) = build_plan(plan_input(wanted, **with_position("500"))).orders
    assert order.quantity == Decimal(10)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"frozen": {"isin:US0378331005": "order abc is unknown"}}, "unresolved_order: order abc is unknown"),
        ({"frozen": {"ticker:AAPL": "order abc is unknown"}}, "unresolved_order: order abc is unknown"),
        ({"quotes": {}}, "no_quote: the broker quotes no price"),
        ({"portfolio": portfolio(limits=Limits(do_not_trade=("AAPL",)))}, "do_not_trade: on the list of this portfolio"),
        ({"valid_until": {"XTKS": CLOSE}}, "no_session: the next session of US is not known"),
        (
            {"snapshots": {"ibkr-main": snapshot(), "alpaca-main": snapshot("alpaca-main", cash={"EUR": "99999"})}},
            "unfunded: needs 6231.00 USD, alpaca-main has 0.00 settled and free",
        ),
        ({"nav": Decimal(3000)}, "below_one_lot: the target is less than one lot"),
    ],
)
def test_a_reason_holds_an_instrument_back(changes: dict[str, object], reason: str) -> None:
    plan = build_plan(plan_input(candidate(AT_IBKR, AT_ALPACA), **changes))
    assert plan.orders == ()
    assert [held.reason for held in plan.held] == [reason]


@pytest.mark.parametrize(
    ("at_broker", "reason"),
    [
        ("-5", "negative_position: -5 in ibkr-main; look at the account"),
        ("19", "position_differs: managed 20, ibkr-main shows 19; look at the account"),
    ],
)
def test_an_account_that_contradicts_the_journal_freezes_the_instrument(at_broker: str, reason: str) -> None:
    wanted = candidate(AT_IBKR, holdings=(held_at_ibkr("20"),))
    plan = build_plan(plan_input(wanted, **with_position(at_broker)))
    assert plan.orders == ()
    assert [held.reason for held in plan.held] == [reason]


def test_a_frozen_account_sells_nothing_it_holds() -> None:
    frozen = snapshot(positions=(position("265598", "40"),), frozen=True)
    wanted = candidate(AT_IBKR, weight="0", holdings=(held_at_ibkr("40"),))
    plan = build_plan(plan_input(wanted, snapshots={"ibkr-main": frozen}))
    assert [held.reason for held in plan.held] == ["account_frozen: ibkr-main holds it and could not be read"]


def test_a_minimum_notional_is_kept() -> None:
    tiny = mapping(contract("alpaca", "uuid-aapl", min_notional=Decimal(10_000)))
    plan = build_plan(plan_input(candidate(tiny)))
    assert [held.reason for held in plan.held] == ["below_minimum: 6231.00 USD, the broker asks 10000"]


def test_an_instrument_that_is_already_right_needs_no_order() -> None:
    plan = build_plan(plan_input(candidate(AT_IBKR, holdings=(held_at_ibkr("31"),), preference=("ibkr",)), **with_position("31")))
    assert (plan.orders, plan.held) == ((), ())


def test_a_holding_that_no_broker_maps_any_more_can_still_be_reduced() -> None:
    missing = mapping(None, status=MappingStatus.NOT_FOUND, reason="inactive")
    wanted = candidate(missing, holdings=(held_at_ibkr("40"),), preference=("ibkr",))
    (order,) = build_plan(plan_input(wanted, **with_position("40"))).orders
    assert (order.side, order.quantity) == (Side.SELL, Decimal(9))
    short = candidate(missing, holdings=(held_at_ibkr("10"),), preference=("ibkr",))
    assert [h.reason for h in build_plan(plan_input(short, **with_position("10"))).held] == ["not_mapped: ibkr: inactive"]


def test_another_listing_trades_in_its_own_markets_session_and_collar() -> None:
    tokyo = contract(native_id="999", symbol="9999", currency="JPY", mic="XTKS")
    wanted = candidate(
        mapping(tokyo, status=MappingStatus.OTHER_LISTING), market="ASEX", export_currency="EUR", preference=("ibkr",)
    )
    inputs = plan_input(
        wanted,
        portfolio=portfolio(
            trade_other_listings=True, limits=Limits(collar_bp_by_market={"XTKS": Decimal(200), "ASEX": Decimal(500)})
        ),
        quotes={("ibkr-main", "999"): quote("999", price="32000", currency="JPY")},
        snapshots={"ibkr-main": snapshot(cash={"JPY": "10000000"})},
        valid_until={"ASEX": NOON, "XTKS": CLOSE},
        market_by_mic={"XTKS": "XTKS", "ASEX": "ASEX"},
    )
    (order,) = build_plan(inputs).orders
    assert (order.mic, order.valid_until, order.limit_price) == ("XTKS", CLOSE, Decimal("32640.00"))


def test_a_listing_in_a_currency_without_a_rate_stops_that_instrument_only() -> None:
    renminbi = contract(native_id="80700", symbol="80700", currency="CNH", mic="XHKG")
    elsewhere = candidate(
        mapping(renminbi, status=MappingStatus.OTHER_LISTING),
        ticker="0700.HK",
        instrument_id="isin:KYG875721634",
        preference=("ibkr",),
    )
    inputs = plan_input(
        elsewhere,
        candidate(AT_IBKR, preference=("ibkr",)),
        portfolio=portfolio(trade_other_listings=True),
        quotes={("ibkr-main", "80700"): quote("80700", currency="CNH"), ("ibkr-main", "265598"): quote()},
    )
    plan = build_plan(inputs)
    assert [held.reason for held in plan.held] == ["no_rate: nothing tells what CNH is worth"]
    assert [order.ticker for order in plan.orders] == ["AAPL"]


def test_the_price_of_another_listing_is_compared_in_its_own_currency() -> None:
    euro = contract(currency="EUR", mic="XETR")
    wanted = candidate(mapping(euro, status=MappingStatus.OTHER_LISTING), preference=("ibkr",))
    quotes = {("ibkr-main", "265598"): quote(price="160", currency="EUR")}  # 200 USD are 160 EUR
    (order,) = build_plan(plan_input(wanted, portfolio=portfolio(trade_other_listings=True), quotes=quotes)).orders
    assert order.quantity == Decimal(31)  # 5,000 EUR at 160


def test_sells_come_first_and_buys_follow_by_weight() -> None:
    def named(ticker: str, weight: str, **changes: object) -> object:
        found = contract("ibkr", f"id-{ticker}", ticker)
        return candidate(
            mapping(found), weight=weight, ticker=ticker, instrument_id=f"ticker:{ticker}", preference=("ibkr",), **changes
        )

    leaving = named("OLD", "0", holdings=(Holding("ibkr-main", contract("ibkr", "id-OLD", "OLD"), Decimal(5)),))
    quotes = {("ibkr-main", f"id-{t}"): quote(f"id-{t}") for t in ("A", "B", "OLD")}
    snapshots = {"ibkr-main": snapshot(positions=(position("id-OLD", "5", "OLD"),))}
    plan = build_plan(plan_input(named("A", "0.02"), named("B", "0.04"), leaving, quotes=quotes, snapshots=snapshots))  # type: ignore[arg-type]
    assert [(order.side, order.ticker) for order in plan.orders] == [(Side.SELL, "OLD"), (Side.BUY, "B"), (Side.BUY, "A")]


def test_quotes_are_wanted_for_routes_and_holdings_only() -> None:
    wanted = candidate(AT_IBKR, AT_ALPACA, holdings=(held_at_ibkr("20"),))
    found = wanted_quotes(plan_input(wanted, **with_position("20")))
    assert {account: [c.native_id for c in contracts] for account, contracts in found.items()} == {
        "alpaca-main": ["uuid-aapl"],
        "ibkr-main": ["265598"],
    }
    assert wanted_quotes(plan_input(candidate(AT_IBKR, AT_ALPACA, weight="0"))) == {}


@given(
    weights=st.lists(st.decimals("0", "0.1", places=3), min_size=1, max_size=8),
    held=st.lists(st.integers(0, 60), min_size=8, max_size=8),
    cash=st.integers(0, 30_000),
)
def test_laws_of_a_plan(weights: list[Decimal], held: list[int], cash: int) -> None:
    """Never more bought than is settled, never more sold than is held, every id once, equal input gives an equal plan."""
    candidates = []
    positions = []
    for number, weight in enumerate(weights):
        found = contract("ibkr", f"id-{number}", f"T{number}")
        holdings = (Holding("ibkr-main", found, Decimal(held[number])),) if held[number] else ()
        positions += [position(found.native_id, str(held[number]), found.symbol)]
        candidates.append(
            candidate(
                mapping(found),
                weight=str(weight),
                ticker=found.symbol,
                instrument_id=f"ticker:{found.symbol}",
                preference=("ibkr",),
                holdings=holdings,
            )
        )
    wanted = plan_input(
        *candidates,
        snapshots={"ibkr-main": snapshot(cash={"USD": str(cash)}, positions=tuple(positions))},
        quotes={("ibkr-main", f"id-{n}"): quote(f"id-{n}") for n in range(len(weights))},
    )
    plan = build_plan(wanted)
    spent = sum((o.quantity * (o.limit_price or 0) for o in plan.orders if o.side is Side.BUY), Decimal(0))
    assert spent <= cash
    for order in plan.orders:
        assert order.quantity > 0
        if order.side is Side.SELL:
            assert order.quantity <= order.current_quantity
    assert len({order.client_order_id for order in plan.orders}) == len(plan.orders)
    assert build_plan(wanted) == plan


@pytest.mark.parametrize(("kind", "expected"), [("crypto", "ioc"), ("stock", "day"), ("etf", "day")])
def test_a_coin_is_bought_at_once_or_not_at_all(kind: str, expected: str) -> None:
    """Its market has no close that would end an order for the day."""
    (order,) = build_plan(plan_input(candidate(mapping(contract(asset_class=kind)), preference=("ibkr",)))).orders
    assert order.time_in_force.value == expected


def test_what_an_account_may_not_trade_any_more_stays_where_it_is() -> None:
    wanted = candidate(AT_IBKR, holdings=(held_at_ibkr("100"),), preference=("ibkr",))
    restricted = build_plan(plan_input(wanted, **with_position("100"), barred={"ibkr-main": {"stock": "trading is blocked"}}))
    assert restricted.orders == ()
    assert [held.reason for held in restricted.held] == ["account_restricted: ibkr-main holds it: trading is blocked"]
    other_kind = build_plan(plan_input(wanted, **with_position("100"), barred={"ibkr-main": {"crypto": "not active"}}))
    assert [order.side for order in other_kind.orders] == [Side.SELL]
