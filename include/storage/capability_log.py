"""What brokers could do when they were looked at last, declared and discovered, and every change of it as an event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from include.domain.event import Event
from include.domain.model import Value
from include.storage.broker_events import BrokerEvents
from include.storage.database import Database
from include.storage.tables import broker_events, capabilities_seen

TOPIC = "{broker}.capabilities.changed"
DISCOVERED = "{broker}.capabilities.discovered"


class Discovery(Value):
    """What could be done with an account when its broker was asked last.

    Attributes:
        seen_at: Aware UTC.
        declared: What its adapter declared then of any account, plain JSON types (`include.brokers.capabilities.document`).
        capabilities: What is left of it in this account, likewise.
    """

    broker: str
    seen_at: datetime
    declared: dict[str, Any]
    capabilities: dict[str, Any]

    @property
    def why_not(self) -> dict[str, str]:
        """Kinds of contracts that the broker declares and this account cannot trade, and why."""
        return dict(self.capabilities.get("why_not", {}))


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
                self._keep(connection, broker, body)
                if broker in kept:
                    changes = _changes(kept[broker], body)
                    events.append(Event(topic=TOPIC.format(broker=broker), time=at, body={"broker": broker, "changes": changes}))
            if events:
                connection.execute(broker_events.insert(), [event.model_dump() for event in events])
        return events

    def discovered(
        self, account: str, broker: str, found: Mapping[str, Any], declared: Mapping[str, Any], at: datetime
    ) -> Event | None:
        """Keep what a broker told of an account, in the place of what it told before.

        Args:
            account: Its id.
            broker: Where it is.
            found: What can be done with it, plain JSON types.
            declared: What the adapter declares of any account: what a first look is compared with.
            at: Aware UTC.

        Returns:
            An event where it is something else than before, `{broker, account, changes: {name: [before, after]}}`; else None.
        """
        key = f"{broker}/{account}"  # no broker's name has a slash
        body = Discovery(broker=broker, seen_at=at, declared=dict(declared), capabilities=dict(found)).model_dump(mode="json")
        with self._database.write() as connection:
            last = connection.execute(select(capabilities_seen.c.body).where(capabilities_seen.c.broker == key)).scalar()
            self._keep(connection, key, body)
            changes = _changes(last["capabilities"] if last else declared, found)
            if not changes:
                return None
            told = {"broker": broker, "account": account, "changes": changes}
            event = Event(topic=DISCOVERED.format(broker=broker), time=at, body=told)
            connection.execute(broker_events.insert(), [event.model_dump()])
        return event

    def discoveries(self) -> dict[str, Discovery]:
        """Account id to what a broker told of it last, sorted; absent is one that was never asked.

        An account that was moved to another broker has what the newest one told: look at `Discovery.broker`.
        """
        query = select(capabilities_seen).where(capabilities_seen.c.broker.contains("/"))
        with self._database.read() as connection:
            rows = [(row.broker.partition("/")[2], Discovery.model_validate(row.body)) for row in connection.execute(query)]
        return dict(sorted(rows, key=lambda row: (row[0], row[1].seen_at)))

    def _keep(self, connection: Connection, key: str, body: Mapping[str, Any]) -> None:
        statement = self._database.insert(capabilities_seen)
        update = statement.on_conflict_do_update(index_elements=["broker"], set_={"body": statement.excluded.body})
        connection.execute(update, {"broker": key, "body": body})

    def events(self) -> list[Event]:
        """All changes, oldest first."""
        return BrokerEvents(self._database).of("capabilities")


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = sorted(before.keys() | after.keys())
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}
