"""Paper: in process, on a database of its own, at the quotes of the local Alpaca venue."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.base import BrokerContext
from include.brokers.paper.account import CONTRACT
from include.brokers.paper.adapter import PaperBroker
from include.domain.account import Account, Environment
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.order import OrderState
from include.errors import InsufficientFunds, InvalidQuantity, InvalidSymbol, NotPermitted
from include.sandbox.faults import Faults
from include.settings import load_settings
from include.simulation import state
from include.simulation.engine import Engine
from include.storage.database import open_database, upgrade
from include.storage.paper import DatabaseAccountStore
from tests.conformance.harness import TOKEN, Ability, Harness, Standing
from tests.conformance.suite import Conformance
from tests.conformance.test_alpaca import AlpacaHarness

CONFIG = {"mirrors": "alpaca", "base_currency": "USD", "starting_cash": {"USD": "100000"}, "slippage_bp": 0, "commission_bp": 0}


def _ours(contract: Contract) -> Contract:
    return contract.model_copy(update={"broker": "paper", "native_id": f"alpaca:{contract.native_id}"})


def _capabilities() -> Any:
    mirror = AlpacaBroker(Account(account_id="mirror", broker="alpaca"), BrokerContext())
    return PaperBroker(Account(account_id="paper", broker="paper"), BrokerContext(mirror=mirror)).capabilities


class PaperHarness(Harness):
    broker_class = PaperBroker
    capabilities = _capabilities()
    faults = AlpacaHarness.read_faults  # of the quotes it fills at
    read_faults = order_faults = AlpacaHarness.read_faults
    abilities = frozenset({Ability.RESTART})
    contracts: ClassVar[Mapping[AssetClass, Contract]] = {
        kind: _ours(contract) for kind, contract in AlpacaHarness.contracts.items()
    }
    unpriced = _ours(AlpacaHarness.unpriced)
    unknown = _ours(AlpacaHarness.unknown)
    dead = _ours(AlpacaHarness.dead)
    wanted = AlpacaHarness.wanted
    twins = (AlpacaHarness.twins[0], frozenset(f"alpaca:{each}" for each in AlpacaHarness.twins[1]))
    refusals: ClassVar[Mapping[type, Mapping[str, Any]]] = {
        InsufficientFunds: {"quantity": Decimal(1000)},
        InvalidSymbol: {"contract": dead},
        InvalidQuantity: {"quantity": Decimal("0.5")},
        NotPermitted: {"side": "sell"},
    }

    def __init__(self, folder: Path, quotes: AlpacaHarness) -> None:
        super().__init__()
        self._quotes = quotes
        self.clock = quotes.clock
        self._opened_for_paper = ExitStack()
        url = f"sqlite:///{_database(folder)}"
        self._store = DatabaseAccountStore(self._opened_for_paper.enter_context(open_database(url)))

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator[Any]:
        with AlpacaHarness.serving() as shared:
            yield shared

    @classmethod
    @contextmanager
    def running(cls, folder: Path, shared: Any) -> Iterator["PaperHarness"]:
        with AlpacaHarness.running(folder, shared) as quotes:
            harness = cls(folder, quotes)
            try:
                yield harness
            finally:
                harness.close()
                harness._opened_for_paper.close()

    def stop(self) -> None:
        self._quotes.stop()

    def restart(self) -> None:
        self._quotes.restart()

    def make(
        self,
        *,
        environment: Environment = Environment.SANDBOX,
        token: str = TOKEN,
        credentials: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> PaperBroker:
        mirror = self._quotes.make(environment=environment, token=token, connects_when_asked=True, config=AlpacaHarness.burst)
        self._opened_for_paper.callback(mirror.close)
        if not context.get("connects_when_asked"):
            mirror.connect()  # the adapter is handed one that is open
        return PaperBroker(
            Account(account_id="conformance", broker="paper", environment=environment),
            BrokerContext(
                config={**load_settings().brokers["paper"], **CONFIG, **(config or {})},
                sandbox_token=token,
                accounts=self._store,
                mirror=mirror,
                **context,
            ),
            self.clock,
        )

    def wrong_credentials(self) -> Mapping[str, str]:
        raise NotImplementedError

    def standing(self, client_order_id: str) -> list[Standing]:
        found = self._store.load("conformance")
        engine = Engine({})
        if found is not None:
            state.take_rows(engine, {key: body for key, body in found[2].items() if key[0] != CONTRACT})
        found = [order for order in engine.find(client_order_id) if order.state is not OrderState.REJECTED]
        return [Standing(order.state, order.filled_quantity) for order in found]

    def set_mark(self, contract: Contract, price: Decimal, volume: Decimal | None) -> None:
        theirs = contract.model_copy(update={"native_id": contract.native_id.removeprefix("alpaca:")})
        self._quotes.set_mark(theirs, price, volume)

    def venue_faults(self) -> Faults:
        return self._quotes.venue_faults()

    def requests(self) -> list[tuple[float, str, str]]:
        raise NotImplementedError

    def orders_sent(self) -> int:
        raise NotImplementedError


def _database(folder: Path) -> Path:
    """An empty database; its tables are made once per run."""
    made = folder.parent / "tables.db"
    if not made.exists():
        upgrade(f"sqlite:///{folder / 'tables.db'}")
        shutil.move(folder / "tables.db", made)
    return Path(shutil.copy(made, folder / "polybroker.db"))


class TestPaper(Conformance):
    column = PaperHarness
