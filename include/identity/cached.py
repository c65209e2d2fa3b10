"""A cache in front of a source, so that a second run asks nothing that the first was answered."""

from collections.abc import Mapping, Sequence
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
        """As the source; what it could not answer now is not kept."""
        keys = {query.key: _cache_key(query) for query in queries}
        found: dict[str, tuple[Identity, ...]] = {}
        known = self._cache.get(self.name, sorted(set(keys.values())), self._now)
        for query in queries:
            if (rows := known.get(keys[query.key])) is not None:
                try:
                    found[query.key] = tuple(Identity.model_validate(row) for row in rows)
                except ValidationError:  # kept by another version: asked again
                    continue
        asked = [query for query in queries if query.key not in found]
        if not asked:
            return Answers(found)
        answers = self._source.find(asked)
        told = {keys[key]: [one.model_dump(mode="json") for one in said] for key, said in answers.found.items()}
        for is_found, keep in ((True, KEEP), (False, KEEP_NOT_FOUND)):
            part = {key: said for key, said in told.items() if bool(said) is is_found}
            self._cache.put(self.name, part, self._now, self._now + keep)
        return Answers({**found, **answers.found}, answers.troubles)


def _cache_key(query: Query) -> str:
    asked = f"isin={query.isin}" if query.isin else f"symbol={query.symbol}"
    return f"{asked};market={query.market};currency={query.currency}"
