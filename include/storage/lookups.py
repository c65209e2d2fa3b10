"""Answers of per-instrument look-ups at brokers that cannot list, kept until they expire (`brokers.base.LookupCache`)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select

from include.storage.database import Database
from include.storage.tables import lookups

CHUNK = 500  # rows per statement: well under SQLite's limit of bound parameters


class DatabaseLookupCache:
    """The look-up cache in the database; safe for several tasks at once (the last writer of a key wins)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, broker: str, keys: Sequence[str], now: datetime) -> dict[str, list[dict[str, Any]]]:
        """Unexpired answers by key.

        A key that is absent was never asked or has expired at `now`; [] is a known "not found". No keys give {}.
        """
        return self._answers(broker, keys, lookups.c.expires_at > now)

    def last(self, broker: str, keys: Sequence[str], now: datetime) -> dict[str, list[dict[str, Any]]]:
        """What was answered last, by key, expired or not; a key that is absent was not asked before `now`. No keys give {}."""
        return self._answers(broker, keys, lookups.c.fetched_at <= now)

    def _answers(self, broker: str, keys: Sequence[str], condition: ColumnElement[bool]) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        with self._database.read() as connection:
            for chunk in _chunks(list(dict.fromkeys(keys))):
                query = select(lookups.c.key, lookups.c.answer).where(
                    lookups.c.broker == broker, lookups.c.key.in_(chunk), condition
                )
                found.update((row.key, row.answer) for row in connection.execute(query))
        return {key: found[key] for key in keys if key in found}

    def put(self, broker: str, answers: Mapping[str, list[dict[str, Any]]], fetched_at: datetime, expires_at: datetime) -> None:
        """Store answers (rows of `CONTRACT_SCHEMA` as plain JSON types), replacing what was known. {} does nothing."""
        if not answers:
            return
        rows = [
            {"broker": broker, "key": key, "answer": answer, "fetched_at": fetched_at, "expires_at": expires_at}
            for key, answer in answers.items()
        ]
        insert = self._database.insert(lookups)
        statement = insert.on_conflict_do_update(
            index_elements=["broker", "key"],
            set_={name: insert.excluded[name] for name in ("answer", "fetched_at", "expires_at")},
        )
        with self._database.write() as connection:
            connection.execute(statement, rows)

    def forget(self, broker: str) -> None:
        """Remove every answer filed under a broker; none is fine."""
        with self._database.write() as connection:
            connection.execute(delete(lookups).where(lookups.c.broker == broker))


def _chunks(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
