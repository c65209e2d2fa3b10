"""What is read for the page: from a real database, and from one that is missing, old or damaged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from include.brokers.breaker import Breaker, Phase
from include.domain.health import CallCount, ErrorCount
from include.errors import BrokerUnavailable
from include.settings import Environ
from include.storage.broker_events import BrokerEvents
from include.storage.call_counts import CallCounts
from include.storage.capability_log import CapabilityLog
from include.storage.database import open_database, upgrade
from include.storage.shared_states import DatabaseSharedState
from include.web.overview import overview

AT = datetime(2026, 11, 20, 16, 34, tzinfo=UTC)
HOUR = AT.replace(minute=0)


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environ:
    monkeypatch.delenv("ACTIVE_BROKERS", raising=False)
    monkeypatch.setenv("POLYBROKER_DATABASE_URL", f"sqlite:///{tmp_path / 'polybroker.db'}")
    upgrade(Environ().database_url)
    return Environ()


def write(environ: Environ, *counts: CallCount) -> None:
    with open_database(environ.database_url) as database:
        CallCounts(database).add(list(counts))


def count(method: str, code: str, calls: int, *, hours_ago: int = 0, source: str = "ibkr-paper") -> CallCount:
    return CallCount(source, source.partition("-")[0], HOUR - timedelta(hours=hours_ago), method, code, calls, 0.5 * calls, 0.75)


def break_it(environ: Environ, statement: str) -> None:
    with open_database(environ.database_url) as database, database.write() as connection:
        connection.execute(text(statement))


def test_calls_are_added_by_hour_method_and_code(environ: Environ) -> None:
    write(
        environ,
        count("connect", "", 3),
        count("connect", "CONNECTION_ERROR", 1),
        count("submit", "INSUFFICIENT_FUNDS", 2, hours_ago=5),
        count("connect", "CONNECTION_ERROR", 4, hours_ago=5),
    )
    found = overview(environ, AT)
    assert found.faults == ()
    (ibkr,) = found.brokers
    assert ibkr.source == "ibkr-paper"
    assert ibkr.health is not None
    assert ibkr.health.calls == 10
    assert ibkr.health.errors == (
        ErrorCount("CONNECTION_ERROR", "", 5, HOUR),
        ErrorCount("INSUFFICIENT_FUNDS", "", 2, HOUR - timedelta(hours=5)),
    )
    connects, submits = ibkr.methods["connect"], ibkr.methods["submit"]
    assert (connects.calls, connects.refused, connects.lost, connects.mean_seconds) == (8, 0, 5, 0.5)
    assert (submits.calls, submits.refused, submits.lost, submits.slowest_seconds) == (2, 2, 0, 0.75)
    assert len(ibkr.hours) == 24
    assert list(ibkr.hours)[-1] == HOUR
    assert {hour: tally.calls for hour, tally in ibkr.hours.items() if tally.calls} == {HOUR - timedelta(hours=5): 6, HOUR: 4}


def test_what_is_older_than_a_day_is_left_out_and_the_oldest_hour_is_in(environ: Environ) -> None:
    write(environ, count("quotes", "", 1, hours_ago=24), count("quotes", "", 2, hours_ago=23))
    (ibkr,) = overview(environ, AT).brokers
    assert ibkr.health is not None
    assert ibkr.health.calls == 2
    assert next(iter(ibkr.hours.values())).calls == 2


def test_a_breaker_without_calls_is_shown_and_one_at_rest_is_not(environ: Environ) -> None:
    with open_database(environ.database_url) as database:
        store = DatabaseSharedState(database)
        for _ in range(5):
            Breaker(store, "alpaca-sbx0a1b2c3d", clock=AT.timestamp).failed("connect", BrokerUnavailable("refused"))
        rested = Breaker(store, "ibkr-paper", clock=AT.timestamp)
        rested.failed("connect", BrokerUnavailable("refused"))
        rested.check("connect")
        rested.answered()
    found = overview(environ, AT)
    (alpaca,) = found.brokers
    assert (alpaca.source, alpaca.accounts) == ("alpaca-sbx0a1b2c3d", ("alpaca-main",))
    assert "alpaca-main" in {account for account, _, _ in found.silent}
    assert alpaca.health is None
    assert alpaca.circuit is not None
    assert (alpaca.circuit.phase, alpaca.circuit.failures) == (Phase.OPEN, 5)


def test_accounts_stand_at_their_source_and_the_rest_is_silent(environ: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVE_BROKERS", "alpaca,ibkr")
    write(environ, count("connect", "", 1, source="ibkr-sbx0a1b2c3d"))
    found = overview(Environ(), AT)
    assert [broker.accounts for broker in found.brokers] == [("ibkr-main",)]
    assert found.silent == (
        ("alpaca-main", "alpaca", "not called in the last 24 hours: switch monitor_brokers on, or trigger it"),
        ("paper-shadow", "paper", "its broker is not active: polybroker config show"),
    )


def test_changes_of_capabilities_are_told_newest_first(environ: Environ) -> None:
    with open_database(environ.database_url) as database:
        log = CapabilityLog(database)
        for number in range(3):
            log.look({"alpaca": {"fractional": number}}, AT + timedelta(hours=number))
    assert [event.body["changes"] for event in overview(environ, AT).changes] == [{"fractional": [1, 2]}, {"fractional": [0, 1]}]


def test_a_missing_database_is_a_sentence_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYBROKER_DATABASE_URL", f"sqlite:///{tmp_path / 'nowhere.db'}")
    found = overview(Environ(), AT)
    assert found.brokers == ()
    (fault,) = found.faults
    assert "nothing is known" in fault
    assert "polybroker db upgrade" in fault
    assert "ibkr-main" in {account for account, _, _ in found.silent}


def test_a_broken_configuration_hides_no_calls(environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "polybroker.yaml").write_text("options: [", encoding="utf-8")
    monkeypatch.setenv("POLYBROKER_CONFIG_DIR", str(tmp_path / "config"))
    write(environ, count("connect", "", 1))
    found = overview(Environ(), AT)
    assert [broker.source for broker in found.brokers] == ["ibkr-paper"]
    (fault,) = found.faults
    assert "polybroker.yaml" in fault


@pytest.mark.parametrize("body", ['"open"', "[1]", '{"phase": "ajar"}', '{"phase": "open", "until": "soon"}', '{"no": "phase"}'])
def test_a_breaker_that_makes_no_sense_is_told_as_unreadable(environ: Environ, body: str) -> None:
    write(environ, count("connect", "", 1))
    break_it(
        environ, f"insert into shared_states (name, body) values ('breaker:ibkr-paper', '{body.replace(':', chr(92) + ':')}')"
    )
    (ibkr,) = overview(environ, AT).brokers
    assert ibkr.circuit is None
    assert ibkr.health is not None


def test_documents_that_are_none_leave_the_rest_of_the_page(environ: Environ) -> None:
    write(environ, count("connect", "", 1))
    break_it(environ, "insert into shared_states (name, body) values ('breaker\\:ibkr-paper', '{')")
    break_it(
        environ,
        "insert into broker_events (topic, time, body) values ('t.capabilities.u', '2026-11-20 10\\:00\\:00.000000', '{')",
    )
    found = overview(environ, AT)
    assert [broker.source for broker in found.brokers] == ["ibkr-paper"]
    assert [fault.split(" cannot be read")[0] for fault in found.faults] == [
        "What is kept of the breakers",
        "The changes of capabilities",
    ]


def test_openings_and_closings_are_told_newest_first(environ: Environ) -> None:
    with open_database(environ.database_url) as database:
        breaker = Breaker(DatabaseSharedState(database), "ibkr-paper", events=BrokerEvents(database), clock=AT.timestamp)
        for _ in range(5):
            breaker.failed("connect", BrokerUnavailable("refused"))
        breaker.answered()
    found = overview(environ, AT)
    assert [event.topic for event in found.breakers] == ["ibkr.breaker.closed", "ibkr.breaker.opened"]
    assert (found.changes, found.faults) == ((), ())
