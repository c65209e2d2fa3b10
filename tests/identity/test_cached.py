from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from include.identity.cached import CachedSource
from include.identity.source import Answers, Query
from include.storage.database import Database
from include.storage.lookups import DatabaseLookupCache
from tests.identity.build import identity, query

NOW = datetime(2026, 3, 5, 21, 0, tzinfo=UTC)


class Listed:
    """A source that knows AAPL, does not know NONE, and cannot answer DOWN; remembers whom it was asked for."""

    name = "openfigi"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, queries: Sequence[Query]) -> Answers:
        self.asked += [one.key for one in queries]
        known = {"AAPL": (identity(),), "NONE": ()}
        found = {one.key: known[one.symbol] for one in queries if one.symbol in known}
        return Answers(found, ["down"] if len(found) < len(queries) else [])


def test_what_was_answered_is_not_asked_again_until_it_expires(database: Database) -> None:
    source, cache = Listed(), DatabaseLookupCache(database)
    queries = [query("AAPL"), query("NONE"), query("DOWN")]
    expected = {"AAPL": (identity(),), "NONE": ()}
    for days, asked in ((0, ["AAPL", "NONE", "DOWN"]), (6, ["DOWN"]), (8, ["NONE", "DOWN"]), (31, ["AAPL", "NONE", "DOWN"])):
        source.asked = []
        answers = CachedSource(source, cache, NOW + timedelta(days=days)).find(queries)
        assert (answers.found, list(answers.troubles), source.asked) == (expected, ["down"], asked)


def test_a_warm_cache_asks_nothing_and_has_no_troubles(database: Database) -> None:
    source, cache = Listed(), DatabaseLookupCache(database)
    CachedSource(source, cache, NOW).find([query("AAPL")])
    again = CachedSource(source, cache, NOW).find([query("AAPL", key="another name for it")])
    assert (again.found, again.troubles) == ({"another name for it": (identity(),)}, ())
    assert source.asked == ["AAPL"]


def test_market_currency_and_isin_are_part_of_the_question(database: Database) -> None:
    source, cache = Listed(), DatabaseLookupCache(database)
    for other in ({}, {"market": "XLON"}, {"currency": "EUR"}, {"isin": "US0378331005"}):
        CachedSource(source, cache, NOW).find([query("AAPL", **other)])
    assert source.asked == ["AAPL"] * 4


def test_what_another_version_kept_is_asked_again(database: Database) -> None:
    source, cache = Listed(), DatabaseLookupCache(database)
    key = "symbol=AAPL;market=US;currency=USD"
    cache.put("openfigi", {key: [{"figi": "BBG000B9XRY4", "odd": 1}]}, NOW, NOW + timedelta(days=1))
    assert CachedSource(source, cache, NOW).find([query("AAPL")]).found == {"AAPL": (identity(),)}
    assert source.asked == ["AAPL"]


class Down(Listed):
    """The same while it is down."""

    def find(self, queries: Sequence[Query]) -> Answers:
        self.asked += [one.key for one in queries]
        return Answers({}, ["down"])


def test_what_a_source_said_last_of_an_isin_holds_while_it_is_down(database: Database) -> None:
    cache, later = DatabaseLookupCache(database), NOW + timedelta(days=400)
    queries = [query("AAPL", isin="US0378331005"), query("NONE", isin="US0000000002")]
    CachedSource(Listed(), cache, NOW).find(queries)
    down = Down()
    answers = CachedSource(down, cache, later).find([*queries, query("NEVER", isin="US0000000010")])
    assert answers.found == {"AAPL": (identity(),), "NONE": ()}
    assert answers.troubles == ["down", "openfigi: 2 of its answers have expired, and hold until it answers again"]
    assert down.asked == ["AAPL", "NONE", "NEVER"]
    again = Listed()
    assert CachedSource(again, cache, later).find(queries[:1]).troubles == []
    assert again.asked == ["AAPL"]  # asked as soon as it answers


def test_what_a_source_said_last_of_a_symbol_may_be_of_another_company_now(database: Database) -> None:
    cache = DatabaseLookupCache(database)
    CachedSource(Listed(), cache, NOW).find([query("AAPL")])
    answers = CachedSource(Down(), cache, NOW + timedelta(days=31)).find([query("AAPL")])
    assert (answers.found, answers.troubles) == ({}, ["down"])
