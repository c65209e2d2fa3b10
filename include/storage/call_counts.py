"""Counts of calls at brokers, by the hour (`include.brokers.measures.CallStore`), and of orders that are over."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import case, delete, func, select

from include.domain.health import CallCount
from include.domain.order import OrderState
from include.storage.database import Database
from include.storage.tables import call_counts, orders

_KEY = ["source", "hour", "method", "code", "broker_code"]
_OVER = (OrderState.FILLED.value, OrderState.CANCELLED.value, OrderState.EXPIRED.value)


class CallCounts:
    """The counts in the database; several processes add to them at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, counts: Sequence[CallCount]) -> None:
        """Add to what is kept already of the same source, hour, method and codes; [] does nothing."""
        if not counts:
            return
        table, insert = call_counts.c, self._database.insert(call_counts)
        new = insert.excluded
        # SQLite's greatest is `max` and PostgreSQL's max is `greatest`: a case is both.
        slowest = case((new.slowest_seconds > table.slowest_seconds, new.slowest_seconds), else_=table.slowest_seconds)
        statement = insert.on_conflict_do_update(
            index_elements=_KEY,
            set_={"calls": table.calls + new.calls, "seconds": table.seconds + new.seconds, "slowest_seconds": slowest},
        )
        with self._database.write() as connection:
            connection.execute(statement, [asdict(count) for count in counts])

    def between(self, first: datetime, end: datetime) -> dict[str, list[CallCount]]:
        """Counts by source, of the hours that begin in [first, end); sources and hours in order."""
        inside = (call_counts.c.hour >= first) & (call_counts.c.hour < end)
        query = select(call_counts).where(inside).order_by(*(call_counts.c[name] for name in _KEY))
        found: dict[str, list[CallCount]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.source, []).append(CallCount(**row._mapping))
        return found

    def forget(self, before: datetime) -> int:
        """Remove hours that began before a moment; gives how many rows that were."""
        with self._database.write() as connection:
            return connection.execute(delete(call_counts).where(call_counts.c.hour < before)).rowcount

    def filled(self, accounts: Sequence[str], first: datetime, end: datetime) -> tuple[int, int]:
        """(orders of accounts that filled whole, orders that are over), last changed in [first, end); refused ones left out."""
        query = (
            select(orders.c.state, func.count())
            .where(orders.c.account.in_(accounts), orders.c.state.in_(_OVER))
            .where(orders.c.updated_at >= first, orders.c.updated_at < end)
            .group_by(orders.c.state)
        )
        with self._database.read() as connection:
            counts = {state: int(count) for state, count in connection.execute(query)}
        return counts.get(OrderState.FILLED.value, 0), sum(counts.values())
