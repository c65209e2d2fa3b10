from datetime import UTC, datetime, timedelta

from include.domain.event import Event
from include.storage.capability_log import CapabilityLog, Discovery
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


def test_what_an_account_can_do_is_kept_beside_what_is_declared(database: Database) -> None:
    log = CapabilityLog(database)
    log.look({"toy": TOY}, NOW)
    assert log.discoveries() == {}
    assert log.discovered("toy-main", "toy", TOY, TOY, NOW) is None
    assert log.discovered("toy-main", "toy", dict(reversed(TOY.items())), {}, LATER) is None  # later looks compare with the last
    assert log.discoveries() == {"toy-main": Discovery(broker="toy", seen_at=LATER, declared={}, capabilities=TOY)}
    assert log.events() == []
    assert log.look({"toy": TOY}, LATER) == []


def test_a_first_look_that_finds_less_is_an_event_and_so_is_its_end(database: Database) -> None:
    log = CapabilityLog(database)
    less = {**TOY, "order_types": [], "why_not": {"stock": "blocked"}}
    first = log.discovered("toy-main", "toy", less, TOY, NOW)
    changes = {"order_types": [["limit"], []], "why_not": [None, {"stock": "blocked"}]}
    body = {"broker": "toy", "account": "toy-main", "changes": changes}
    assert first == Event(topic="toy.capabilities.discovered", time=NOW, body=body)
    assert log.discoveries()["toy-main"].why_not == {"stock": "blocked"}
    assert log.discovered("other", "toy", TOY, TOY, NOW) is None
    assert log.discovered("toy-main", "toy", less, TOY, LATER) is None
    back = log.discovered("toy-main", "toy", TOY, TOY, LATER)
    assert back is not None
    assert back.body["changes"]["why_not"] == [{"stock": "blocked"}, None]
    assert log.events() == [first, back]
    assert list(log.discoveries()) == ["other", "toy-main"]


def test_an_account_that_moved_is_told_as_its_newest_broker_told_it(database: Database) -> None:
    log = CapabilityLog(database)
    log.discovered("main", "aaa", TOY, TOY, LATER)
    log.discovered("main", "zzz", {**TOY, "why_not": {"stock": "blocked"}}, TOY, NOW)
    assert log.discoveries() == {"main": Discovery(broker="aaa", seen_at=LATER, declared=TOY, capabilities=TOY)}
