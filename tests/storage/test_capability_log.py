from datetime import UTC, datetime, timedelta

from include.domain.event import Event
from include.storage.capability_log import CapabilityLog
from include.storage.database import Database

NOW = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TOY = {"brackets": False, "order_types": ["limit"], "old": 1}


def test_the_first_look_is_no_change_and_neither_is_the_same_again(database: Database) -> None:
    log = CapabilityLog(database)
    assert log.look({"toy": TOY, "other": {}}, NOW) == []
    assert log.look({"toy": dict(reversed(TOY.items()))}, LATER) == []  # and `other` is not looked at
    assert log.look({"other": {}}, LATER) == []
    assert log.events() == []


def test_a_change_is_an_event_with_what_changed(database: Database) -> None:
    log = CapabilityLog(database)
    log.look({"toy": TOY, "other": {}}, NOW)
    changed = {"brackets": False, "order_types": ["limit", "market"], "new": True}
    changes = {"new": [None, True], "old": [1, None], "order_types": [["limit"], ["limit", "market"]]}
    event = Event(topic="toy.capabilities.changed", time=LATER, body={"broker": "toy", "changes": changes})
    assert log.look({"toy": changed, "other": {}}, LATER) == [event]
    assert log.look({"toy": changed}, LATER) == []
    assert log.events() == [event]
    back = log.look({"toy": TOY}, LATER + timedelta(days=1))
    assert log.events() == [event, *back]
