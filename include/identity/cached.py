"""A cache in front of a source: a second run asks nothing that the first was answered, and a source that is down still counts."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from include.identity.source import Answers, Identity, IdentitySource, Query

KEEP = timedelta(days=30)
KEEP_NOT_FOUND = timedelta(days=7)


class Cache(Protocol):
    """Where answers are kept (`include/storage/lookups.py`)."""

    def get(self, broker: str, keys: Sequence[str], now: datetime) -> dict[str, list[dict[str, Any]]]:
        """Unexpired answers by key; [] is a known "not found"."""

    def last(self, broker: str, keys: Sequence[str], now: datetime) -> dict[str, list[dict[str, Any]]]:
        """What was answered last, by key, expired or not."""

    def put(self, broker: str, answers: Mapping[str, list[dict[str, Any]]], fetched_at: datetime, expires_at: datetime) -> None:
        """Store answers as plain JSON types."""


class CachedSource:
    """Asks the source only for what the cache does not know.

    Args:
        source: The source; its name is the cache's.
        cache: Where answers are kept.
        now: Time of the run, by which answers expire.
    """

    def __init__(self, source: IdentitySource, cache: Cache, now: datetime) -> None:
        self._source, self._cache, self._now = source, cache, now
        self.name = source.name

    def find(self, queries: Sequence[Query]) -> Answers:
        """As the source. What it does not answer now of an ISIN holds as answered last, however old, and that is a trouble.

        Of a symbol it does not: that may be another company's by now.
        """
        found = _read(queries, self._cache.get(self.name, _cache_keys(queries), self._now))
        asked = [query for query in queries if query.key not in found]
        if not asked:
            return Answers(found)
        answers = self._source.find(asked)
        answered = [query for query in asked if query.key in answers.found]
        told = {_cache_key(one): [said.model_dump(mode="json") for said in answers.found[one.key]] for one in answered}
        for is_found, keep in ((True, KEEP), (False, KEEP_NOT_FOUND)):
            part = {key: said for key, said in told.items() if bool(said) is is_found}
            self._cache.put(self.name, part, self._now, self._now + keep)
        silent = [query for query in asked if query.isin and query.key not in answers.found]
        old = _read(silent, self._cache.last(self.name, _cache_keys(silent), self._now)) if silent else {}
        troubles = list(answers.troubles)
        if old:
            troubles.append(f"{self.name}: {len(old)} of its answers have expired, and hold until it answers again")
        return Answers({**found, **answers.found, **old}, troubles)


def _read(queries: Sequence[Query], known: Mapping[str, list[dict[str, Any]]]) -> dict[str, tuple[Identity, ...]]:
    """Query key to what is kept of it; absent where nothing is, or another version's words."""
    found = {}
    for query in queries:
        if (rows := known.get(_cache_key(query))) is not None:
            with suppress(ValidationError):
                found[query.key] = tuple(Identity.model_validate(row) for row in rows)
    return found


def _cache_keys(queries: Sequence[Query]) -> list[str]:
    return sorted({_cache_key(query) for query in queries})


def _cache_key(query: Query) -> str:
    asked = f"isin={query.isin}" if query.isin else f"symbol={query.symbol}"
    return f"{asked};market={query.market};currency={query.currency}"
