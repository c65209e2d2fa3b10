"""The project's own database: opened with its schema version checked, upgraded with Alembic.

SQLite by default, PostgreSQL in production. SQLite runs in WAL mode; writers take the lock at once (`BEGIN IMMEDIATE`), so
that two of them wait for each other instead of failing half-way. No transaction is held across a network call.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from sqlalchemy import Connection, Engine, Executable, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DatabaseError, DisconnectionError, NoSuchModuleError, OperationalError

from include.errors import InputError, Transient

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
UPGRADE = "run `polybroker db upgrade`"
_ADVISORY_LOCK = 7_265_501  # PostgreSQL: one upgrade at a time


class Database:
    """An open database. Cheap to hold; connections are taken per transaction and returned.

    Use `open_database`, which also checks the schema.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name  # without password
        self._insert_new: dict[str, Executable] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back; safe to call twice."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that changes nothing (it is rolled back at the end).

        Raises:
            Transient: Locked, or not reachable.
        """
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, flush: bool = True) -> Iterator[Connection]:
        """A transaction, committed when the block ends without an error. SQLite: the write lock is held from the start.

        Args:
            flush: Wait until the disk has it. False: every process sees it at once, and it survives the end of this one, but a
                power cut may undo it, together with all that was written after it, never without that.

        Raises:
            Transient: Locked, or not reachable; nothing was written.
        """
        with self._translated(), self._engine.connect() as connection:
            connection.execution_options(polybroker_write=True, polybroker_flush=flush)
            with connection.begin():
                if not flush and self._engine.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
                yield connection

    def insert(self, table: Table) -> sqlite.Insert:
        """An INSERT that understands `on_conflict_do_nothing` and `on_conflict_do_update` in this database."""
        if self._engine.dialect.name == "postgresql":
            return cast(sqlite.Insert, postgresql.insert(table))
        return sqlite.insert(table)

    def insert_new(self, connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless its key is taken; True when it was inserted. (Drivers disagree on an INSERT's row count.)"""
        if table.name not in self._insert_new:  # made once: making a statement costs more than running it
            self._insert_new[table.name] = self.insert(table).on_conflict_do_nothing().returning(*table.primary_key.columns)
        return connection.execute(self._insert_new[table.name], row).first() is not None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseError, sqlite3.DatabaseError) as error:
            meant = _meaning(
                getattr(error, "orig", error), self.name, isinstance(error, (OperationalError, sqlite3.OperationalError))
            )
            if meant is None:
                raise
            raise meant from error


def _meaning(original: object, name: str, operational: bool) -> InputError | Transient | None:
    """What a driver's error tells the user; None: it is a fault of this project and stays as it is."""
    words = " ".join(str(original).split())
    if "not a database" in words or "malformed" in words:
        return InputError(f"expected a SQLite database: {words}", source=name)
    if "already exists" in words:
        return InputError(f"expected an empty database, or one of this project: {words.split(' [')[0]}", source=name)
    if not operational or "no such" in words or "syntax error" in words:
        return None
    if "locked" in words or "busy" in words:
        return Transient(f"database {name} is locked by another process: {words}")
    if "unable to open" in words or "readonly" in words:
        return InputError(f"expected a readable and writable database file: {words}", source=name)
    return Transient(f"database {name} did not answer: {words}")


def open_database(url: str, *, busy_timeout_seconds: float = 30.0) -> Database:
    """The database at a SQLAlchemy URL, its schema version checked.

    Args:
        url: `sqlite:////absolute/path.db` or `postgresql://...`.
        busy_timeout_seconds: How long a SQLite writer waits for another one.

    Raises:
        InputError: No such database, a schema that is missing or older (`polybroker db upgrade` makes it), or newer.
        Transient: Locked or not reachable.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        raise InputError(f"expected the database to exist; {UPGRADE}", source=_name(parsed))
    database = Database(_engine(parsed, busy_timeout_seconds), _name(parsed))
    try:
        _check_version(database)
    except BaseException:
        database.close()
        raise
    return database


def upgrade(url: str, *, busy_timeout_seconds: float = 30.0) -> str:
    """Bring the schema of a database to this version (made where there is none). Returns the version.

    The folder of a SQLite file is made. Running it again changes nothing.

    Raises:
        InputError: A URL nobody understands, or a database from a newer version of the project.
        Transient: Locked or not reachable.
    """
    from alembic import command

    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        try:
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"expected a folder that can be made: {error.strerror}", source=_name(parsed)) from error
    with Database(_engine(parsed, busy_timeout_seconds), _name(parsed)) as database:
        if parsed.get_backend_name() == "sqlite":
            _set_wal(database)
        with database.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            found = _version(connection)
            known = revisions()
            if found is not None and found not in known:
                raise _newer(database, found, known[-1])
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return known[-1]


def is_new_file(url: str) -> bool:
    """Whether a URL names a SQLite file that does not exist yet.

    Raises:
        InputError: A URL nobody understands.
    """
    parsed = _parse(url)
    return parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists()


def revisions() -> list[str]:
    """Schema versions this project knows, oldest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def _check_version(database: Database) -> None:
    with database.read() as connection:
        found = _version(connection)
    known = revisions()
    if found is None:
        raise InputError(f"expected a database with this project's tables; {UPGRADE}", source=database.name)
    if found not in known:
        raise _newer(database, found, known[-1])
    if found != known[-1]:
        raise InputError(f"expected schema version {known[-1]}; {UPGRADE}", source=database.name, value=found)


def _newer(database: Database, found: str, newest: str) -> InputError:
    words = f"expected schema version {newest}; a newer version of the project made this database: update the project"
    return InputError(words, source=database.name, value=found)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return cast(str | None, connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise InputError("expected a database URL like sqlite:////folder/file.db", source="POLYBROKER_DATABASE_URL") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError("expected sqlite or postgresql", source="POLYBROKER_DATABASE_URL", value=parsed.get_backend_name())
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise InputError(
            "expected a file: tasks are processes and share the database", source="POLYBROKER_DATABASE_URL", value=url
        )
    return parsed


def _name(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _engine(url: URL, busy_timeout_seconds: float) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    arguments: dict[str, Any] = {"connect_args": {"timeout": busy_timeout_seconds}} if is_sqlite else {"pool_pre_ping": True}
    engine = create_engine(url, **arguments)
    if is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "connect", _remember_process)
    event.listen(engine, "checkout", _same_process)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves, see _begin_sqlite
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")  # a committed `sending` survives a power cut


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    write = options.get("polybroker_write")
    if write:  # in WAL mode NORMAL appends in order and leaves it to the next FULL commit to flush both
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options['polybroker_flush'] else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _set_wal(database: Database) -> None:
    with database._translated():
        raw = database._engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            raw.close()


def _remember_process(connection: Any, record: Any) -> None:
    record.info["pid"] = os.getpid()


def _same_process(connection: Any, record: Any, proxy: Any) -> None:
    """A forked process must not talk on its parent's connection: the pool opens a new one instead."""
    if record.info["pid"] != os.getpid():
        record.dbapi_connection = proxy.dbapi_connection = None
        raise DisconnectionError("connection belongs to another process")
