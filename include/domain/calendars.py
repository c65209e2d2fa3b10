"""The one place that asks the package exchange_calendars for a market's sessions: one range, built once per process."""

import warnings
from functools import lru_cache
from typing import Any

from include.errors import InputError


@lru_cache(maxsize=64)
def calendar(name: str, year: int, field: str = "calendar") -> Any:
    """The `ExchangeCalendar` of a market from the year before `year` to the one after it: few enough to build in a moment.

    Where the holidays of a market are announced year by year it ends with those that the package knows.

    Args:
        name: The package's (`XNYS`).
        year: Of the moment that is asked about.
        field: What named it, for errors.

    Raises:
        InputError: The package has no such calendar.
        ValueError: It knows nothing of that time.
    """
    import exchange_calendars
    from exchange_calendars.errors import CalendarError

    start, end = f"{year - 1}-01-01", f"{year + 1}-12-31"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas announces changes that exchange_calendars has not followed
        try:
            return exchange_calendars.get_calendar(name, start=start, end=end)
        except ValueError:  # further than is known; the package's own end is not
            return exchange_calendars.get_calendar(name, start=start)
        except CalendarError as error:
            raise InputError(f"expected a calendar of exchange_calendars: {error}", field=field, value=name) from error
