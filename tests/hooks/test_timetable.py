"""Sessions of New York around Thanksgiving 2025: closed on Thursday the 27th, closing at 13:00 on Friday the 28th."""

from datetime import datetime

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction

import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
from include.hooks.timetable import SessionTimetable

XNYS = SessionTimetable("XNYS")


def utc(text: str) -> pendulum.DateTime:
    return pendulum.instance(datetime.fromisoformat(f"{text}+00:00"))


def session(opened: str, closed: str) -> DataInterval:
    return DataInterval(utc(opened), utc(closed))


def restriction(earliest: str | None, latest: str | None = None, catchup: bool = True) -> TimeRestriction:
    return TimeRestriction(utc(earliest) if earliest else None, utc(latest) if latest else None, catchup)


@pytest.mark.parametrize(
    ("moment", "opened", "closed"),
    [
        ("2025-11-26T20:59:59", "2025-11-25T14:30:00", "2025-11-25T21:00:00"),  # a second before the close
        ("2025-11-26T21:00:00", "2025-11-26T14:30:00", "2025-11-26T21:00:00"),  # at the close
        ("2025-11-28T17:00:00", "2025-11-26T14:30:00", "2025-11-26T21:00:00"),  # the holiday has no session
        ("2025-11-28T18:00:00", "2025-11-28T14:30:00", "2025-11-28T18:00:00"),  # an early close
        ("2025-11-30T12:00:00", "2025-11-28T14:30:00", "2025-11-28T18:00:00"),  # Sunday
        ("2026-01-01T00:00:00", "2025-12-31T14:30:00", "2025-12-31T21:00:00"),  # over the turn of the year
    ],
)
def test_a_run_by_hand_is_about_the_newest_closed_session(moment: str, opened: str, closed: str) -> None:
    assert XNYS.infer_manual_data_interval(run_after=utc(moment)) == session(opened, closed)


def test_the_next_run_is_half_an_hour_after_the_next_close() -> None:
    found = XNYS.next_dagrun_info(
        last_automated_data_interval=session("2025-11-26T14:30:00", "2025-11-26T21:00:00"),
        restriction=restriction("2024-01-01T00:00:00"),
    )
    assert found is not None
    assert found.run_after == utc("2025-11-28T18:30:00")
    assert found.data_interval == session("2025-11-28T14:30:00", "2025-11-28T18:00:00")
    assert found.logical_date == utc("2025-11-28T14:30:00")


def test_a_backfill_of_a_week_has_its_four_sessions() -> None:
    window = restriction("2025-11-24T00:00:00", "2025-11-28T23:59:59")
    found, last = [], None
    while info := XNYS.next_dagrun_info(last_automated_data_interval=last, restriction=window):
        found.append(info.run_after.to_datetime_string())
        last = info.data_interval
    assert found == ["2025-11-24 21:30:00", "2025-11-25 21:30:00", "2025-11-26 21:30:00", "2025-11-28 18:30:00"]


def test_without_a_start_there_is_no_schedule() -> None:
    assert XNYS.next_dagrun_info(last_automated_data_interval=None, restriction=restriction(None)) is None


class TestWithoutCatchup:
    """The clock stands at Friday the 28th, 20:00 UTC: that day's session closed two hours ago."""

    @pytest.fixture(autouse=True)
    def friday_evening(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("include.hooks.timetable.pendulum.now", lambda zone: utc("2025-11-28T20:00:00"))

    def test_the_first_run_waits_for_the_next_close(self) -> None:
        found = XNYS.next_dagrun_info(last_automated_data_interval=None, restriction=restriction("2024-01-01", catchup=False))
        assert found is not None
        assert found.run_after == utc("2025-12-01T21:30:00")

    def test_after_an_outage_only_the_newest_session_is_made_up_for(self) -> None:
        found = XNYS.next_dagrun_info(
            last_automated_data_interval=session("2025-11-21T14:30:00", "2025-11-21T21:00:00"),
            restriction=restriction("2024-01-01", catchup=False),
        )
        assert found is not None
        assert found.run_after == utc("2025-11-28T18:30:00")

    def test_in_its_stride_it_goes_to_the_next_session(self) -> None:
        found = XNYS.next_dagrun_info(
            last_automated_data_interval=session("2025-11-28T14:30:00", "2025-11-28T18:00:00"),
            restriction=restriction("2024-01-01", catchup=False),
        )
        assert found is not None
        assert found.run_after == utc("2025-12-01T21:30:00")


def test_it_survives_airflows_database() -> None:
    tokyo = SessionTimetable("XTKS", delay_minutes=45)
    again = SessionTimetable.deserialize(tokyo.serialize())
    assert again.serialize() == {"calendar": "XTKS", "delay_minutes": 45}
    assert again.summary == "XTKS close + 45 min"
    assert again.infer_manual_data_interval(run_after=utc("2025-11-26T12:00:00")) == session(
        "2025-11-26T00:00:00", "2025-11-26T06:30:00"
    )


def test_one_run_at_a_time() -> None:
    assert XNYS.active_runs_limit == 1
