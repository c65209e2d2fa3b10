"""State of in-process paper accounts (`AccountStore`), versioned so that two processes cannot overwrite each other.

An account is a head, written once, and rows, each of which is written when it changes: an order costs what it changes, however
many came before it. A write does not wait for the disk: after a power cut an account may stand some orders earlier, and the order
journal, which is in the same database and waits, then never is ahead of it: what it has as `sending` is looked up and sent again.
"""

from typing import Any

from sqlalchemy import bindparam, select, update

from include.storage.database import Database
from include.storage.tables import paper_accounts, paper_rows

Rows = dict[tuple[str, str], Any]  # (kind, key) -> JSON body, None for what is there no more

# Built once: making a statement anew costs more than running it.
_MATCHES = (paper_accounts.c.account_id == bindparam("key")) & (paper_accounts.c.version == bindparam("expected"))
_NEXT_VERSION = update(paper_accounts).where(_MATCHES).values(version=bindparam("next_version"))
_NEXT_HEAD = _NEXT_VERSION.values(state=bindparam("head"))
_VERSION = select(paper_accounts.c.version).where(paper_accounts.c.account_id == bindparam("key"))


class DatabaseAccountStore:
    """Paper accounts in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = database.insert(paper_rows)
        new = {name: insert.excluded[name] for name in ("version", "body")}
        self._put_row = insert.on_conflict_do_update(index_elements=["account_id", "kind", "key"], set_=new)

    def version(self, account_id: str) -> int:
        """The account's newest version; 0 where there is none yet."""
        with self._database.read() as connection:
            return connection.execute(_VERSION, {"key": account_id}).scalar_one_or_none() or 0

    def load(self, account_id: str, after: int = 0) -> tuple[int, dict[str, Any], Rows] | None:
        """(version, head, rows written after a version) of an account; None where there is none yet."""
        head = select(paper_accounts.c.version, paper_accounts.c.state).where(paper_accounts.c.account_id == account_id)
        columns = (paper_rows.c.kind, paper_rows.c.key, paper_rows.c.body)
        changed = select(*columns).where(paper_rows.c.account_id == account_id, paper_rows.c.version > after)
        with self._database.read() as connection:
            found = connection.execute(head).one_or_none()
            if found is None:
                return None
            rows = connection.execute(changed).all()
        return found.version, found.state, {(row.kind, row.key): row.body for row in rows}

    def save(self, account_id: str, changed: Rows, expected_version: int, head: dict[str, Any] | None = None) -> bool:
        """Write the next version; False: somebody else wrote meanwhile, and nothing was written."""
        version = expected_version + 1
        with self._database.write(flush=False) as connection:
            if expected_version == 0:
                row = {"account_id": account_id, "version": version, "state": head or {}}
                written = self._database.insert_new(connection, paper_accounts, row)
            else:
                told = {"key": account_id, "expected": expected_version, "next_version": version}
                statement = _NEXT_VERSION if head is None else _NEXT_HEAD
                written = connection.execute(statement, told if head is None else told | {"head": head}).rowcount == 1
            if written and changed:
                rows = [
                    {"account_id": account_id, "kind": kind, "key": key, "version": version, "body": body}
                    for (kind, key), body in changed.items()
                ]
                connection.execute(self._put_row, rows)
        return written
