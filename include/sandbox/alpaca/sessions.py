"""GET /v2/clock and /v2/calendar, and when a day order ends.

The venue itself trades at any hour: a demo is not run between half past nine and four in New York.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.domain.calendars import calendar
from include.sandbox.alpaca.venue import SKEW, refusal, venue_of

NEW_YORK = ZoneInfo("America/New_York")


def next_open_close(now: datetime) -> tuple[datetime, datetime]:
    """The next opening and the next closing of New York after `now`, aware."""
    known = calendar("XNYS", now.year)
    minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return known.next_open(minute).to_pydatetime(), known.next_close(now).to_pydatetime()


async def get_clock(request: Request) -> Response:
    """The venue's time and New York's hours."""
    venue = venue_of(request)
    now = venue.book.clock() + (SKEW if venue.skewed else SKEW * 0)
    opens, closes = next_open_close(now)
    return JSONResponse(
        {
            "timestamp": now.astimezone(NEW_YORK).isoformat(),
            "is_open": closes < opens,
            "next_open": opens.astimezone(NEW_YORK).isoformat(),
            "next_close": closes.astimezone(NEW_YORK).isoformat(),
        }
    )


async def get_calendar(request: Request) -> Response:
    """Sessions between `start` and `end`, a year around today where those are missing."""
    today = venue_of(request).book.clock().astimezone(NEW_YORK).date()
    try:
        start = date.fromisoformat(request.query_params.get("start", (today - timedelta(days=365)).isoformat()))
        end = date.fromisoformat(request.query_params.get("end", (today + timedelta(days=365)).isoformat()))
    except ValueError:
        return refusal(422, 40010001, "invalid date format")
    known = calendar("XNYS", today.year)
    start, end = max(start, known.first_session.date()), min(end, known.last_session.date())
    rows = []
    for session in known.sessions_in_range(start.isoformat(), end.isoformat()) if start <= end else ():
        opens = known.session_open(session).tz_convert(NEW_YORK)
        closes = known.session_close(session).tz_convert(NEW_YORK)
        rows.append({"date": session.date().isoformat(), "open": f"{opens:%H:%M}", "close": f"{closes:%H:%M}"})
    return JSONResponse(rows)
