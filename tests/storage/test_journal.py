from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.domain.account import AccountSnapshot, Environment, Position
from include.domain.order import OrderState, Side
from include.errors import InputError
from include.storage.database import Database
from include.storage.journal import Journal, ManagedPosition
from include.storage.snapshots import SnapshotStore
from tests.fakes.orders import NOON, PLANNED_AT, SESSION, make_contract, make_order
from tests.storage.journal_orders import ID, ORDER, SELL, report

# --- plans --------------------------------------------------------------------------------------------------------------


def test_the_first_plan_of_a_session_stays_byte_for_byte(journal: Journal) -> None:
    assert journal.store_plan("main", SESSION, 1, b'{"a": 1}\n\x00') == b'{"a": 1}\n\x00'
    assert journal.store_plan("main", SESSION, 1, b"other") == b'{"a": 1}\n\x00'
    assert journal.plan("main", SESSION) == (1, b'{"a": 1}\n\x00')


def test_plans_by_portfolio_session_and_revision(journal: Journal) -> None:
    journal.store_plan("main", SESSION, 1, b"one")
    journal.store_plan("main", SESSION, 2, b"two")
    journal.store_plan("shadow", "2026-01-06", 1, b"three")
    assert journal.plan("main", SESSION) == (2, b"two")
    assert journal.plan("main", SESSION, 1) == (1, b"one")
    assert journal.plan("main", SESSION, 3) is None
    assert journal.plan("main", "2026-01-06") is None
    assert journal.newest_session("main") == SESSION
    assert journal.newest_session("shadow") == "2026-01-06"
    assert journal.newest_session("other") is None


def test_many_planners_agree_on_one_plan(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda n: journal.store_plan("main", SESSION, 1, b"plan %d" % n), range(8)))
    assert len(set(kept)) == 1


# --- intents ------------------------------------------------------------------------------------------------------------


def test_registering_writes_planned_and_held(journal: Journal) -> None:
    held = make_order("CCC", "103", hold_reason="quote 30 % away")
    journal.register([ORDER, held], PLANNED_AT)
    assert journal.state(ID) is OrderState.PLANNED
    assert journal.state(held.client_order_id) is OrderState.HELD
    entry = journal.entry(held.client_order_id)
    assert entry is not None
    assert (entry.order, entry.reason) == (held, "quote 30 % away")
    assert journal.state("NONE") is None
    assert journal.entry("NONE") is None


def test_registering_again_changes_nothing_whatever_the_state(journal: Journal) -> None:
    journal.register([ORDER])
    journal.mark_sending(ID)
    journal.register([ORDER, SELL])
    journal.register([])
    assert journal.state(ID) is OrderState.SENDING
    assert journal.state(SELL.client_order_id) is OrderState.PLANNED
    assert [event.to_state for event in journal.events(ID)] == [OrderState.PLANNED, OrderState.SENDING]


def test_equal_numbers_written_differently_are_the_same_order(journal: Journal) -> None:
    journal.register([ORDER])
    journal.register([ORDER.model_copy(update={"quantity": Decimal("10.000")})])
    assert len(journal.orders()) == 1


def test_another_order_under_the_same_id_is_refused_and_writes_nothing(journal: Journal) -> None:
    journal.register([ORDER])
    other = ORDER.model_copy(update={"quantity": Decimal(11)})
    with pytest.raises(InputError, match=f"plan of main for 2026-01-05, revision 1, field 'client_order_id': .*{ID}"):
        journal.register([SELL, other])
    assert journal.state(SELL.client_order_id) is None
    assert journal.orders()[0].order.quantity == 10


def test_an_order_comes_back_as_it_was(journal: Journal) -> None:
    journal.register([ORDER])
    entry = journal.entry(ID)
    assert entry is not None
    assert entry.order == ORDER
    assert entry.order.valid_until.tzinfo is not None
    assert entry.report == report(OrderState.PLANNED, native_id="101", side=Side.BUY, quantity=Decimal(10))


def test_only_one_of_many_may_send(journal: Journal) -> None:
    journal.register([ORDER])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: journal.mark_sending(ID, NOON), range(8)))
    assert sorted(answers) == [False] * 7 + [True]
    assert [event.to_state for event in journal.events(ID)] == [OrderState.PLANNED, OrderState.SENDING]


def test_moves_between_planned_and_its_neighbours(journal: Journal) -> None:
    journal.register([ORDER, SELL])
    assert not journal.mark_planned(ID, "never was sending")
    assert journal.mark_sending(ID, NOON)
    assert not journal.hold(ID, "too late")
    assert not journal.close_unsent(ID, "too late")
    assert journal.mark_planned(ID, "did not arrive", NOON)
    assert journal.mark_sending(ID)
    assert journal.hold(SELL.client_order_id, "price_moved", NOON)
    assert not journal.mark_sending(SELL.client_order_id)
    assert not journal.mark_sending("NONE")
    entry = journal.entry(SELL.client_order_id)
    assert entry is not None
    assert (entry.state, entry.reason) == (OrderState.HELD, "price_moved")


def test_an_order_closed_unsent_is_final(journal: Journal) -> None:
    journal.register([ORDER])
    assert journal.close_unsent(ID, "past_valid_until", NOON)
    assert journal.state(ID) is OrderState.NOT_SENT
    assert not journal.mark_sending(ID)


# --- reading ------------------------------------------------------------------------------------------------------------


def test_orders_by_filter(journal: Journal) -> None:
    two = make_order("CCC", "103", account="fake-two")
    shadow = make_order("AAA", portfolio="shadow", account="paper-shadow", as_of="2026-01-06")
    journal.register([ORDER, SELL, two, shadow])
    journal.mark_sending(SELL.client_order_id)

    def found(**filters: object) -> set[str]:
        return {entry.order.client_order_id for entry in journal.orders(**filters)}  # type: ignore[arg-type]

    every = {ID, SELL.client_order_id, two.client_order_id, shadow.client_order_id}
    assert found() == every
    assert found(portfolio="shadow") == found(as_of="2026-01-06") == {shadow.client_order_id}
    assert found(account="fake-two") == {two.client_order_id}
    assert found(portfolio="main", as_of=SESSION, revision=1, states=[OrderState.PLANNED]) == {ID, two.client_order_id}
    assert found(revision=2) == found(states=[]) == set()


def test_unresolved_orders_of_an_account(journal: Journal) -> None:
    states = [OrderState.UNKNOWN, OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.FILLED, OrderState.REJECTED]
    orders = [make_order(f"T{n}", str(n)) for n in range(len(states))]
    journal.register([*orders, ORDER, SELL, make_order("X", "9", account="fake-two")])
    journal.mark_sending(SELL.client_order_id)
    for order, state in zip(orders, states, strict=True):
        journal.record(order.client_order_id, report(state, order.client_order_id), NOON)
    found = {entry.order.ticker: entry.state for entry in journal.unresolved("fake-main")}
    assert found == {
        "BBB": OrderState.SENDING,
        "T0": OrderState.UNKNOWN,
        "T1": OrderState.ACCEPTED,
        "T2": OrderState.PARTIALLY_FILLED,
    }


# --- what is managed ----------------------------------------------------------------------------------------------------


def filled(journal: Journal, **changes: object) -> None:
    order = make_order(**changes)  # type: ignore[arg-type]
    journal.register([order])
    done = report(OrderState.FILLED, order.client_order_id, filled_quantity=order.quantity)
    journal.record(order.client_order_id, done, NOON)


def test_managed_is_the_signed_sum_of_fills_and_adoptions(journal: Journal) -> None:
    assert journal.managed("main") == []
    filled(journal, quantity="10")
    filled(journal, quantity="3", side=Side.SELL, as_of="2026-01-06")
    filled(journal, ticker="BBB", native_id="102", quantity="5")
    filled(journal, ticker="BBB", native_id="102", quantity="5", side=Side.SELL, as_of="2026-01-06")
    filled(journal, portfolio="shadow", quantity="99")
    adopted = ManagedPosition("main", "fake-main", "AAA", "ticker:AAA", make_contract("101"), Decimal(2))
    other = ManagedPosition("main", "fake-main", "CCC", "ticker:CCC", make_contract("103"), Decimal(7))
    journal.adopt(adopted, NOON)
    journal.adopt(other, NOON, "moved here by hand")
    assert [(p.ticker, p.contract.native_id, p.quantity) for p in journal.managed("main")] == [
        ("AAA", "101", Decimal(9)),
        ("CCC", "103", Decimal(7)),
    ]
    journal.adopt(ManagedPosition("main", "fake-main", "CCC", "ticker:CCC", make_contract("103"), Decimal(0)), NOON)
    assert [p.ticker for p in journal.managed("main")] == ["AAA"]


def test_a_ticker_that_changed_keeps_its_position(journal: Journal) -> None:
    filled(journal, ticker="OLD", quantity="10")
    filled(journal, ticker="NEW", quantity="2", as_of="2026-01-06")
    assert [(p.ticker, p.quantity) for p in journal.managed("main")] == [("NEW", 12)]


# --- what cannot be explained -------------------------------------------------------------------------------------------


def snapshot(quantity: str, run_id: str, taken_at: datetime, database: Database) -> None:
    position = Position(native_id="101", symbol="S101", currency="USD", quantity=Decimal(quantity))
    made = AccountSnapshot(
        account_id="fake-main",
        broker="fake",
        environment=Environment.SANDBOX,
        currency="USD",
        equity=Decimal(1),
        settled_cash={},
        positions=(position,),
        taken_at=taken_at,
        session=SESSION,
    )
    SnapshotStore(database).save(made, run_id)


def test_a_position_that_moved_without_a_fill(journal: Journal, database: Database) -> None:
    journal.register([ORDER, SELL])
    assert journal.unexplained_since(ORDER, Decimal(5)) is None
    snapshot("5", "run", PLANNED_AT, database)
    snapshot("9", "later", datetime(2026, 1, 5, 23, tzinfo=UTC), database)
    assert journal.unexplained_since(ORDER, Decimal(5)) == 0
    assert journal.unexplained_since(ORDER, Decimal(15)) == 10
    assert journal.unexplained_since(SELL, Decimal(0)) == 0
    journal.record(ID, report(OrderState.PARTIALLY_FILLED, filled_quantity=Decimal(4)), NOON)
    assert journal.unexplained_since(ORDER, Decimal(9)) == 0
    assert journal.unexplained_since(ORDER, Decimal(5)) == -4
    journal.adopt(ManagedPosition("main", "fake-main", "AAA", "ticker:AAA", make_contract("101"), Decimal(6)), NOON)
    assert journal.unexplained_since(ORDER, Decimal(15)) == 0


def test_the_contract_of_an_accounts_newest_order(journal: Journal) -> None:
    assert journal.last_contract(ORDER.account) is None
    journal.register([ORDER], PLANNED_AT)
    journal.register([make_order("BBB", "102", as_of="2026-01-02")], PLANNED_AT)
    assert journal.last_contract(ORDER.account) == make_contract("101")
    assert journal.last_contract("another") is None
