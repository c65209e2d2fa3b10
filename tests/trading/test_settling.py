from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from include.brokers.base import ResendClass
from include.domain.order import OrderState, Side
from include.errors import BrokerUnavailable
from include.steps.settle_orders import settle_orders
from include.storage.tables import snapshots
from include.trading.settling import settle
from tests.fakes.broker import FakeBroker
from tests.fakes.execution import Execution, make_execution, write_plan
from tests.fakes.orders import NEXT_MORNING, NOON, VALID_UNTIL, make_account, make_order

BUY = make_order("AAA", "101")
SELL = make_order("BBB", "102", Side.SELL, "4")


@pytest.fixture
def execution(tmp_path: Path) -> Execution:
    made = make_execution(tmp_path, resend=ResendClass.TAG_ONLY, fill_share="0")
    write_plan(made, [BUY, SELL])
    return made


def run_settle(execution: Execution, now: datetime) -> set[str]:
    venue = execution.venues["fake-main"]
    return settle("fake-main", FakeBroker(venue, make_account()), execution.journal, now)


def states(execution: Execution) -> tuple[OrderState | None, OrderState | None]:
    journal = execution.journal
    return journal.state(BUY.client_order_id), journal.state(SELL.client_order_id)


def sending(execution: Execution) -> None:
    for order in (BUY, SELL):
        assert execution.journal.mark_sending(order.client_order_id, NOON)


def accepted(execution: Execution) -> None:
    sending(execution)
    for order in (BUY, SELL):
        report = execution.venues["fake-main"].arrive(order)
        execution.journal.record(order.client_order_id, report, NOON)


def test_nothing_open_asks_nobody(execution: Execution) -> None:
    execution.venues["fake-main"].away = True
    assert run_settle(execution, NOON) == set()


def test_what_is_found_is_recorded(execution: Execution) -> None:
    accepted(execution)
    venue = execution.venues["fake-main"]
    venue.fill(venue.book[0], Decimal(10))
    assert run_settle(execution, NOON) == {"ticker:BBB"}
    assert states(execution) == (OrderState.FILLED, OrderState.ACCEPTED)


def test_what_is_not_found_stays_frozen_within_its_validity(execution: Execution) -> None:
    sending(execution)
    assert run_settle(execution, VALID_UNTIL) == {"ticker:AAA", "ticker:BBB"}
    assert states(execution) == (OrderState.SENDING, OrderState.SENDING)


def test_an_order_of_the_last_second_is_given_time_to_arrive(execution: Execution) -> None:
    sending(execution)
    assert run_settle(execution, VALID_UNTIL + timedelta(minutes=15)) == {"ticker:AAA", "ticker:BBB"}
    venue = execution.venues["fake-main"]
    venue.arrive(BUY)
    assert run_settle(execution, VALID_UNTIL + timedelta(minutes=15, seconds=1)) == {"ticker:AAA"}
    assert states(execution) == (OrderState.ACCEPTED, OrderState.NOT_SENT)


def test_without_a_snapshot_to_compare_with_nothing_is_concluded(execution: Execution) -> None:
    sending(execution)
    with execution.database.write() as connection:
        connection.execute(snapshots.delete())
    assert run_settle(execution, NEXT_MORNING) == {"ticker:AAA", "ticker:BBB"}
    entry = execution.journal.entry(BUY.client_order_id)
    assert entry is not None
    assert (entry.state, entry.reason) == (
        OrderState.UNKNOWN,
        "not found, and no snapshot of its session tells whether the position moved",
    )


def test_what_never_showed_up_was_not_sent(execution: Execution) -> None:
    sending(execution)
    assert run_settle(execution, NEXT_MORNING) == set()
    assert states(execution) == (OrderState.NOT_SENT, OrderState.NOT_SENT)
    entry = execution.journal.entry(BUY.client_order_id)
    assert entry is not None
    assert entry.reason == "never found at the broker and its validity is over"


def test_what_the_broker_forgot_has_expired(execution: Execution) -> None:
    accepted(execution)
    execution.venues["fake-main"].forgets = True
    assert run_settle(execution, NEXT_MORNING) == set()
    assert states(execution) == (OrderState.EXPIRED, OrderState.EXPIRED)


@pytest.mark.parametrize("was_accepted", [True, False])
def test_a_position_that_moved_keeps_a_forgotten_order_frozen(execution: Execution, was_accepted: bool) -> None:
    accepted(execution) if was_accepted else sending(execution)
    venue = execution.venues["fake-main"]
    venue.forgets = True
    venue.opening = {"101": Decimal(10)}  # somebody bought what the order wanted, and no fill says so
    assert run_settle(execution, NEXT_MORNING) == {"ticker:AAA"}
    entry = execution.journal.entry(BUY.client_order_id)
    assert entry is not None
    assert not entry.state.is_final
    assert entry.reason == "not found, but the position moved by +10 that no known fill explains"
    assert states(execution)[1] in (OrderState.EXPIRED, OrderState.NOT_SENT)


def test_a_position_that_moved_the_other_way_is_not_this_order(execution: Execution) -> None:
    sending(execution)
    execution.venues["fake-main"].opening = {"101": Decimal(-10), "102": Decimal(3)}
    assert run_settle(execution, NEXT_MORNING) == set()
    assert states(execution) == (OrderState.NOT_SENT, OrderState.NOT_SENT)


def test_an_account_that_cannot_be_read_concludes_nothing(execution: Execution) -> None:
    sending(execution)
    execution.venues["fake-main"].away_for_lookups = 1
    with pytest.raises(BrokerUnavailable):
        run_settle(execution, NEXT_MORNING)
    assert states(execution) == (OrderState.SENDING, OrderState.SENDING)


def test_the_step_settles_what_it_can_reach(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, "fake-main", "fake-two", "fake-idle", resend=ResendClass.TAG_ONLY, fill_share="0")
    two = make_order("CCC", "103", account="fake-two")
    write_plan(execution, [BUY, two])
    for order in (BUY, two):
        execution.journal.mark_sending(order.client_order_id, NOON)
    execution.venues["fake-main"].away = True
    execution.venues["fake-idle"].away = True  # nothing is open there: nobody asks
    execution.venues["fake-two"].arrive(two)
    unsettled = settle_orders(["fake-main", "fake-two", "fake-idle"], execution.open, execution.database, NEXT_MORNING)
    assert unsettled == {"fake-main": "connection refused"}
    assert execution.journal.state(BUY.client_order_id) is OrderState.SENDING
    assert execution.journal.state(two.client_order_id) is OrderState.ACCEPTED
