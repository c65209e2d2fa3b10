"""Leases: one holder at a time for a name (`orders:<account>`, `contracts:<broker>`, a client id), until it expires."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from include.errors import Transient
from include.storage.database import Database
from include.storage.tables import leases

POLL_SECONDS = 0.5


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Lease:
    """A lease that is held. `renew` it during long work; a holder that died is followed by the next once it expired."""

    def __init__(self, database: Database, name: str, token: str, ttl_seconds: float, now: Callable[[], datetime]) -> None:
        self.name = name
        self._database = database
        self._token = token
        self._ttl = timedelta(seconds=ttl_seconds)
        self._now = now

    def renew(self) -> None:
        """Hold it for another `ttl_seconds` from now.

        Raises:
            Transient: It expired and somebody else took it: stop the work that it protects.
        """
        mine = (leases.c.name == self.name) & (leases.c.token == self._token)
        with self._database.write() as connection:
            kept = connection.execute(update(leases).where(mine).values(expires_at=self._now() + self._ttl)).rowcount
        if kept != 1:
            raise Transient(f"lease {self.name!r} was lost to another process")


@contextmanager
def lease(
    database: Database,
    name: str,
    holder: str,
    ttl_seconds: float,
    wait_seconds: float = 0,
    *,
    now: Callable[[], datetime] = _utc_now,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Lease]:
    """Hold the lease `name` for the length of the block; given back at its end, also after an error.

    Args:
        database: Where leases are kept; all processes must share it.
        name: What is protected.
        holder: Who asks, for people (run id and task). The same holder twice is two: a second process has to wait as well.
        ttl_seconds: After this long without `renew` others may take it.
        wait_seconds: How long to wait for another holder; 0: not at all.
        now: Clock (aware UTC), shared by all who use the name.
        wait: Called between two tries with the seconds to wait.

    Raises:
        Transient: Another holder has it, named in the message.
    """
    token = uuid.uuid4().hex
    waited = 0.0
    while True:
        other = _take(database, name, holder, token, now(), timedelta(seconds=ttl_seconds))
        if other is None:
            break
        if waited >= wait_seconds:
            raise Transient(f"{name!r} is held by {other[0]} until {other[1].isoformat()}")
        pause = min(POLL_SECONDS, wait_seconds - waited)
        wait(pause)
        waited += pause
    try:
        yield Lease(database, name, token, ttl_seconds, now)
    finally:
        with database.write() as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.token == token))


def _take(
    database: Database, name: str, holder: str, token: str, moment: datetime, ttl: timedelta
) -> tuple[str, datetime] | None:
    """Try once; gives None when taken, else (holder, expiry) of the other."""
    values = {"holder": holder, "token": token, "expires_at": moment + ttl}
    with database.write() as connection:
        if database.insert_new(connection, leases, {"name": name, **values}):
            return None
        expired = (leases.c.name == name) & (leases.c.expires_at <= moment)
        if connection.execute(update(leases).where(expired).values(**values)).rowcount == 1:
            return None
        row = connection.execute(select(leases.c.holder, leases.c.expires_at).where(leases.c.name == name)).one_or_none()
    return ("another process", moment) if row is None else (row.holder, row.expires_at)
