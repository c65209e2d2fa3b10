"""State of in-process paper accounts, versioned so that two processes cannot overwrite each other (`AccountStore`)."""

from typing import Any

from sqlalchemy import select, update

from include.errors import Transient
from include.storage.database import Database
from include.storage.tables import paper_accounts


class DatabaseAccountStore:
    """Paper accounts in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, account_id: str) -> tuple[int, dict[str, Any]] | None:
        """(version, state) of an account, or None where there is none yet."""
        query = select(paper_accounts.c.version, paper_accounts.c.state).where(paper_accounts.c.account_id == account_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.version, row.state)

    def save(self, account_id: str, state: dict[str, Any], expected_version: int) -> int:
        """Write the next version and return it; `expected_version` 0 expects no account yet.

        Raises:
            Transient: Somebody else wrote meanwhile: load again, apply again.
        """
        with self._database.write() as connection:
            if expected_version == 0:
                row = {"account_id": account_id, "version": 1, "state": state}
                written = self._database.insert_new(connection, paper_accounts, row)
            else:
                answer = connection.execute(
                    update(paper_accounts)
                    .where(paper_accounts.c.account_id == account_id, paper_accounts.c.version == expected_version)
                    .values(version=expected_version + 1, state=state)
                )
                written = answer.rowcount == 1
        if not written:
            raise Transient(f"paper account {account_id}: version {expected_version} was overtaken by another process")
        return expected_version + 1
