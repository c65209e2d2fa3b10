"""Account snapshots by session: what a frozen account counts with, and what a backfill knew then."""

from sqlalchemy import select

from include.domain.account import AccountSnapshot
from include.storage.database import Database
from include.storage.tables import snapshots


class SnapshotStore:
    """Snapshots in the database, one per (account, session, run)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, snapshot: AccountSnapshot, run_id: str) -> AccountSnapshot:
        """Keep a snapshot; the first of a run for its session stays, so that a cleared task plans on what it planned on.

        Returns:
            The kept one (`snapshot` itself the first time). A frozen snapshot is a stand-in, not news: it is returned unkept.
        """
        if snapshot.frozen:
            return snapshot
        row = {
            "account_id": snapshot.account_id,
            "session": snapshot.session,
            "run_id": run_id,
            "taken_at": snapshot.taken_at,
            "body": snapshot.model_dump(mode="json"),
        }
        with self._database.write() as connection:
            self._database.insert_new(connection, snapshots, row)
            kept = connection.execute(
                select(snapshots.c.body).where(
                    snapshots.c.account_id == snapshot.account_id,
                    snapshots.c.session == snapshot.session,
                    snapshots.c.run_id == run_id,
                )
            ).scalar_one()
        return AccountSnapshot.model_validate(kept)

    def of_run(self, account_id: str, session: str, run_id: str) -> AccountSnapshot | None:
        """The snapshot a run has kept for a session, or None."""
        query = select(snapshots.c.body).where(
            snapshots.c.account_id == account_id, snapshots.c.session == session, snapshots.c.run_id == run_id
        )
        with self._database.read() as connection:
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else AccountSnapshot.model_validate(body)

    def latest(self, account_id: str, not_before: str, not_after: str) -> AccountSnapshot | None:
        """The newest snapshot whose session (ISO date) lies in [`not_before`, `not_after`], or None.

        Newest by session, then by the time it was taken.
        """
        query = (
            select(snapshots.c.body)
            .where(snapshots.c.account_id == account_id, snapshots.c.session.between(not_before, not_after))
            .order_by(snapshots.c.session.desc(), snapshots.c.taken_at.desc(), snapshots.c.run_id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else AccountSnapshot.model_validate(body)
