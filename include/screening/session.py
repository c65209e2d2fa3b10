"""Sessions of the reference calendar: which is the last one closed at a moment."""

from datetime import date, datetime, timedelta

from include.errors import InputError


def closed_sessions(calendar: str, moment: datetime, days: int = 30) -> list[date]:
    """Sessions that closed at or before `moment`, oldest first, going back `days` days.

    Args:
        calendar: A name of the package exchange_calendars (`XNYS`).
        moment: Aware time.

    Raises:
        InputError: No such calendar, or a moment its data do not reach.
    """
    import exchange_calendars
    import pandas as pd

    if moment.tzinfo is None:
        raise InputError("expected a time with a time zone", field="run_after", value=moment.isoformat())
    stamp = pd.Timestamp(moment).tz_convert("UTC")
    start, end = moment.date() - timedelta(days=days), moment.date() + timedelta(days=10)
    try:
        closes = exchange_calendars.get_calendar(calendar, start=start.isoformat(), end=end.isoformat()).closes
    except (exchange_calendars.errors.CalendarError, ValueError) as error:
        raise InputError(
            f"expected a calendar of exchange_calendars: {error}", field="reference_calendar", value=calendar
        ) from error
    return [session.date() for session, close in closes.items() if close <= stamp]
