from datetime import UTC, datetime, timedelta, timezone

from include.domain.event import Event
from include.storage.broker_events import BrokerEvents
from include.storage.capability_log import CapabilityLog
from include.storage.database import Database

NOW = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
OPENED = Event(topic="ibkr.breaker.opened", time=NOW, body={"source": "ibkr-paper", "failures": 5})
CLOSED = Event(topic="ibkr.breaker.closed", time=NOW + timedelta(minutes=2), body={"source": "ibkr-paper", "failures": 6})


def test_events_are_told_by_domain_oldest_first(database: Database) -> None:
    events, log = BrokerEvents(database), CapabilityLog(database)
    assert events.of("breaker") == []
    events.add(OPENED)
    log.look({"ibkr": {"brackets": False}}, NOW)
    (changed,) = log.look({"ibkr": {"brackets": True}}, NOW)
    events.add(CLOSED)
    assert events.of("breaker") == [OPENED, CLOSED]
    assert events.of("capabilities") == log.events() == [changed]
    assert events.of("%") == []


def test_the_time_comes_back_in_utc(database: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    BrokerEvents(database).add(OPENED.model_copy(update={"time": NOW.astimezone(tokyo)}))
    (found,) = BrokerEvents(database).of("breaker")
    assert (found.time, found.time.tzinfo) == (NOW, UTC)
