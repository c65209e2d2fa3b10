"""Sessions of the reference calendar: which is the last one closed at a moment."""

from datetime import date, datetime, timedelta
from typing import Any

from include.domain.calendars import calendar as sessions_around
from include.errors import InputError


def closed_sessions(calendar: str, moment: datetime, days: int = 30) -> list[date]:
    """Sessions that closed at or before `moment`, oldest first, going back `days` days.

    Args:
        calendar: A name of the package exchange_calendars (`XNYS`).
        moment: Aware time.

    Raises:
        InputError: No such calendar, or a moment its data do not reach.
    """
    import pandas as pd

    if moment.tzinfo is None:
        raise InputError("expected a time with a time zone", field="run_after", value=moment.isoformat())
    stamp = pd.Timestamp(moment).tz_convert("UTC")
    start = moment.date() - timedelta(days=days)
    closes = [close for year in range(start.year, moment.year + 1) for close in _closes(calendar, year)]
    return [session for session, close in closes if session >= start and close <= stamp]


def _closes(name: str, year: int) -> list[tuple[date, Any]]:
    """(session, its close) of one year."""
    try:
        closes = sessions_around(name, year, "reference_calendar").closes
    except ValueError as error:
        expected = f"expected a time that exchange_calendars knows: {error}"
        raise InputError(expected, field="reference_calendar", value=name) from error
    return [(session.date(), close) for session, close in closes.items() if session.year == year]
