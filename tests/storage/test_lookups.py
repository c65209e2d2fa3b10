from datetime import UTC, datetime, timedelta

from include.storage.database import Database
from include.storage.lookups import DatabaseLookupCache

NOW = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def test_known_not_found_and_never_asked(database: Database) -> None:
    cache = DatabaseLookupCache(database)
    cache.put("ibkr", {"isin=A": [{"native_id": "1", "tradable": True}], "isin=B": []}, NOW, LATER)
    assert cache.get("ibkr", ["isin=B", "isin=A", "isin=C"], NOW) == {
        "isin=B": [],
        "isin=A": [{"native_id": "1", "tradable": True}],
    }
    assert cache.get("other", ["isin=A"], NOW) == {}
    assert cache.get("ibkr", [], NOW) == {}


def test_answers_expire(database: Database) -> None:
    cache = DatabaseLookupCache(database)
    cache.put("ibkr", {"a": []}, NOW, LATER)
    assert cache.get("ibkr", ["a"], LATER - timedelta(seconds=1)) == {"a": []}
    assert cache.get("ibkr", ["a"], LATER) == {}


def test_a_newer_answer_replaces_the_old(database: Database) -> None:
    cache = DatabaseLookupCache(database)
    cache.put("ibkr", {"a": []}, NOW, LATER)
    cache.put("ibkr", {"a": [{"native_id": "2"}]}, LATER, LATER + timedelta(hours=1))
    cache.put("ibkr", {}, NOW, LATER)
    assert cache.get("ibkr", ["a", "a"], LATER) == {"a": [{"native_id": "2"}]}


def test_what_was_answered_last_is_told_however_old_but_not_before_it_was_said(database: Database) -> None:
    cache = DatabaseLookupCache(database)
    cache.put("ibkr", {"a": [], "b": [{"native_id": "2"}]}, NOW, LATER)
    long_after = NOW + timedelta(days=900)
    assert cache.last("ibkr", ["b", "a", "c"], long_after) == {"b": [{"native_id": "2"}], "a": []}
    assert cache.last("ibkr", ["a"], NOW - timedelta(seconds=1)) == {}
    assert cache.last("other", ["a"], long_after) == {}


def test_thousands_of_keys_at_once(database: Database) -> None:
    cache = DatabaseLookupCache(database)
    answers = {f"isin={n}": [{"native_id": str(n)}] for n in range(2300)}
    cache.put("ibkr", answers, NOW, LATER)
    assert cache.get("ibkr", list(answers), NOW) == answers
