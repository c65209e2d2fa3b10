"""What brokers could do when they were looked at last, and every change of it as an event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from include.domain.event import Event
from include.storage.database import Database
from include.storage.tables import capabilities_seen, capability_events

TOPIC = "{broker}.capabilities.changed"


class CapabilityLog:
    """Capabilities last seen, and the events that came of comparing with them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, declared: Mapping[str, dict[str, Any]], at: datetime) -> list[Event]:
        """Compare with the last look, and remember this one. The first look at a broker is no change.

        Args:
            declared: Broker to its capabilities, plain JSON types. A broker that is absent (its adapter cannot be imported) stays
                as it was.
            at: Aware UTC.

        Returns:
            An event for every broker with a change, `{broker, changes: {name: [before, after]}}`; null: the name is new or gone.
        """
        events = []
        with self._database.write() as connection:
            rows = connection.execute(select(capabilities_seen.c.broker, capabilities_seen.c.body))
            kept = {row.broker: row.body for row in rows}
            for broker, body in sorted(declared.items()):
                if kept.get(broker) == body:
                    continue
                statement = self._database.insert(capabilities_seen)
                update = statement.on_conflict_do_update(index_elements=["broker"], set_={"body": statement.excluded.body})
                connection.execute(update, {"broker": broker, "body": body})
                if broker in kept:
                    changes = _changes(kept[broker], body)
                    events.append(Event(topic=TOPIC.format(broker=broker), time=at, body={"broker": broker, "changes": changes}))
            if events:
                connection.execute(capability_events.insert(), [event.model_dump() for event in events])
        return events

    def events(self) -> list[Event]:
        """All changes, oldest first."""
        columns = [capability_events.c[name] for name in Event.model_fields]
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).order_by(capability_events.c.id))
            return [Event.model_validate(dict(row._mapping)) for row in rows]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = sorted(before.keys() | after.keys())
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}
