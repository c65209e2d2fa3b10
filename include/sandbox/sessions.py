"""When markets close: what ends a DAY order at a local venue."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from include.domain.market import Market


class Closings:
    """The next closing of a market, by IBKR's word for it.

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
        name = self._calendars.get(exchange)
        if name is None:
            return None
        try:
            closing: datetime = _calendar(name, now.year).next_close(now).to_pydatetime()
        except ValueError:  # some calendars end where next year's holidays are not announced yet
            return None
        return closing.astimezone(UTC)


@lru_cache(maxsize=64)
def _calendar(name: str, year: int) -> Any:
    import exchange_calendars

    return exchange_calendars.get_calendar(name, start=f"{year - 1}-12-01")
