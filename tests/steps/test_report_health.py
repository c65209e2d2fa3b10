from datetime import UTC, datetime, timedelta

from include.brokers.breaker import Breaker
from include.brokers.clock import Skew
from include.domain.health import CallCount
from include.errors import BrokerUnavailable
from include.settings import load_settings
from include.steps.report_health import report_health
from include.storage.call_counts import CallCounts
from include.storage.database import Database
from include.storage.shared_states import DatabaseSharedState

NOW = datetime(2026, 1, 6, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def row(source: str, hour: datetime, code: str = "", calls: int = 1) -> CallCount:
    return CallCount(source, source.split("-", maxsplit=1)[0], hour, "connect", code, calls, calls * 5.5, 6.0)


def test_one_row_for_every_source_of_the_last_day(database: Database) -> None:
    CallCounts(database).add(
        [row("ibkr-paper", NOW, calls=3), row("ibkr-paper", NOW, "CONNECTION_ERROR"), row("alpaca-live", NOW - 2 * DAY)]
    )
    breaker = Breaker(DatabaseSharedState(database), "ibkr-paper")
    for _ in range(5):
        breaker.failed("connect", BrokerUnavailable("connection refused"))
    skew = Skew(-0.7, 2, NOW.isoformat())
    DatabaseSharedState(database).change("clock:ibkr-paper", lambda _: (skew.document, None))
    assert report_health(load_settings(), database, NOW) == {
        "ibkr-paper": {
            "health": 0.71,  # (0.4 x 0.75 + 0.3 x 0.75 + 0.15 x 0.5) / 0.85 = 0.7059
            "answered": 0.75,
            "uptime": 0.75,
            "speed": 0.5,
            "filled": None,
            "calls": 4,
            "errors": {"CONNECTION_ERROR": 1},
            "breaker": "open",
            "clock_skew_seconds": -0.7,
        }
    }


def test_nothing_called_is_nothing_reported(database: Database) -> None:
    assert report_health(load_settings(), database, NOW) == {}


def test_counts_are_kept_for_thirty_days(database: Database) -> None:
    counts = CallCounts(database)
    counts.add([row("ibkr-paper", NOW - 30 * DAY), row("ibkr-paper", NOW - 31 * DAY)])
    report_health(load_settings(), database, NOW)
    assert [each.hour for each in counts.between(NOW - 40 * DAY, NOW)["ibkr-paper"]] == [NOW - 30 * DAY]
