from datetime import UTC, datetime

import pytest

from include.sandbox.sessions import Closings
from include.settings import load_settings


@pytest.fixture(scope="module")
def closings() -> Closings:
    return Closings(load_settings().markets)


@pytest.mark.parametrize(
    ("exchange", "now", "closing"),
    [
        ("NASDAQ", datetime(2026, 3, 2, 15, 0, 30, tzinfo=UTC), datetime(2026, 3, 2, 21, 0, tzinfo=UTC)),
        ("NASDAQ", datetime(2026, 3, 6, 21, 0, tzinfo=UTC), datetime(2026, 3, 9, 20, 0, tzinfo=UTC)),  # summer time began
        ("TSEJ", datetime(2026, 3, 2, 15, 0, tzinfo=UTC), datetime(2026, 3, 3, 6, 30, tzinfo=UTC)),
        ("IBIS", datetime(2026, 12, 30, 9, 0, tzinfo=UTC), datetime(2026, 12, 30, 13, 0, tzinfo=UTC)),  # a short day
    ],
)
def test_the_next_closing_of_each_market(closings: Closings, exchange: str, now: datetime, closing: datetime) -> None:
    assert closings.after(exchange, now) == closing


def test_the_next_opening_of_a_market(closings: Closings) -> None:
    friday = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
    assert closings.opening_after("NASDAQ", friday) == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)  # summer time began
    assert closings.opening_after("VALUE", friday) is None


def test_the_hours_of_the_coming_days_in_the_time_of_the_market(closings: Closings) -> None:
    zone, days = closings.hours("NASDAQ", datetime(2026, 3, 6, 15, 0, tzinfo=UTC), 4)
    assert zone == "America/New_York"
    assert [(day.isoformat(), times and [f"{time:%m-%d %H:%M %z}" for time in times]) for day, times in days] == [
        ("2026-03-06", ["03-06 09:30 -0500", "03-06 16:00 -0500"]),
        ("2026-03-07", None),
        ("2026-03-08", None),
        ("2026-03-09", ["03-09 09:30 -0400", "03-09 16:00 -0400"]),
    ]
    assert closings.hours("VALUE", datetime(2026, 3, 6, tzinfo=UTC), 4) == ("", [])
    assert closings.hours("NSE", datetime(2150, 1, 1, tzinfo=UTC), 4) == ("", [])


def test_what_is_not_known_has_no_closing(closings: Closings) -> None:
    assert closings.after("VALUE", datetime(2026, 3, 2, 15, 0, tzinfo=UTC)) is None
    assert closings.after("NSE", datetime(2150, 1, 1, tzinfo=UTC)) is None
