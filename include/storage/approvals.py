"""Who approved which orders: `submit_orders` trusts this record, never the colour of a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from include.errors import InputError
from include.storage.database import Database
from include.storage.tables import approvals

APPROVE = "approve"
REJECT = "reject"


@dataclass(frozen=True)
class Approval:
    """One answer: `decision` is `approve` or `reject`, for exactly the `orders.json` with this `sha256`."""

    run_id: str
    sha256: str
    decision: str
    responded_by: str
    responded_at: datetime
    reasons: tuple[str, ...]


class ApprovalStore:
    """Approvals in the database, one per (run, sha256 of `orders.json`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, run_id: str, sha256: str, decision: str, responded_by: str, responded_at: datetime, reasons: Sequence[str]
    ) -> None:
        """Keep an answer; a later answer to the same orders replaces an earlier one, an older one never does.

        Args:
            run_id: The run that asked.
            sha256: Hex digest of the bytes of `orders.json` that were shown.
            decision: `approve` or `reject`, in any case of letters.
            responded_by: Who answered; `timeout` where nobody did.
            responded_at: Aware UTC time of the answer.
            reasons: Why an approval was wanted.

        Raises:
            InputError: Another decision.
        """
        word = decision.lower()
        if word not in (APPROVE, REJECT):
            raise InputError("expected approve or reject", source=f"approval of run {run_id}", field="decision", value=decision)
        insert = self._database.insert(approvals)
        answer = ("decision", "responded_by", "responded_at", "reasons")
        statement = insert.on_conflict_do_update(
            index_elements=["run_id", "sha256"],
            set_={name: insert.excluded[name] for name in answer},
            where=approvals.c.responded_at <= insert.excluded.responded_at,
        )
        row = {
            "run_id": run_id,
            "sha256": sha256,
            "decision": word,
            "responded_by": responded_by,
            "responded_at": responded_at,
            "reasons": list(reasons),
        }
        with self._database.write() as connection:
            connection.execute(statement, row)

    def find(self, run_id: str, sha256: str) -> Approval | None:
        """The answer to these orders, or None while there is none."""
        query = select(approvals).where(approvals.c.run_id == run_id, approvals.c.sha256 == sha256)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Approval(row.run_id, row.sha256, row.decision, row.responded_by, row.responded_at, tuple(row.reasons))

    def approved(self, run_id: str, sha256: str) -> bool:
        """Whether exactly these orders of this run were approved."""
        found = self.find(run_id, sha256)
        return found is not None and found.decision == APPROVE
