"""The accounts of `paper` in a database that goes away at the worst moment."""

from typing import Any

from include.brokers.base import AccountRows, AccountStore
from include.errors import Transient
from include.sandbox.faults import Fault, Faults

WRITES = (Fault.ACCEPT_THEN_DROP, Fault.ACCEPT_THEN_SILENT)


class BreakingStore:
    """A real store behind a line that breaks.

    Attributes:
        faults: `ACCEPT_THEN_DROP`: it writes, and the line dies before it says so. `ACCEPT_THEN_SILENT`: the same, and the next
            question is not answered either.
        down: It answers nothing.
    """

    def __init__(self, store: AccountStore) -> None:
        self.store = store
        self.faults = Faults()
        self.down = False
        self._silent = False

    def version(self, account_id: str) -> int:
        """The store's, where it can be reached."""
        self._reach()
        return self.store.version(account_id)

    def load(self, account_id: str, after: int = 0) -> tuple[int, dict[str, Any], AccountRows] | None:
        """The store's, where it can be reached."""
        self._reach()
        return self.store.load(account_id, after)

    def save(self, account_id: str, changed: AccountRows, expected_version: int, head: dict[str, Any] | None = None) -> bool:
        """Write, and say so or not."""
        self._reach()
        written = self.store.save(account_id, changed, expected_version, head)
        self._silent = self.faults.take(Fault.ACCEPT_THEN_SILENT)
        if self._silent or self.faults.take(Fault.ACCEPT_THEN_DROP):
            raise Transient("database did not answer: server closed the connection unexpectedly")
        return written

    def _reach(self) -> None:
        silent, self._silent = self._silent, False
        if self.down or silent:
            raise Transient("database did not answer: connection timed out")
