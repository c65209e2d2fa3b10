"""What happened at brokers, with its time: `{broker}.breaker.opened`, `.closed`; changes of capabilities stand there as well."""

from sqlalchemy import select

from include.domain.event import Event
from include.storage.database import Database
from include.storage.tables import broker_events


class BrokerEvents:
    """The events in the database; never changed, never removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, event: Event) -> None:
        """Keep one. Raises `Transient` where the database does not answer."""
        with self._database.write() as connection:
            connection.execute(broker_events.insert(), [event.model_dump()])

    def of(self, domain: str) -> list[Event]:
        """Those of a domain (`breaker`, `capabilities`), oldest first."""
        columns = [broker_events.c[name] for name in Event.model_fields]
        query = select(*columns).where(broker_events.c.topic.contains(f".{domain}.", autoescape=True))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(broker_events.c.id))
            return [Event.model_validate(dict(row._mapping)) for row in rows]
