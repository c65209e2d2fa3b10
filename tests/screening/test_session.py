from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from include.errors import InputError
from include.screening.session import closed_sessions


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        (datetime(2025, 9, 18, 19, 59, tzinfo=UTC), date(2025, 9, 17)),
        (datetime(2025, 9, 18, 20, 0, tzinfo=UTC), date(2025, 9, 18)),  # 16:00 in New York, summer time
        (datetime(2025, 12, 1, 20, 59, tzinfo=UTC), date(2025, 11, 28)),  # winter time
        (datetime(2025, 12, 1, 21, 0, tzinfo=UTC), date(2025, 12, 1)),
        (datetime(2025, 11, 28, 18, 0, tzinfo=UTC), date(2025, 11, 28)),  # early close at 13:00
        (datetime(2025, 9, 21, 12, 0, tzinfo=UTC), date(2025, 9, 19)),  # Sunday
        (datetime(2025, 7, 4, 23, 0, tzinfo=UTC), date(2025, 7, 3)),  # holiday
        (datetime(2025, 9, 19, 5, 0, tzinfo=timezone(timedelta(hours=9))), date(2025, 9, 18)),  # 20:00 UTC, seen from Tokyo
    ],
)
def test_the_last_closed_session(moment: datetime, session: date) -> None:
    assert closed_sessions("XNYS", moment)[-1] == session


def test_how_far_back() -> None:
    assert closed_sessions("XNYS", datetime(2025, 9, 18, 21, tzinfo=UTC), days=3) == [
        date(2025, 9, 15),
        date(2025, 9, 16),
        date(2025, 9, 17),
        date(2025, 9, 18),
    ]


def test_another_calendar() -> None:
    assert closed_sessions("XTKS", datetime(2025, 9, 18, 6, 30, tzinfo=UTC))[-1] == date(2025, 9, 18)


def test_an_unknown_calendar() -> None:
    with pytest.raises(
        InputError, match=r"^field 'reference_calendar': expected a calendar of exchange_calendars: .*\(found 'XXXX'\)$"
    ):
        closed_sessions("XXXX", datetime(2025, 9, 18, tzinfo=UTC))


def test_a_time_without_a_zone() -> None:
    with pytest.raises(
        InputError, match=r"^field 'run_after': expected a time with a time zone \(found '2025-09-18T21:00:00'\)$"
    ):
        closed_sessions("XNYS", datetime(2025, 9, 18, 21))  # noqa: DTZ001
