"""A broker and a snapshot store that behave, in memory."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow as pa

from include.brokers.base import Broker, BrokerContext
from include.domain.account import Account, AccountSnapshot
from include.domain.contract import Contract
from include.domain.instrument import Instrument
from include.domain.order import Order, OrderReport
from include.domain.quote import Quote
from include.errors import NotPermitted, PolybrokerError


class MemoryBroker(Broker):
    """Answers with what it was given; an error it was given is raised; counts how often it was asked. It trades nothing."""

    name = "memory"

    def __init__(
        self,
        snapshot: AccountSnapshot | None = None,
        quotes: dict[str, Quote] | None = None,
        error: PolybrokerError | None = None,
    ) -> None:
        super().__init__(Account(account_id="one", broker="memory"), BrokerContext())
        self._snapshot, self._quotes, self._error = snapshot, quotes, error
        self.asked: list[object] = []

    def _answer(self, question: object) -> None:
        self.asked.append(question)
        if self._error is not None:
            raise self._error

    def connect(self) -> None: ...

    def close(self) -> None: ...

    def prove_environment(self) -> None: ...

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        return iter(())

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        self._answer((session, taken_at))
        assert self._snapshot is not None
        return self._snapshot.model_copy(update={"session": session, "taken_at": taken_at})

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        return {}

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        self._answer((base, tuple(currencies)))
        if self._quotes is None:
            return super().fx_quotes(base, currencies)
        return {currency: self._quotes[currency] for currency in currencies if currency in self._quotes}

    def submit(self, order: Order) -> OrderReport:
        raise NotPermitted("reads only")

    def find_order(self, client_order_id: str) -> OrderReport | None:
        return None

    def cancel(self, client_order_id: str) -> OrderReport:
        raise NotPermitted("reads only")


class MemorySnapshots:
    """Snapshots by (account, session, run); the first of a run stays, a frozen one is not kept."""

    def __init__(self, *known: AccountSnapshot) -> None:
        self.rows = {(s.account_id, s.session, "before"): s for s in known}

    def save(self, snapshot: AccountSnapshot, run_id: str) -> AccountSnapshot:
        return self.rows.setdefault((snapshot.account_id, snapshot.session, run_id), snapshot)

    def latest(self, account_id: str, not_before: str, not_after: str) -> AccountSnapshot | None:
        found = [s for (a, session, _), s in self.rows.items() if a == account_id and not_before <= session <= not_after]
        return max(found, key=lambda s: (s.session, s.taken_at), default=None)
