"""What brokers say of an order is recorded once, in whatever order it comes."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from include.domain.order import OrderState
from include.errors import InputError
from include.storage.journal import Journal
from tests.fakes.orders import NEXT_MORNING, NOON, make_order
from tests.storage.journal_orders import ID, ORDER, fill, report

# --- the broker's word --------------------------------------------------------------------------------------------------


def test_a_life_of_an_order(journal: Journal) -> None:
    journal.register([ORDER])
    journal.mark_sending(ID, NOON)
    assert journal.record(ID, report(OrderState.ACCEPTED, broker_order_id="B1"), NOON) is OrderState.ACCEPTED
    partial = report(OrderState.PARTIALLY_FILLED, filled_quantity=Decimal(4), fills=(fill("1", "4", "49"),))
    assert journal.record(ID, partial, NOON) is OrderState.PARTIALLY_FILLED
    both = (fill("1", "4", "49"), fill("2", "6", "51"))
    done = report(OrderState.FILLED, filled_quantity=Decimal(10), average_price=Decimal("50.2"), fills=both)
    assert journal.record(ID, done, NOON) is OrderState.FILLED
    entry = journal.entry(ID)
    assert entry is not None
    assert entry.report.fills == both
    assert entry.report.broker_order_id == "B1"
    assert entry.report.average_price == Decimal("50.2")
    assert [(event.from_state, event.to_state) for event in journal.events(ID)] == [
        (None, OrderState.PLANNED),
        (OrderState.PLANNED, OrderState.SENDING),
        (OrderState.SENDING, OrderState.ACCEPTED),
        (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED),
        (OrderState.PARTIALLY_FILLED, OrderState.FILLED),
    ]


def test_the_same_report_again_leaves_no_trace(journal: Journal) -> None:
    journal.register([ORDER])
    done = report(OrderState.FILLED, filled_quantity=Decimal(10), average_price=Decimal(50), fills=(fill("1", "10"),))
    journal.record(ID, done, NOON)
    journal.record(ID, done, NEXT_MORNING)
    entry = journal.entry(ID)
    assert entry is not None
    assert entry.report.updated_at == NOON
    assert len(journal.events(ID)) == 2
    assert journal.managed("main")[0].quantity == 10


def test_late_and_stale_reports_take_nothing_back(journal: Journal) -> None:
    journal.register([ORDER])
    journal.record(ID, report(OrderState.PARTIALLY_FILLED, filled_quantity=Decimal(4), average_price=Decimal(50)), NOON)
    assert journal.record(ID, report(OrderState.ACCEPTED), NOON) is OrderState.PARTIALLY_FILLED
    assert journal.record(ID, report(OrderState.UNKNOWN), NOON) is OrderState.PARTIALLY_FILLED
    assert journal.record(ID, report(OrderState.CANCELLED), NOON) is OrderState.CANCELLED
    assert journal.record(ID, report(OrderState.ACCEPTED), NOON) is OrderState.CANCELLED
    entry = journal.entry(ID)
    assert entry is not None
    assert (entry.report.filled_quantity, entry.report.average_price) == (4, 50)


def test_fills_count_even_after_the_end(journal: Journal) -> None:
    journal.register([ORDER])
    journal.record(ID, report(OrderState.CANCELLED), NOON)
    late = report(OrderState.CANCELLED, filled_quantity=Decimal(3), fills=(fill("1", "3"),))
    assert journal.record(ID, late, NOON) is OrderState.CANCELLED
    assert [position.quantity for position in journal.managed("main")] == [3]


def test_fills_alone_make_the_total_and_the_state(journal: Journal) -> None:
    journal.register([ORDER])
    assert journal.record(ID, report(OrderState.ACCEPTED, fills=(fill("1", "4", "49"),)), NOON) is OrderState.PARTIALLY_FILLED
    assert journal.record(ID, report(OrderState.ACCEPTED, fills=(fill("2", "6", "51"),)), NOON) is OrderState.FILLED
    entry = journal.entry(ID)
    assert entry is not None
    assert (entry.report.filled_quantity, entry.report.average_price) == (10, Decimal("50.2"))


def test_executions_of_a_part_do_not_end_an_order(journal: Journal) -> None:
    journal.register([ORDER])
    journal.mark_sending(ID, NOON)
    part = report(OrderState.FILLED, filled_quantity=Decimal(4), fills=(fill("f1", "4"),))
    assert journal.record(ID, part, NOON) is OrderState.PARTIALLY_FILLED
    assert journal.record(ID, report(OrderState.CANCELLED, filled_quantity=Decimal(4)), NOON) is OrderState.CANCELLED
    assert journal.record(ID, part, NOON) is OrderState.CANCELLED
    whole = report(OrderState.FILLED, filled_quantity=Decimal(10))
    assert journal.record(ID, whole, NOON) is OrderState.FILLED


def test_a_fill_is_known_by_its_id_within_one_account(journal: Journal) -> None:
    elsewhere = make_order(account="fake-two")
    journal.register([ORDER, elsewhere])
    for client_order_id in (ID, ID, elsewhere.client_order_id):
        journal.record(client_order_id, report(OrderState.ACCEPTED, client_order_id, fills=(fill("1", "4"),)), NOON)
    assert [(p.account, p.quantity) for p in journal.managed("main")] == [("fake-main", 4), ("fake-two", 4)]


def test_a_rejection_keeps_the_brokers_words(journal: Journal) -> None:
    journal.register([ORDER])
    journal.record(ID, report(OrderState.REJECTED, code="201", message="margin"), NOON)
    entry = journal.entry(ID)
    assert entry is not None
    assert (entry.report.code, entry.report.message) == ("201", "margin")


def test_reports_about_nothing_known(journal: Journal) -> None:
    with pytest.raises(InputError, match="an order of the journal"):
        journal.record(ID, report(OrderState.ACCEPTED), NOON)
    journal.register([ORDER])
    with pytest.raises(InputError, match="a report about this order"):
        journal.record(ID, report(OrderState.ACCEPTED, "OTHER"), NOON)


def test_concurrent_reports_lose_no_fill(journal: Journal) -> None:
    journal.register([ORDER])
    parts = [report(OrderState.PARTIALLY_FILLED, fills=(fill(str(n), "1"),)) for n in range(10)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda part: journal.record(ID, part, NOON), parts))
    assert journal.state(ID) is OrderState.FILLED
    assert journal.managed("main")[0].quantity == 10
