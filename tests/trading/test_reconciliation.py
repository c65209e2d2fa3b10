from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.order import Fill, Order, OrderReport, OrderState, Side
from include.trading.reconciliation import (
    COUNTS,
    Holding,
    Outcome,
    compare_positions,
    counts,
    drift,
    money,
    order_row,
    plain,
    slippage_bp,
)
from tests.fakes.orders import NOON, make_contract, make_order


def outcome(
    state: OrderState = OrderState.FILLED,
    filled: str = "0",
    price: str | None = None,
    order: Order | None = None,
    **changes: object,
) -> Outcome:
    made = order or make_order(**changes)  # type: ignore[arg-type]
    quantity = Decimal(filled)
    average = None if price is None else Decimal(price)
    fills: tuple[Fill, ...] = ()
    if quantity and average is not None:
        cost = Decimal("0.35")
        fills = (Fill(fill_id="1", quantity=quantity, price=average, time=NOON, commission=cost, commission_currency="USD"),)
    report = OrderReport(
        client_order_id=made.client_order_id,
        broker_order_id="B1",
        state=state,
        filled_quantity=quantity,
        average_price=average,
        fills=fills,
    )
    return Outcome(made, state, None, report)


def test_counts_of_every_state() -> None:
    found = counts([outcome(state) for state in OrderState])
    assert found == {
        "planned": 11,
        "held": 1,
        "waiting": 1,
        "sent": 5,
        "filled": 1,
        "partially_filled": 1,
        "open": 1,
        "cancelled": 1,
        "expired": 1,
        "rejected": 1,
        "not_sent": 1,
        "unknown": 2,
    }
    assert tuple(found) == COUNTS


def test_counts_of_nothing() -> None:
    assert counts([]) == dict.fromkeys(COUNTS, 0)
    assert money([]) == {
        "notional_planned": "0.00",
        "notional_filled": "0.00",
        "notional_left": "0.00",
        "slippage_bp": None,
        "commissions": {},
    }


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [(Side.BUY, "50.25", 50), (Side.BUY, "49.75", -50), (Side.SELL, "49.75", 50), (Side.SELL, "50.25", -50), (Side.BUY, "50", 0)],
)
def test_slippage_is_positive_when_it_hurts(side: Side, price: str, expected: int) -> None:
    assert slippage_bp(outcome(filled="10", price=price, side=side)) == expected


def test_no_slippage_without_a_fill() -> None:
    assert slippage_bp(outcome(OrderState.ACCEPTED)) is None


def test_money_in_the_base_currency() -> None:
    # 10 x 50 USD at 1.25 = 400 EUR, bought at 50.25: 402 EUR; 4 x 50 at 1.25 = 160 EUR, half sold at 49.50: 79.20 EUR
    bought = outcome(filled="10", price="50.25")
    sold = outcome(OrderState.PARTIALLY_FILLED, "2", "49.50", ticker="BBB", native_id="102", side=Side.SELL, quantity="4")
    waiting = outcome(OrderState.PLANNED, ticker="CCC", native_id="103", quantity="1")
    assert money([bought, sold, waiting]) == {
        "notional_planned": "600.00",
        "notional_filled": "481.20",
        "notional_left": "120.00",
        "slippage_bp": 58.23,  # (50 x 402 + 100 x 79.20) / 481.20
        "commissions": {"USD": "0.7"},
    }


def test_a_total_without_a_price_counts_at_the_quote() -> None:
    found = money([outcome(filled="10")])
    assert (found["notional_filled"], found["slippage_bp"]) == ("400.00", 0.0)


def test_a_multiplier_counts() -> None:
    order = make_order(contract=make_contract("101", multiplier=Decimal(100)), notional=Decimal(40_000))
    assert money([outcome(filled="10", price="50", order=order)])["notional_filled"] == "40000.00"


def test_the_row_of_an_order() -> None:
    row = order_row(outcome(OrderState.PARTIALLY_FILLED, "4", "50.25"))
    assert {
        name: row[name] for name in ("state", "quantity", "filled_quantity", "left_quantity", "average_price", "slippage_bp")
    } == {
        "state": "partially_filled",
        "quantity": "10",
        "filled_quantity": "4",
        "left_quantity": "6",
        "average_price": "50.25",
        "slippage_bp": 50.0,
    }
    assert row["fills"] == [
        {
            "fill_id": "1",
            "quantity": "4",
            "price": "50.25",
            "time": "2026-01-06T17:00:00+00:00",
            "commission": "0.35",
            "commission_currency": "USD",
        }
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("10", "10"),
        ("1E+3", "1000"),
        ("0.50", "0.5"),
        ("-0", "0"),
        ("0E-8", "0"),
        ("100", "100"),
        ("-1.20", "-1.2"),
        ("0.00", "0"),
    ],
)
def test_plain_numbers(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


# --- positions ----------------------------------------------------------------------------------------------------------


def amounts(**values: str) -> dict[str, Decimal]:
    return {name.lstrip("n"): Decimal(value) for name, value in values.items()}


SYMBOLS = {"1": "AAA", "2": "BBB"}


def compare(  # type: ignore[no-untyped-def]
    managed=None, executed=None, before=None, now=None
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    return compare_positions(managed or {}, executed or {}, before, now or {}, SYMBOLS)


def test_everything_as_it_should_be() -> None:
    assert compare() == ([], [])
    assert compare(amounts(n1="10"), amounts(n1="10"), {}, amounts(n1="10")) == ([], [])
    assert compare(amounts(n1="6"), amounts(n1="-4"), amounts(n1="10"), amounts(n1="6")) == ([], [])


def test_a_missing_fill_is_a_difference() -> None:
    assert compare(amounts(n1="10"), amounts(n1="10"), {}, {}) == (
        [{"native_id": "1", "symbol": "AAA", "managed": "10", "unmanaged": "0", "broker": "0", "difference": "-10"}],
        [],
    )


def test_an_order_that_filled_unseen_is_a_difference() -> None:
    assert compare({}, {}, {}, amounts(n2="7")) == (
        [{"native_id": "2", "symbol": "BBB", "managed": "0", "unmanaged": "0", "broker": "7", "difference": "7"}],
        [],
    )


def test_what_was_there_before_is_unmanaged_and_no_difference() -> None:
    held = [{"native_id": "1", "symbol": "AAA", "quantity": "5"}]
    assert compare({}, {}, amounts(n1="5"), amounts(n1="5")) == ([], held)
    assert compare(amounts(n1="10"), amounts(n1="10"), amounts(n1="5"), amounts(n1="15")) == ([], held)


def test_an_unmanaged_position_that_moved_is_both() -> None:
    differences, unmanaged = compare({}, {}, amounts(n1="5"), amounts(n1="8"))
    assert differences[0]["difference"] == "3"
    assert unmanaged[0]["quantity"] == "5"


def test_a_short_that_is_not_ours_stays_unmanaged() -> None:
    assert compare({}, {}, amounts(n1="-5"), amounts(n1="-5")) == ([], [{"native_id": "1", "symbol": "AAA", "quantity": "-5"}])


def test_less_than_managed_before_is_not_somebody_elses_short() -> None:
    differences, unmanaged = compare(amounts(n1="10"), {}, amounts(n1="8"), amounts(n1="8"))
    assert (differences[0]["difference"], unmanaged) == ("-2", [])


def test_without_a_snapshot_before() -> None:
    assert compare(amounts(n1="10"), {}, None, amounts(n1="10", n2="3")) == (
        [],
        [{"native_id": "2", "symbol": "BBB", "quantity": "3"}],
    )
    differences, _ = compare(amounts(n1="10"), {}, None, amounts(n1="9"))
    assert differences[0]["difference"] == "-1"
    differences, _ = compare({}, amounts(n1="-10"), None, amounts(n1="10"))
    assert differences[0]["difference"] == "10"


QUANTITIES = st.dictionaries(st.sampled_from(["1", "2"]), st.integers(0, 20).map(Decimal))


@given(QUANTITIES, QUANTITIES, QUANTITIES)
def test_a_broker_that_did_what_it_said_shows_no_difference(
    managed: dict[str, Decimal], foreign: dict[str, Decimal], bought: dict[str, Decimal]
) -> None:
    def plus(one: dict[str, Decimal], other: dict[str, Decimal]) -> dict[str, Decimal]:
        return {key: one.get(key, Decimal(0)) + other.get(key, Decimal(0)) for key in {*one, *other}}

    before = plus(managed, foreign)
    differences, unmanaged = compare(plus(managed, bought), bought, before, plus(before, bought))
    assert differences == []
    assert {row["native_id"]: Decimal(row["quantity"]) for row in unmanaged} == {k: v for k, v in foreign.items() if v}


# --- drift --------------------------------------------------------------------------------------------------------------


def test_drift_is_the_sum_of_absolute_differences_in_percent() -> None:
    targets = {"AAA": Decimal("0.5"), "BBB": Decimal("0.3")}
    holdings = [
        Holding("AAA", Decimal(0), Decimal(5), Decimal(100)),  # 0 -> 50 %
        Holding("BBB", Decimal(2), Decimal(2), Decimal(100)),  # 20 %
        Holding("BBB", Decimal(0), Decimal(1), Decimal(50)),  # another account: 0 -> 5 %
        Holding("OLD", Decimal(1), Decimal(0), Decimal(100)),  # left the universe: 10 % -> 0
    ]
    assert drift(targets, holdings, Decimal(1000)) == {"drift_before_pct": 70.0, "drift_after_pct": 5.0, "unvalued": []}


def test_a_holding_without_a_price_counts_as_not_held() -> None:
    found = drift({"AAA": Decimal("0.1")}, [Holding("AAA", Decimal(1), Decimal(1), None)], Decimal(1000))
    assert found == {"drift_before_pct": 10.0, "drift_after_pct": 10.0, "unvalued": ["AAA"]}


def test_drift_of_nothing() -> None:
    assert drift({}, [], Decimal(1000)) == {"drift_before_pct": 0.0, "drift_after_pct": 0.0, "unvalued": []}
    assert drift({"A": Decimal(1)}, [], Decimal(0)) == {"drift_before_pct": None, "drift_after_pct": None, "unvalued": []}
