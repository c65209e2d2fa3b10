"""The schedule: one run for each session of an exchange, 30 minutes after its close.

The data interval is the session itself (open to close), so a run's logical date is the open of the day it is about.
Sessions, holidays and early closes come from the package exchange_calendars, which is imported when first asked: this module
is loaded in every task process.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from include.domain.calendars import calendar as sessions_around


class SessionTimetable(Timetable):
    """Runs after each session of one calendar.

    With `catchup=False` the first run is for the next session to close; after an outage only the newest closed session is
    made up for. Backfills (`catchup=True`) get every session of their range.

    Args:
        calendar: Name in exchange_calendars, e.g. `XNYS`.
        delay_minutes: Minutes between the close and the run.
    """

    def __init__(self, calendar: str = "XNYS", delay_minutes: int = 30) -> None:
        self.calendar = calendar
        self.delay = timedelta(minutes=delay_minutes)
        self.description = f"{delay_minutes} minutes after each close of {calendar}"
        self.active_runs_limit = 1

    @property
    def summary(self) -> str:
        """What the web UI shows as the schedule."""
        return f"{self.calendar} close + {int(self.delay.total_seconds() // 60)} min"

    def serialize(self) -> dict[str, Any]:
        """The arguments, for Airflow's database."""
        return {"calendar": self.calendar, "delay_minutes": int(self.delay.total_seconds() // 60)}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "SessionTimetable":
        """The timetable of `serialize`."""
        return cls(**data)

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """The newest session closed at `run_after`."""
        return self._newest_closed(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The session after the last one that ran; see the class for what `catchup` changes. None outside `restriction`."""
        session: DataInterval | None
        if last_automated_data_interval is not None:
            session = self._first_opening_after(last_automated_data_interval.start)
        elif restriction.earliest is not None:
            session = self._first_opening_after(restriction.earliest - timedelta(microseconds=1))
        else:
            return None
        if session is not None and not restriction.catchup:
            session = self._without_catching_up(session, first=last_automated_data_interval is None)
        if session is None or (restriction.latest is not None and session.start > restriction.latest):
            return None
        return DagRunInfo(run_after=session.end + self.delay, data_interval=session)

    def _without_catching_up(self, session: DataInterval, first: bool) -> DataInterval | None:
        now = pendulum.now("UTC")
        newest = self._newest_closed(now - self.delay)
        if first:
            return self._first_opening_after(max(newest.start, session.start - timedelta(microseconds=1)))
        return newest if newest.start > session.start else session

    def _newest_closed(self, moment: datetime) -> DataInterval:
        calendar = sessions_around(self.calendar, moment.year)
        return self._interval(calendar, int(calendar.closes.searchsorted(_utc(moment), side="right")) - 1)

    def _first_opening_after(self, moment: datetime) -> DataInterval | None:
        calendar = sessions_around(self.calendar, moment.year)
        position = int(calendar.opens.searchsorted(_utc(moment), side="right"))
        return self._interval(calendar, position) if position < len(calendar.sessions) else None

    @staticmethod
    def _interval(calendar: Any, position: int) -> DataInterval:
        opened, closed = calendar.opens.iloc[position], calendar.closes.iloc[position]
        return DataInterval(pendulum.instance(opened.to_pydatetime()), pendulum.instance(closed.to_pydatetime()))


def _utc(moment: datetime) -> Any:
    import pandas as pd

    return pd.Timestamp(moment.astimezone(UTC).replace(tzinfo=None), tz="UTC")
