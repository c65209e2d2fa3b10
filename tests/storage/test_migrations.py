"""Steps between versions of the schema that change what is kept already, there and back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect, text

from include.storage.database import MIGRATIONS

COUNT = (
    "insert into call_counts (source, hour, method, code, broker, calls, seconds, slowest_seconds{more}) "
    "values ('ibkr-paper', '2026-01-06 15:00:00', 'quotes', '{code}', 'ibkr', {calls}, {seconds}, {slowest}{value})"
)


class Schema:
    """A database at any version."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.config = Config()
        self.config.set_main_option("script_location", str(MIGRATIONS))
        self.config.set_main_option("path_separator", "os")
        self.config.attributes["connection"] = connection

    def at(self, revision: str, how: Callable[[Config, str], Any] = command.upgrade) -> None:
        how(self.config, revision)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.connection.execute(text(statement))]

    def do(self, statement: str) -> None:
        self.connection.execute(text(statement))


@pytest.fixture
def schema(url: str) -> Iterator[Schema]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield Schema(connection)
    engine.dispose()


def test_counts_and_events_are_kept_on_the_way_to_0006(schema: Schema) -> None:
    schema.at("0005")
    schema.do(COUNT.format(more="", value="", code="UNKNOWN", calls=3, seconds=1.5, slowest=1.0))
    schema.do(
        "insert into capability_events (topic, time, body) values ('ibkr.capabilities.changed', '2026-01-06 15:00:00', '{}')"
    )
    schema.at("0006")
    assert schema.rows("select code, broker_code, calls, seconds, slowest_seconds from call_counts") == [
        ("UNKNOWN", "", 3, 1.5, 1.0)
    ]
    assert schema.rows("select id, topic, body from broker_events") == [(1, "ibkr.capabilities.changed", "{}")]
    schema.do("insert into broker_events (topic, time, body) values ('ibkr.breaker.opened', '2026-01-06 16:00:00', '{}')")
    assert schema.rows("select max(id) from broker_events") == [(2,)]
    key = inspect(schema.connection).get_pk_constraint("call_counts")["constrained_columns"]
    assert key == ["source", "hour", "method", "code", "broker_code"]


def test_the_way_back_adds_up_what_the_old_key_cannot_tell_apart(schema: Schema) -> None:
    schema.at("0006")
    for own, calls, seconds, slowest in (("201", 3, 1.5, 1.0), ("9999", 2, 4.0, 3.0)):
        value = f", '{own}'"
        schema.do(COUNT.format(more=", broker_code", value=value, code="UNKNOWN", calls=calls, seconds=seconds, slowest=slowest))
    schema.do(COUNT.format(more="", value="", code="", calls=7, seconds=0.5, slowest=0.25))
    schema.do("insert into broker_events (topic, time, body) values ('ibkr.breaker.opened', '2026-01-06 16:00:00', '{}')")
    schema.at("0005", command.downgrade)
    found = schema.rows("select code, broker, calls, seconds, slowest_seconds from call_counts order by code")
    assert found == [("", "ibkr", 7, 0.5, 0.25), ("UNKNOWN", "ibkr", 5, 5.5, 3.0)]
    inspector = inspect(schema.connection)
    assert inspector.get_pk_constraint("call_counts")["constrained_columns"] == ["source", "hour", "method", "code"]
    assert "broker_code" not in {column["name"] for column in inspector.get_columns("call_counts")}
    assert not {"broker_events", "call_counts_merged"} & set(inspector.get_table_names())
    assert schema.rows("select topic from capability_events") == [("ibkr.breaker.opened",)]
    schema.at("0006")  # and forth again
    assert schema.rows("select count(*) from call_counts") == [(2,)]
