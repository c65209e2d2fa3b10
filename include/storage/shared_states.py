"""Small documents that several processes change, one after the other (`include.brokers.shared_state.SharedState`)."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import select, update

from include.storage.database import Database
from include.storage.tables import shared_states

T = TypeVar("T")


class DatabaseSharedState:
    """The documents in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, name: str) -> Any:
        """The document; None where there is none. Raises `Transient` where the database does not answer."""
        with self._database.read() as connection:
            return connection.execute(select(shared_states.c.body).where(shared_states.c.name == name)).scalar()

    def change(self, name: str, work: Callable[[Any], tuple[Any, T]]) -> T:
        """Replace a document by what `work` makes of it; nobody else changes it meanwhile.

        Args:
            name: Of the document.
            work: Given the document, or None; gives the new one, and what is returned. It must be quick: it holds the lock.

        Raises:
            Transient: The database does not answer; nothing was changed.
        """
        mine = shared_states.c.name == name
        with self._database.write() as connection:
            # PostgreSQL has no lock on a row that does not exist: it is made first, and nobody sees it empty.
            self._database.insert_new(connection, shared_states, {"name": name, "body": None})
            body = connection.execute(select(shared_states.c.body).where(mine).with_for_update()).scalar_one()
            after, answer = work(body)
            connection.execute(update(shared_states).where(mine).values(body=after))
        return answer

    def all(self, prefix: str) -> dict[str, Any]:
        """Documents by name, of every name that begins so, in order of the names."""
        query = select(shared_states.c.name, shared_states.c.body).where(
            shared_states.c.name.startswith(prefix, autoescape=True), shared_states.c.body.is_not(None)
        )
        with self._database.read() as connection:
            return {row.name: row.body for row in connection.execute(query.order_by(shared_states.c.name))}
