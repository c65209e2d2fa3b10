"""The port's order types, lists and changes through the paper adapter."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.brokers.base import ConnectionState
from include.brokers.checks import check_order
from include.brokers.paper.adapter import PaperBroker
from include.brokers.paper.requests import session_opening
from include.domain.bar import BarSize
from include.domain.order import Order, OrderChange, OrderState, OrderType, Side, TimeInForce
from include.errors import BrokerUnavailable, InsufficientFunds, MarketClosed, OrderRejected, Transient
from tests.brokers.paper.conftest import NOW, Mirror, Store

Open = Callable[..., PaperBroker]
Make = Callable[..., Order]
MINUTE = timedelta(minutes=1)


def quote(mirror: Mirror, bid: str, ask: str, minutes: int) -> None:
    mirror.prices["1"] = (Decimal(bid), Decimal(ask), None)
    mirror.time = NOW + minutes * MINUTE


def test_a_bracket_tells_its_legs(open_paper: Open, order: Make, mirror: Mirror) -> None:
    asked = order(take_profit_price=Decimal(120), stop_loss_price=Decimal(80))
    check_order(asked, open_paper().capabilities)
    report = open_paper().submit(asked)
    assert [(leg.client_order_id, leg.side, leg.quantity, leg.state) for leg in report.legs] == [
        ("A-tp", Side.SELL, 10, OrderState.ACCEPTED),
        ("A-sl", Side.SELL, 10, OrderState.ACCEPTED),
    ]
    quote(mirror, "78", "79", 5)
    broker = open_paper(at=NOW + 5 * MINUTE)
    again = broker.find_order("A")
    assert again is not None
    assert [leg.state for leg in again.legs] == [OrderState.CANCELLED, OrderState.FILLED]
    assert broker.snapshot("s", NOW).positions == ()


def test_stops_and_trailing_stops_wait_for_the_mirrors_price(open_paper: Open, order: Make, mirror: Mirror) -> None:
    broker = open_paper(at=NOW + 5 * MINUTE)
    broker.submit(order("START"))
    stop = {"limit": None, "quantity": "5", "side": Side.SELL}
    broker.submit(order("S", order_type=OrderType.STOP, stop_price=Decimal(95), **stop))
    broker.submit(order("T", order_type=OrderType.TRAILING_STOP, trail_pct=Decimal(10), **stop))
    for minutes, (bid, ask) in enumerate((("119", "121"), ("108", "109"), ("94", "96")), 1):
        quote(mirror, bid, ask, minutes)
        reports = {report.client_order_id: report for report in broker.list_orders(open_only=False)}
        assert (reports["T"].state is OrderState.FILLED) == (minutes == 3)
    assert (reports["T"].average_price, reports["S"].average_price) == (94, 94)


def test_an_auction_order_is_for_its_markets_session(open_paper: Open, order: Make, mirror: Mirror) -> None:
    close = datetime(2026, 3, 3, 21, 0, tzinfo=UTC)  # New York: opens at 14:30
    kind = {"limit": None, "order_type": OrderType.MARKET_ON_OPEN, "time_in_force": TimeInForce.OPG}
    open_paper().submit(order(valid_until=close, **kind))
    later = open_paper(at=close)
    mirror.time = datetime(2026, 3, 3, 14, 29, tzinfo=UTC)
    assert [report.state for report in later.list_orders()] == []
    assert later.find_order("A").state is OrderState.EXPIRED  # type: ignore[union-attr]
    mirror.time = datetime(2026, 3, 3, 14, 31, tzinfo=UTC)
    at_the_open = open_paper(at=mirror.time)
    with pytest.raises(MarketClosed):
        at_the_open.submit(order("LATE", valid_until=close, **kind))
    with pytest.raises(OrderRejected, match="calendar"):
        open_paper().submit(order("NOWHERE", mic="XXXX", valid_until=close, **kind))
    mirror.time = NOW
    open_paper().submit(order("B", valid_until=close, **kind))
    mirror.time = datetime(2026, 3, 3, 14, 31, tzinfo=UTC)
    mirror.prices["1"] = (Decimal(97), Decimal(99), None)
    report = at_the_open.find_order("B")
    assert report is not None
    assert (report.state, report.average_price) == (OrderState.FILLED, 98)


def test_the_opening_of_a_session_by_its_close() -> None:
    assert session_opening("XNAS", datetime(2026, 3, 2, 21, 0, tzinfo=UTC)) == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert session_opening("XTKS", datetime(2026, 3, 2, 6, 30, tzinfo=UTC)) == datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    assert session_opening("", NOW) is None


def test_money_is_spent_in_whole_units(open_paper: Open, order: Make) -> None:
    report = open_paper().submit(order(limit=None, cash_amount=Decimal(1000)))
    assert (report.quantity, report.average_price) == (9, 101)


def test_a_standing_order_can_be_changed_by_another_process(open_paper: Open, order: Make) -> None:
    open_paper().submit(order(limit="90"))
    changed = open_paper().modify("A", OrderChange(limit_price=Decimal(95), quantity=Decimal(4)))
    assert (changed.state, changed.quantity) == (OrderState.ACCEPTED, 4)
    assert open_paper().modify("A", OrderChange(limit_price=Decimal(101))).state is OrderState.FILLED
    for client_order_id, words in (("A", "is filled"), ("B", "no order B")):
        with pytest.raises(OrderRejected, match=words):
            open_paper().modify(client_order_id, OrderChange(limit_price=Decimal(99)))


def test_a_refused_change_leaves_the_order(open_paper: Open, order: Make, store: Store) -> None:
    broker = open_paper()
    broker.submit(order(limit="90"))
    saves = store.saves
    with pytest.raises(OrderRejected, match="insufficient_funds"):
        broker.modify("A", OrderChange(quantity=Decimal(100000)))
    assert (broker.list_orders()[0].quantity, store.saves) == (10, saves)


def test_orders_and_fills_are_listed_oldest_first(open_paper: Open, order: Make, mirror: Mirror) -> None:
    broker = open_paper()
    broker.submit(order("A"))
    broker.submit(order("B", limit="95"))
    broker.cancel("B")
    broker.submit(order("C", limit="96"))
    assert [report.client_order_id for report in broker.list_orders()] == ["C"]
    assert [report.client_order_id for report in broker.list_orders(open_only=False)] == ["A", "B", "C"]
    quote(mirror, "94", "95", 3)
    later = open_paper(at=NOW + 3 * MINUTE)
    assert [(name, fill.price, fill.time) for name, fill in later.fills(NOW)] == [
        ("A", 101, NOW),
        ("C", 95, NOW + 3 * MINUTE),
    ]
    assert [name for name, _ in later.fills(NOW + MINUTE)] == ["C"]
    assert open_paper(starting_cash={"EUR": "1"}).list_orders() == []


def test_profit_of_positions_and_of_the_account(open_paper: Open, order: Make, mirror: Mirror) -> None:
    broker = open_paper(commission_minimum=2)
    assert broker.profits() == ([], broker.profits()[1])
    broker.submit(order())
    quote(mirror, "110", "112", 1)
    broker.submit(order("B", Side.SELL, quantity="4", limit=None))
    (row,), whole = broker.profits()
    assert (row.realized, row.unrealized, row.commission, row.quantity) == (36, 60, 4, 6)
    assert (whole.currency, whole.net) == ("EUR", Decimal(92) / Decimal("1.25"))
    mirror.down = True
    with pytest.raises(BrokerUnavailable):
        broker.profits()


def test_latency_and_volume_come_from_the_configuration(open_paper: Open, order: Make, mirror: Mirror) -> None:
    settings = {"latency_seconds": 30, "volume_per_quote": 4}
    assert open_paper(**settings).submit(order()).state is OrderState.ACCEPTED
    quote(mirror, "99", "101", 1)
    report = open_paper(at=NOW + MINUTE, **settings).find_order("A")
    assert report is not None
    assert (report.filled_quantity, [fill.time for fill in report.fills]) == (8, [NOW + timedelta(seconds=30), NOW + MINUTE])


def test_the_rest_of_an_order_that_cannot_be_paid_any_more_ends(open_paper: Open, order: Make, mirror: Mirror) -> None:
    config = {"starting_cash": {"EUR": "850"}, "volume_per_quote": "4", "slippage_bp": 0, "commission_bp": 0}
    assert open_paper(**config).submit(order()).filled_quantity == 4
    mirror.rates["USD"] = Decimal("0.5")  # 404 USD are 808 EUR now, and 526.80 are left
    quote(mirror, "99", "101", 1)
    broker = open_paper(at=NOW + MINUTE, **config)
    report = broker.find_order("A")
    assert report is not None
    assert (report.state, report.filled_quantity, report.code) == (OrderState.CANCELLED, 4, "insufficient_funds")
    snapshot = broker.snapshot("s", NOW + MINUTE)
    assert ([position.quantity for position in snapshot.positions], snapshot.open_orders) == ([4], ())
    assert snapshot.settled_cash["EUR"] == Decimal("526.80")


def test_bars_and_streams_are_the_mirrors(open_paper: Open, order: Make) -> None:
    broker = open_paper()
    contract = order().contract
    (bar,) = broker.bars(contract, BarSize.DAY, NOW, NOW + timedelta(days=1))
    assert (bar.native_id, bar.volume) == ("ibkr:1", 7)

    async def heard() -> list[str]:
        return [found.native_id async for found in broker.stream_quotes([contract])]

    assert asyncio.run(heard()) == ["ibkr:1"]


def test_the_connection_state(open_paper: Open, mirror: Mirror) -> None:
    broker = open_paper()
    assert broker.state is ConnectionState.DISCONNECTED
    with broker:
        assert broker.state is ConnectionState.CONNECTED
    assert broker.state is ConnectionState.CLOSED


def test_an_order_writes_what_it_changes_however_many_came_before(open_paper: Open, order: Make, store: Store) -> None:
    broker = open_paper()
    written = []
    for number in range(30):
        before = store.written
        broker.submit(order(f"A{number}", quantity="1"))
        written.append(store.written - before)
    assert set(written[1:]) == {4}, "the order, the position, the cash, the month's volume"


def test_what_cannot_be_stored_did_not_happen(open_paper: Open, order: Make, store: Store) -> None:
    broker = open_paper()
    broker.submit(order())
    store.down = True
    with pytest.raises(Transient, match="locked"):
        broker.submit(order("B"))
    store.down = False
    assert broker.find_order("B") is None
    assert broker.submit(order("B")).state is OrderState.FILLED
    assert open_paper().snapshot("s", NOW).positions[0].quantity == 20


def test_another_process_is_seen_by_one_that_stays_open(open_paper: Open, order: Make) -> None:
    one, two = open_paper(), open_paper()
    one.submit(order("A"))
    two.submit(order("B"))
    assert [report.client_order_id for report in one.list_orders(open_only=False)] == ["A", "B"]
    with pytest.raises(InsufficientFunds):
        one.submit(order("C", quantity="5000"))
    assert one.snapshot("s", NOW) == two.snapshot("s", NOW)


def test_an_account_from_before_rows_is_read_and_written_as_rows(open_paper: Open, order: Make, store: Store) -> None:
    with open_paper() as old:
        old.submit(order("A"))
        old.submit(order("B", limit="90"))
        expected = old.snapshot("s", NOW)
        account = old._ledger()._account
        document = {
            "engine": account.engine.to_state() | {"version": 1},
            "contracts": [contract.model_dump(mode="json") for contract in account.contracts.values()],
        }
    store.accounts.clear()
    store.rows.clear()
    store.save("paper-shadow", {}, 0, document)
    assert open_paper().snapshot("s", NOW) == expected
    assert open_paper().cancel("B").state is OrderState.CANCELLED
    found = store.load("paper-shadow")
    assert found is not None
    assert found[1] == {"seed": 0, "settle_in": "EUR"}
    assert {key for kind, key in found[2] if kind == "order"} == {"1", "2"}
