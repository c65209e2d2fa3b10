from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.domain.health import CallCount
from include.domain.order import OrderReport, OrderState
from include.storage.call_counts import CallCounts
from include.storage.database import Database
from include.storage.journal import Journal
from tests.fakes.orders import make_order

HOUR = datetime(2026, 1, 6, 15, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def counts(database: Database) -> CallCounts:
    return CallCounts(database)


def row(calls: int, seconds: float, slowest: float, hour: datetime = HOUR, source: str = "ibkr-paper") -> CallCount:
    return CallCount(source, source.split("-", maxsplit=1)[0], hour, "quotes", "", calls, seconds, slowest)


def test_counts_of_several_processes_are_added(counts: CallCounts) -> None:
    counts.add([])
    counts.add([row(2, 3.0, 2.0)])
    counts.add([row(1, 5.0, 5.0), row(1, 1.0, 1.0, source="alpaca-live")])
    counts.add([row(1, 0.5, 0.5)])
    found = counts.between(HOUR, HOUR + DAY)
    assert found == {"alpaca-live": [row(1, 1.0, 1.0, source="alpaca-live")], "ibkr-paper": [row(4, 8.5, 5.0)]}


def test_the_brokers_own_codes_are_counted_apart(counts: CallCounts) -> None:
    two, ten = (CallCount("ibkr-paper", "ibkr", HOUR, "submit", "UNKNOWN", 1, 1.0, 1.0, own) for own in ("2", "10"))
    counts.add([two, ten])
    counts.add([two])
    found = counts.between(HOUR, HOUR + DAY)["ibkr-paper"]
    assert [(row.broker_code, row.calls) for row in found] == [("10", 1), ("2", 2)]


def test_hours_are_read_from_and_up_to(counts: CallCounts) -> None:
    hours = [HOUR + timedelta(hours=n) for n in range(3)]
    counts.add([row(1, 1.0, 1.0, hour) for hour in hours])
    assert [each.hour for each in counts.between(hours[0], hours[2])["ibkr-paper"]] == hours[:2]
    assert counts.between(hours[2] + DAY, hours[2] + 2 * DAY) == {}


def test_old_hours_are_forgotten(counts: CallCounts) -> None:
    counts.add([row(1, 1.0, 1.0), row(1, 1.0, 1.0, HOUR + DAY)])
    assert counts.forget(HOUR + DAY) == 1
    assert [each.hour for each in counts.between(HOUR - DAY, HOUR + 2 * DAY)["ibkr-paper"]] == [HOUR + DAY]


def test_orders_that_are_over(counts: CallCounts, database: Database) -> None:
    journal = Journal(database)
    outcomes = [
        ("A", OrderState.FILLED, HOUR),
        ("B", OrderState.CANCELLED, HOUR),
        ("C", OrderState.EXPIRED, HOUR),
        ("D", OrderState.REJECTED, HOUR),  # refused: not the market's word
        ("E", OrderState.ACCEPTED, HOUR),
        ("F", OrderState.FILLED, HOUR + DAY),  # later
    ]
    for number, (ticker, state, moment) in enumerate(outcomes):
        order = make_order(ticker, str(200 + number))
        journal.register([order], HOUR - DAY)
        journal.mark_sending(order.client_order_id, HOUR - DAY)
        filled = order.quantity if state is OrderState.FILLED else Decimal(0)
        journal.record(
            order.client_order_id,
            OrderReport(client_order_id=order.client_order_id, state=state, filled_quantity=filled),
            moment,
        )
    account = make_order().account
    assert counts.filled([account], HOUR, HOUR + DAY) == (1, 3)
    assert counts.filled(["another"], HOUR, HOUR + DAY) == (0, 0)
    assert counts.filled([], HOUR, HOUR + DAY) == (0, 0)
