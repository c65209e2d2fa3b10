"""A paper account: in memory, and in its store as rows, of which those that changed are written under the account's version."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from include.brokers.base import AccountRows, AccountStore
from include.brokers.paper.config import PaperConfig
from include.brokers.paper.mirror import PAPER
from include.domain.contract import Contract
from include.errors import BrokerUnavailable, OutcomeUnknown, Transient
from include.settings import parse
from include.simulation import state
from include.simulation.engine import Engine, SimContract
from include.simulation.tracked import Tracked

ATTEMPTS = 10
CONTRACT = "contract"
T = TypeVar("T")


@dataclass
class PaperAccount:
    """One account in memory.

    Attributes:
        engine: Orders, positions and cash.
        contracts: Native id -> contract of everything ever ordered: quotes and positions need more than the engine keeps.
    """

    engine: Engine
    contracts: Tracked[str, Contract] = field(default_factory=Tracked)

    def know(self, contract: Contract) -> None:
        """Take the newest word about a contract."""
        if self.contracts.get(contract.native_id) == contract:
            return
        self.contracts[contract.native_id] = contract
        self.engine.add_contract(
            SimContract(
                native_id=contract.native_id,
                currency=contract.currency,
                multiplier=contract.multiplier,
                lot_size=contract.lot_size,
                tradable=contract.tradable,
            )
        )

    def in_use(self) -> list[Contract]:
        """Contracts that are held or have an open order, in order of their native id."""
        wanted = set(self.engine.positions) | {order.native_id for order in self.engine.open_orders()}
        return [self.contracts[native_id] for native_id in sorted(wanted)]

    def rows(self, whole: bool) -> AccountRows:
        """What changed since the last `keep`, or everything."""
        contracts = dict(self.contracts) if whole else self.contracts.changed()
        told = {(CONTRACT, native_id): contract.model_dump(mode="json") for native_id, contract in contracts.items()}
        return told | state.rows(self.engine, whole)

    def take(self, rows: AccountRows, source: str) -> None:
        """Take rows that were written by this or another process."""
        for (kind, _), body in rows.items():
            if kind == CONTRACT:
                self.know(parse(Contract, body, source, CONTRACT))
        state.take_rows(self.engine, rows)
        self.contracts.keep()

    def keep(self) -> None:
        """What stands now is stored."""
        state.keep(self.engine)
        self.contracts.keep()

    def undo(self) -> None:
        """Go back to what is stored."""
        state.undo(self.engine)
        self.contracts.undo()


class PaperLedger:
    """One account, kept in memory as long as nobody else changes it in the store.

    Args:
        key: The account's name in the store.
    """

    def __init__(self, store: AccountStore, key: str, config: PaperConfig) -> None:
        self._store = store
        self._key = key
        self._config = config
        self._version = 0
        self._rewrite = True  # the store has no rows of it, or those of an older form
        self._account = self._new(config.new_engine())

    def change(self, work: Callable[[PaperAccount], T]) -> T:
        """Run `work` on the account and store what it changed; overtaken by another process, both are done again.

        `work` may run several times, always on the newest account. When it raises, nothing is changed. An account that does
        not exist yet is created by the first `work` that does not raise.

        Raises:
            BrokerUnavailable: Always overtaken.
            Transient: The store cannot be read or written; nothing was changed.
            OutcomeUnknown: The store failed while it wrote, and may have written.
        """
        if self._version == 0:
            self._refresh()
        for _ in range(ATTEMPTS):
            try:
                result = work(self._account)
            except Exception:
                self._account.undo()
                if self._store.version(self._key) == self._version:
                    raise
            else:
                if self._stored():
                    return result
            self._refresh()
        raise BrokerUnavailable(f"paper account {self._key}: overtaken by other processes {ATTEMPTS} times in a row")

    def look(self, work: Callable[[PaperAccount], T]) -> T:
        """`change` for what only asks: what it may have written is what time and the market brought, so it may ask again.

        Raises:
            Transient: The store cannot be read or written.
        """
        try:
            return self.change(work)
        except OutcomeUnknown as error:
            raise BrokerUnavailable(str(error), broker=PAPER) from error

    def _stored(self) -> bool:
        """Write what changed, or see that nothing has to be; False: the account in memory is not the newest any more."""
        changed = self._account.rows(self._rewrite)
        if not changed:
            return self._store.version(self._key) == self._version
        engine = self._account.engine
        head = {"seed": engine.seed, "settle_in": engine.ledger.settle_in} if self._rewrite else None
        try:
            written = self._store.save(self._key, changed, self._version, head)
        except Exception as error:
            self._account.undo()
            if isinstance(error, Transient) and self._may_have_written():
                words = f"paper account {self._key}: its database went away before it said whether it wrote: {error}"
                raise OutcomeUnknown(words, broker=PAPER) from error
            raise
        if not written:
            self._account.undo()
            return False
        self._version += 1
        self._rewrite = False
        self._account.keep()
        return True

    def _may_have_written(self) -> bool:
        """Whether a write that failed can stand all the same."""
        try:
            return self._store.version(self._key) != self._version
        except Transient:
            return True

    def _refresh(self) -> None:
        """Bring the account in memory to what the store has."""
        found = self._store.load(self._key, self._version)
        if found is None:
            return
        version, head, rows = found
        source = f"paper account {self._key}"
        if "engine" in head:  # from before rows: everything in one document
            self._account = self._new(Engine.from_state(head["engine"]))
            rows = {(CONTRACT, str(row.get("native_id"))): row for row in head["contracts"]}
        elif self._version == 0:
            self._account = self._new(Engine({}, seed=int(head["seed"]), settle_in=head["settle_in"]))
        self._account.take(rows, source)
        self._version, self._rewrite = version, "engine" in head

    def _new(self, engine: Engine) -> PaperAccount:
        engine.costs, engine.latency = self._config.costs, self._config.latency
        account = PaperAccount(engine)
        account.keep()
        return account
