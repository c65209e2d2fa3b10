"""Paper: in process, on a database of its own, at the quotes of a local venue of another broker.

Its venue is both: what is asked of the market strikes at that venue, what becomes of an order that was taken at the database.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from include.brokers.base import Broker, BrokerContext, Capabilities
from include.brokers.paper.account import CONTRACT
from include.brokers.paper.adapter import PaperBroker
from include.domain.account import Account, Environment
from include.domain.contract import Contract
from include.domain.order import OrderState, OrderType, TimeInForce
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
from tests.conformance.test_ibkr import IbkrHarness
from tests.fakes.breaking_store import WRITES, BreakingStore

CONFIG = {"base_currency": "USD", "starting_cash": {"USD": "100000"}, "slippage_bp": 0, "commission_bp": 0}
NOBODY = {"host": "127.0.0.1", "port": "1"}  # it is not asked
SKEW = timedelta(minutes=10)  # our clock is ahead of the one that the quotes are told by


def _ours(contract: Contract) -> Contract:
    return contract.model_copy(update={"broker": "paper", "native_id": f"{contract.broker}:{contract.native_id}"})


def _capabilities(market: type[Harness]) -> Capabilities:
    mirror = market.broker_class(Account(account_id="mirror", broker=market.broker_class.name), BrokerContext(NOBODY))
    return PaperBroker(Account(account_id="paper", broker="paper"), BrokerContext(mirror=mirror)).capabilities


WITHOUT: Mapping[Without, str] = {
    Ability.ADDRESS: "it works in process, on a database and a mirror that were opened before: it has no address",
    Ability.CREDENTIALS: "it has none; those of the broker it mirrors are that broker's column",
    Ability.PROOF: "it moves no money wherever it runs: `live` is refused, everything else needs no proof",
    Ability.PROCESSES: "it has no login to share; processes at one account are tests/brokers/paper/test_processes.py",
    Ability.ORDER_LOG: "an order is no request: it is written under the account's version, and never twice (604, 610)",
    Fault.ACCEPT_THEN_SERVER_ERROR: "no server stands between an order and its account: see accept_then_drop",
    Fault.REJECT_ORDER: "its market has a reason for every refusal (`reports.py`)",
    Fault.PARTIAL_THEN_CANCEL: "nobody stands over its market: what did not fill ends by its owner, its time or want of money",
    Fault.FILL_AFTER_CANCEL: "a cancel and a fill are written under one version of the account: the second sees the first",
    Fault.ORDER_ID_ROLLED_BACK: "its order numbers are written under the account's version: none is handed out twice",
    Fault.DUPLICATE_UPDATE: "it says nothing by itself: an order is read from its account",
    Fault.REORDERED_UPDATES: "the same",
    Fault.LATE_UPDATE: "the same",
}


class PaperHarness(Harness):
    """At the quotes of another column's venue.

    Attributes:
        market: That column.
    """

    market: ClassVar[type[Harness]]
    broker_class = PaperBroker
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
    gone = Transient  # its database's word; the mirror's is `BrokerUnavailable`

    def __init_subclass__(cls) -> None:
        cls.title = f"paper (at {cls.market.broker_class.name})"
        cls.capabilities = _capabilities(cls.market)
        cls.read_faults = cls.market.read_faults  # of the quotes it fills at
        cls.order_faults = cls.read_faults | {*WRITES, Fault.CLOCK_SKEW, Fault.CONNECTIVITY_LOST}
        if Fault.EXPIRED_TOKEN in cls.market.faults:
            cls.order_faults |= {Fault.EXPIRED_TOKEN}
        cls.faults = cls.order_faults
        cls.abilities |= cls.market.abilities & {Ability.CURRENCIES, Ability.HUNDREDTHS}
        cls.contracts = {kind: _ours(contract) for kind, contract in cls.market.contracts.items()}
        cls.unpriced, cls.unknown, cls.dead = (
            _ours(contract) for contract in (cls.market.unpriced, cls.market.unknown, cls.market.dead)
        )
        if Ability.HUNDREDTHS in cls.abilities:
            cls.pence = _ours(cls.market.pence)
        cls.wanted = cls.market.wanted
        if cls.market.twins is not None:
            wanted, both = cls.market.twins
            cls.twins = (wanted, frozenset(f"{cls.market.broker_class.name}:{each}" for each in both))
        cls.refusals = {
            InsufficientFunds: {"quantity": Decimal(1000)},
            InvalidSymbol: {"contract": cls.dead},
            InvalidQuantity: {"quantity": Decimal("0.5")},
            NotPermitted: {"side": "sell"},
            MarketClosed: {"order_type": OrderType.MARKET_ON_OPEN, "time_in_force": TimeInForce.OPG, "limit_price": None},
            OrderRejected: {"contract": cls.unpriced, "order_type": OrderType.MARKET, "limit_price": None},
        }
        cls.without = {**{key: why for key, why in cls.market.without.items() if not isinstance(key, tuple)}, **WITHOUT}
        if cls.market.broker_class.fx_quotes is Broker.fx_quotes:
            cls.without = {**cls.without, Ability.CURRENCIES: "the broker it mirrors quotes no pairs of currencies"}
        cls.limit = cls.market.limit

    def __init__(self, folder: Path, quotes: Harness) -> None:
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
        with cls.market.serving() as shared:
            yield shared

    @classmethod
    @contextmanager
    def running(cls, folder: Path, shared: Any) -> Iterator["PaperHarness"]:
        with cls.market.running(folder, shared) as quotes:
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
            config=self.market.burst,
        )
        self._opened_for_paper.callback(mirror.close)
        if not context.get("connects_when_asked"):
            mirror.connect()  # the adapter is handed one that is open
        return PaperBroker(
            Account(account_id="conformance", broker="paper", environment=environment),
            BrokerContext(
                config={**load_settings().brokers["paper"], **CONFIG, **self._own_config(), **(config or {})},
                sandbox_token=token,
                accounts=self._store,
                mirror=mirror,
                **context,
            ),
            self._now,
        )

    def _own_config(self) -> Mapping[str, Any]:
        return {"mirrors": self.market.broker_class.name, "volume_per_quote": self._volume}

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
        broker, _, native_id = contract.native_id.partition(":")
        theirs = contract.model_copy(update={"broker": broker, "native_id": native_id})
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


class AtAlpaca(PaperHarness):
    market = AlpacaHarness


class AtIbkr(PaperHarness):
    market = IbkrHarness


class TestPaper(Conformance):
    column = AtAlpaca


class TestPaperAtIbkr(Conformance):
    column = AtIbkr
