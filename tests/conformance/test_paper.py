"""Paper: in process, on a database of its own, at the quotes of the local Alpaca venue.

Its venue is both: what is asked of the market strikes at Alpaca's venue, what becomes of an order that was taken at the database.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
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
from include.domain.order import OrderState, OrderType
from include.errors import InsufficientFunds, InvalidQuantity, InvalidSymbol, MarketClosed, NotPermitted, OrderRejected, Transient
from include.sandbox.faults import Fault, Faults
from include.settings import load_settings
from include.simulation import state
from include.simulation.engine import Engine
from include.storage.database import open_database, upgrade
from include.storage.paper import DatabaseAccountStore
from tests.conformance.harness import TOKEN, Ability, Harness, Standing, Without
from tests.conformance.suite import Conformance
from tests.conformance.test_alpaca import AlpacaHarness
from tests.fakes.breaking_store import WRITES, BreakingStore

CONFIG = {"mirrors": "alpaca", "base_currency": "USD", "starting_cash": {"USD": "100000"}, "slippage_bp": 0, "commission_bp": 0}


SKEW = timedelta(minutes=10)  # our clock is ahead of the one that the quotes are told by


def _ours(contract: Contract) -> Contract:
    return contract.model_copy(update={"broker": "paper", "native_id": f"alpaca:{contract.native_id}"})


def _capabilities() -> Any:
    mirror = AlpacaBroker(Account(account_id="mirror", broker="alpaca"), BrokerContext())
    return PaperBroker(Account(account_id="paper", broker="paper"), BrokerContext(mirror=mirror)).capabilities


class PaperHarness(Harness):
    broker_class = PaperBroker
    capabilities = _capabilities()
    read_faults = AlpacaHarness.read_faults  # of the quotes it fills at
    order_faults = read_faults | {*WRITES, Fault.CLOCK_SKEW, Fault.EXPIRED_TOKEN, Fault.CONNECTIVITY_LOST}
    faults = order_faults
    abilities = frozenset(
        {
            Ability.RESTART,
            Ability.STOP,
            Ability.REQUEST_LOG,
            Ability.PACING,
            Ability.LIMITED_VOLUME,
            Ability.AUCTIONS,
        }
    )
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
        MarketClosed: AlpacaHarness.refusals[MarketClosed],
        OrderRejected: {"contract": unpriced, "order_type": OrderType.MARKET, "limit_price": None},
    }
    without: ClassVar[Mapping[Without, str]] = {
        Ability.ADDRESS: "it works in process, on a database and a mirror that were opened before: it has no address",
        Ability.CREDENTIALS: "it has none; those of the broker it mirrors are that broker's column",
        Ability.PROOF: "it moves no money wherever it runs: `live` is refused, everything else needs no proof",
        Ability.ORDER_LOG: "an order is no request: it is written under the account's version, and never twice (604, 610)",
        Fault.ACCEPT_THEN_SERVER_ERROR: "no server stands between an order and its account: see accept_then_drop",
        Fault.REJECT_ORDER: "its market has a reason for every refusal (`reports.py`)",
        Fault.PARTIAL_THEN_CANCEL: "its market takes back no limit order: what did not fill stands until its time is over",
        Fault.FILL_AFTER_CANCEL: "a cancel and a fill are written under one version of the account: the second sees the first",
        Fault.ORDER_ID_ROLLED_BACK: "its order numbers are written under the account's version: none is handed out twice",
        Fault.DUPLICATE_UPDATE: "it says nothing by itself: an order is read from its account",
        Fault.REORDERED_UPDATES: "the same",
        Fault.LATE_UPDATE: "the same",
    }
    gone = Transient  # its database's word; the mirror's is `BrokerUnavailable`
    limit = AlpacaHarness.limit

    def __init__(self, folder: Path, quotes: AlpacaHarness) -> None:
        super().__init__()
        self._quotes = quotes
        self.clock = quotes.clock
        self._opened_for_paper = ExitStack()
        url = f"sqlite:///{_database(folder)}"
        self._store = BreakingStore(DatabaseAccountStore(self._opened_for_paper.enter_context(open_database(url))))
        self._volume: Decimal | None = None
        self._skew, self._told_skewed = timedelta(), False

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
        self._store.down = True

    def restart(self) -> None:
        self._quotes.restart()
        self._store.down = False

    def make(
        self,
        *,
        environment: Environment = Environment.SANDBOX,
        token: str = TOKEN,
        credentials: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> PaperBroker:
        mirror = self._quotes.make(
            environment=environment,
            token=token,
            credentials=credentials,
            connects_when_asked=True,
            config=AlpacaHarness.burst,
        )
        self._opened_for_paper.callback(mirror.close)
        if not context.get("connects_when_asked"):
            mirror.connect()  # the adapter is handed one that is open
        return PaperBroker(
            Account(account_id="conformance", broker="paper", environment=environment),
            BrokerContext(
                config={**load_settings().brokers["paper"], **CONFIG, "volume_per_quote": self._volume, **(config or {})},
                sandbox_token=token,
                accounts=self._store,
                mirror=mirror,
                **context,
            ),
            self._now,
        )

    def _now(self) -> datetime:
        """The adapter's clock, which may be another than the one that quotes are told by."""
        self._told_skewed = bool(self._skew)
        return self.clock() + self._skew

    def token_login(self) -> Mapping[str, str]:
        return self._quotes.token_login()

    def standing(self, client_order_id: str) -> list[Standing]:
        found = self._store.store.load("conformance")
        engine = Engine({})
        if found is not None:
            state.take_rows(engine, {key: body for key, body in found[2].items() if key[0] != CONTRACT})
        found = [order for order in engine.find(client_order_id) if order.state is not OrderState.REJECTED]
        return [Standing(order.state, order.filled_quantity) for order in found]

    def set_mark(self, contract: Contract, price: Decimal, volume: Decimal | None) -> None:
        theirs = contract.model_copy(update={"native_id": contract.native_id.removeprefix("alpaca:")})
        self._quotes.set_mark(theirs, price, None)
        self._volume = volume  # of brokers that are opened from now on

    def misbehave(self, fault: Fault, times: int = 1) -> None:
        if fault is Fault.CLOCK_SKEW:
            self._skew, self._told_skewed = SKEW, False
        elif fault in WRITES:
            self._store.faults.add(fault, times)
        else:
            self._quotes.misbehave(fault, times)

    def happened(self, fault: Fault) -> bool:
        if fault is Fault.CLOCK_SKEW:
            return self._told_skewed
        return not self._store.faults.take(fault) if fault in WRITES else self._quotes.happened(fault)

    def line_is_back(self) -> None:
        self._quotes.line_is_back()

    def venue_faults(self) -> Faults:
        return self._quotes.venue_faults()

    def requests(self) -> list[tuple[float, str, str]]:
        return self._quotes.requests()


def _database(folder: Path) -> Path:
    """An empty database; its tables are made once per run."""
    made = folder.parent / "tables.db"
    if not made.exists():
        upgrade(f"sqlite:///{folder / 'tables.db'}")
        shutil.move(folder / "tables.db", made)
    return Path(shutil.copy(made, folder / "polybroker.db"))


class TestPaper(Conformance):
    column = PaperHarness
