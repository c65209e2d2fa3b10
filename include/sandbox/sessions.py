"""When markets open and close: what ends a DAY order at a local venue, and when an auction is."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from include.domain.calendars import calendar
from include.domain.market import Market

Day = tuple[date, tuple[datetime, datetime] | None]


class Closings:
    """The next closing and opening of a market, by IBKR's word for it.

    Args:
        markets: By id, as in `markets.yaml`; their `calendar` is a name of the package exchange_calendars.
    """

    def __init__(self, markets: Mapping[str, Market]) -> None:
        self._calendars = {word: market.calendar for market in markets.values() for word in market.exchange_words}

    def after(self, exchange: str, now: datetime) -> datetime | None:
        """The first closing after `now` (aware), in UTC; None for an exchange or a time whose sessions nobody knows here.

        Args:
            exchange: `TSEJ`, `NASDAQ` ...
        """
        return self._next("next_close", exchange, now)

    def opening_after(self, exchange: str, now: datetime) -> datetime | None:
        """The first opening after `now`, otherwise as `after`."""
        return self._next("next_open", exchange, now)

    def hours(self, exchange: str, now: datetime, days: int) -> tuple[str, list[Day]]:
        """The market's time zone (an IANA name), and every day from today on with its opening and closing there (None: closed).

        ("", []) for an exchange or a time whose sessions nobody knows here.

        Args:
            exchange: `TSEJ`, `NASDAQ` ...
            days: How many, today's included.
        """
        name = self._calendars.get(exchange)
        return _hours(name, now.date(), days) if name is not None else ("", [])

    def _next(self, event: str, exchange: str, now: datetime) -> datetime | None:
        name = self._calendars.get(exchange)
        if name is None:
            return None
        try:
            found: datetime = getattr(calendar(name, now.year), event)(now).to_pydatetime()
        except ValueError:  # some calendars end where next year's holidays are not announced yet
            return None
        return found.astimezone(UTC)


@lru_cache(maxsize=256)
def _hours(name: str, today: date, days: int) -> tuple[str, list[Day]]:
    found: list[Day] = []
    try:
        known = calendar(name, today.year)
        for day in (today + timedelta(days=number) for number in range(days)):
            if known.is_session(day.isoformat()):
                times = known.session_open_close(day.isoformat())
                opening, closing = (time.to_pydatetime().astimezone(known.tz) for time in times)
                found.append((day, (opening, closing)))
            else:
                found.append((day, None))
    except ValueError:  # beyond what the calendar knows
        return "", []
    return str(known.tz), found
