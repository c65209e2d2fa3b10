"""What was counted of all brokers, as one document for people and metrics, and old counts forgotten."""

from datetime import datetime, timedelta
from typing import Any

from include.brokers import clock
from include.brokers.breaker import PREFIX, Circuit
from include.brokers.clock import Skew
from include.settings import Settings
from include.steps.broker_health import broker_health
from include.storage.call_counts import CallCounts
from include.storage.database import Database
from include.storage.shared_states import DatabaseSharedState

KEPT = timedelta(days=30)


def report_health(settings: Settings, database: Database, now: datetime) -> dict[str, dict[str, Any]]:
    """Health and breaker of every source that was called in the last 24 hours; counts older than 30 days are removed.

    Args:
        settings: Whose accounts' orders count as filled or not.
        database: Holds counts, breakers and the journal.
        now: Aware UTC.

    Returns:
        By source: `health` and its parts (None: not known), `calls`, `errors` by code, `breaker` (its phase),
        `clock_skew_seconds` as it was measured last (None: never).
    """
    counts, states = CallCounts(database), DatabaseSharedState(database)
    found = {}
    for source, one in broker_health(settings.portfolios, database, now + timedelta(microseconds=1)).items():
        skew = Skew.of(states.read(clock.PREFIX + source))
        parts = {"health": one.score, "answered": one.answered, "uptime": one.uptime, "speed": one.speed, "filled": one.filled}
        found[source] = {
            **{name: None if part is None else round(float(part), 4) for name, part in parts.items()},
            "calls": one.calls,
            "errors": dict(sorted(one.codes.items())),
            "breaker": Circuit.of(states.read(PREFIX + source)).phase.value,
            "clock_skew_seconds": skew.seconds if skew else None,
        }
    counts.forget(now - KEPT)
    return found
