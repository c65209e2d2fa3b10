"""What is shown of breakers and health; no venue is needed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.brokers.breaker import Breaker
from include.brokers.clock import Skew
from include.cli.wiring import project_database
from include.domain.health import CallCount
from include.errors import BrokerUnavailable
from include.settings import load_settings
from include.storage.broker_events import BrokerEvents
from include.storage.call_counts import CallCounts
from include.storage.database import Database
from include.storage.shared_states import DatabaseSharedState
from tests.cli.conftest import Polybroker

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def database(project: object) -> Iterator[Database]:
    with project_database(load_settings()) as opened:
        yield opened


@pytest.mark.usefixtures("database")
def test_nothing_known_is_said(polybroker: Polybroker) -> None:
    assert polybroker("brokers", "status").text == "every broker may be asked; nothing failed since each answered last\n"
    assert polybroker("brokers", "health").text == "no broker was called in the last 24 hours\n"


def test_a_breaker_shows_phase_and_reason(polybroker: Polybroker, database: Database) -> None:
    ibkr, alpaca = (Breaker(DatabaseSharedState(database), source) for source in ("ibkr-paper", "alpaca-paper"))
    for _ in range(5):
        ibkr.failed("connect", BrokerUnavailable("connection refused"))
    alpaca.failed("quotes", BrokerUnavailable("bad gateway", broker_code="502"))
    closed, opened = polybroker("brokers", "status").text.splitlines()
    assert closed == "alpaca-paper: closed; 1 in a row failed, the last one: quotes CONNECTION_ERROR 502; asked again now"
    assert opened.startswith("ibkr-paper: open; 5 in a row failed, the last one: connect CONNECTION_ERROR; asked again ")
    assert opened.endswith(" UTC")


def test_clocks_are_shown_as_they_were_found(polybroker: Polybroker, database: Database) -> None:
    states = DatabaseSharedState(database)
    for source, seconds in (("ibkr-paper", -0.3), ("alpaca-paper", 600.0)):
        skew = Skew(seconds, 2, "2026-01-06T12:15:00+00:00")
        states.change(f"clock:{source}", lambda _, skew=skew: (skew.document, None))  # type: ignore[misc]
    alpaca, ibkr = [line for line in polybroker("brokers", "status").text.splitlines() if "its clock" in line]
    assert alpaca == (
        "alpaca-paper: its clock is 600.0 s ahead of this machine's, more than 2 s: "
        "check the time synchronization (NTP) of this machine (2026-01-06 12:15 UTC)"
    )
    assert ibkr == "ibkr-paper: its clock is 0.3 s behind this machine's (2026-01-06 12:15 UTC)"


def test_health_shows_the_score_and_its_parts(polybroker: Polybroker, database: Database) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    CallCounts(database).add(
        [
            CallCount("ibkr-paper", "ibkr", hour, "connect", "", 3, 1.5, 1.0),
            CallCount("ibkr-paper", "ibkr", hour, "connect", "CONNECTION_ERROR", 1, 20.0, 20.0),
            CallCount("ibkr-paper", "ibkr", hour, "quotes", "UNKNOWN", 1, 20.0, 20.0, "9999"),
        ]
    )
    lines = polybroker("brokers", "health").text.splitlines()
    row = next(line for line in lines if line.startswith("│ ibkr-paper"))
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["ibkr-paper", "0.77", "0.70", "0.75", "1.00", "-", "5"]
    assert "ibkr-paper: 2 errors; 0.50 s for a single question" in lines
    errors = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines[-3:-1]]
    assert errors == [
        ["ibkr-paper", "UNKNOWN", "9999", "1", f"{hour:%Y-%m-%d %H:%M}"],
        ["ibkr-paper", "CONNECTION_ERROR", "-", "1", f"{hour:%Y-%m-%d %H:%M}"],
    ]


def test_the_history_of_breakers(polybroker: Polybroker, database: Database) -> None:
    assert polybroker("brokers", "status", "--history").text == "no breaker opened since this is kept\n"
    moment = datetime(2026, 1, 6, 12, 15, 30, tzinfo=UTC).timestamp()
    oanda = Breaker(DatabaseSharedState(database), "oanda-paper", events=BrokerEvents(database), clock=lambda: moment)
    for _ in range(5):
        oanda.failed("connect", BrokerUnavailable("connection refused", broker_code="502"))
    oanda.check("cancel")
    oanda.answered()
    end = "5 in a row failed since 2026-01-06 12:15:30, the last one: connect CONNECTION_ERROR 502"
    assert polybroker("brokers", "status", "--history").text.splitlines() == [
        f"2026-01-06 12:15:30 UTC oanda-paper opened: {end}",
        f"2026-01-06 12:15:30 UTC oanda-paper closed: {end}",
    ]
