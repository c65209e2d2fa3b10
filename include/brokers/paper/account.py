"""A paper account in its store: read, changed and written under its version, and the contracts it has traded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from include.brokers.base import AccountStore
from include.brokers.paper.config import PaperConfig
from include.domain.contract import Contract
from include.errors import BrokerUnavailable, Transient
from include.settings import parse
from include.simulation.engine import Engine, SimContract

ATTEMPTS = 10
T = TypeVar("T")


@dataclass
class PaperAccount:
    """One account in memory.

    Attributes:
        engine: Orders, positions and cash.
        contracts: Native id -> contract of everything ever ordered: quotes and positions need more than the engine keeps.
    """

    engine: Engine
    contracts: dict[str, Contract] = field(default_factory=dict)

    def know(self, contract: Contract) -> None:
        """Take the newest word about a contract."""
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


class PaperLedger:
    """Loads and saves one account.

    Args:
        key: The account's name in the store.
    """

    def __init__(self, store: AccountStore, key: str, config: PaperConfig) -> None:
        self._store = store
        self._key = key
        self._config = config

    def change(self, work: Callable[[PaperAccount], T]) -> T:
        """Run `work` on the account and store what it changed; overtaken by another process, both are done again.

        `work` may run several times, always on a fresh copy. When it raises, nothing is stored. An account that does not
        exist yet is created by the first `work` that does not raise.

        Raises:
            BrokerUnavailable: Always overtaken.
        """
        for _ in range(ATTEMPTS):
            version, account = self._load()
            before = self._state(account) if version else None
            result = work(account)
            after = self._state(account)
            if after == before:
                return result
            try:
                self._store.save(self._key, after, version)
            except Transient:
                continue
            return result
        raise BrokerUnavailable(f"paper account {self._key}: overtaken by other processes {ATTEMPTS} times in a row")

    def _load(self) -> tuple[int, PaperAccount]:
        found = self._store.load(self._key)
        if found is None:
            return 0, PaperAccount(self._config.new_engine())
        version, state = found
        source = f"paper account {self._key}"
        engine = Engine.from_state(state["engine"])
        engine.costs = self._config.costs
        contracts = [parse(Contract, row, source, "contracts") for row in state["contracts"]]
        return version, PaperAccount(engine, {contract.native_id: contract for contract in contracts})

    @staticmethod
    def _state(account: PaperAccount) -> dict[str, object]:
        rows = [contract.model_dump(mode="json") for contract in account.contracts.values()]
        return {"engine": account.engine.to_state(), "contracts": rows}
