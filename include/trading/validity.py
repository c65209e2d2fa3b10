"""How long an order may be sent and stand: until the close of its own market's next session."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from include.domain.calendars import calendar
from include.domain.market import Market


def valid_until(market: Market, after: datetime) -> datetime:
    """Close of the first session of a market that closes after a moment, aware UTC.

    Args:
        market: Its `calendar` is a name of the package exchange_calendars.
        after: Aware UTC, the run's `run_after`; a session that is open then is the one that counts.

    Raises:
        ValueError: The package does not know the market's sessions that far: some holidays are announced year by year.
    """
    return _utc(calendar(market.calendar, after.year).next_close(_timestamp(after)))


def valid_until_by_market(markets: Mapping[str, Market], wanted: set[str], after: datetime) -> dict[str, datetime]:
    """`valid_until` of each wanted market id; a market whose next session is not known is left out."""
    found = {}
    for name in sorted(wanted):
        with contextlib.suppress(ValueError):
            found[name] = valid_until(markets[name], after)
    return found


def _timestamp(moment: datetime) -> Any:
    import pandas as pd

    # Calendars think in minutes; a moment inside one belongs to its start.
    return pd.Timestamp(moment.astimezone(UTC)).floor("min")


def _utc(stamp: Any) -> datetime:
    moment: datetime = stamp.to_pydatetime()
    return moment.astimezone(UTC)
