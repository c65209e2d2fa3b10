"""IBKR: the real ib_insync (or ib_async, where that is installed) against the local TWS."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from include.brokers.base import BrokerContext
from include.brokers.environment import sandbox_account_code
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.account import Account, Environment
from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import OrderState
from include.errors import InsufficientFunds, InvalidQuantity, InvalidSymbol
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.faults import Fault, Faults
from include.sandbox.ibkr.server import running_ibkr_venue
from include.settings import load_settings
from tests.conformance.harness import MARKED, TOKEN, Ability, Harness
from tests.conformance.suite import Conformance

CODE = sandbox_account_code("DU", TOKEN)


def _listing(
    number: int, symbol: str, price: str | None, currency: str = "USD", exchange: str = "NASDAQ", **more: Any
) -> Listing:
    priced = {"price": Decimal(price), "price_time": MARKED} if price else {}
    values = {"venue": "ibkr", "name": f"{symbol} INC", "currency": currency, "exchange": exchange, **priced, **more}
    return Listing(native_id=str(number), symbol=symbol, **values)


def _contract(number: int, symbol: str, **more: Any) -> Contract:
    return Contract(**{"broker": "ibkr", "native_id": str(number), "symbol": symbol, "currency": "USD", **more})


LISTINGS = [
    _listing(1001, "ONE", "200", isin="US0378331005"),
    _listing(1002, "FUND", "660", exchange="ARCA", asset_class=AssetClass.ETF),
    _listing(1003, "WARR", "2", asset_class=AssetClass.WARRANT),
    _listing(1004, "QUIET", None),
    _listing(1005, "DEAD", None, exchange="VALUE", tradable=False, inactive_reason="delisted"),
    _listing(1006, "PNCE", "3.5", "GBP", "LSE", price_magnifier=Decimal(100), tick_size=Decimal("0.005")),
    _listing(1007, "TWICE", "10", isin="US5949181045"),
    _listing(1008, "TWICE", "9", exchange="NYSE", isin="US5949181045"),
    _listing(1009, "EUR", "1.18", "USD", "IDEALPRO", asset_class=AssetClass.FX),
]


class IbkrHarness(Harness):
    broker_class = IbkrBroker
    capabilities = IbkrBroker.capabilities
    faults: ClassVar[Mapping[Fault, str]] = {
        Fault.ACCEPT_THEN_DROP: "drop_after_accept",
        Fault.REJECT_ORDER: "reject_order",
    }
    order_faults = frozenset(faults)
    abilities = frozenset(
        {
            Ability.REQUEST_LOG,
            Ability.LIMITED_VOLUME,
            Ability.RESTART,
            Ability.STOP,
            Ability.PROOF,
            Ability.ADDRESS,
            Ability.PACING,
        }
    )
    contracts: ClassVar[Mapping[AssetClass, Contract]] = {
        AssetClass.STOCK: _contract(1001, "ONE", mic="XNAS", isin="US0378331005"),
        AssetClass.ETF: _contract(1002, "FUND", mic="ARCX", asset_class=AssetClass.ETF),
        AssetClass.WARRANT: _contract(1003, "WARR", mic="XNAS", asset_class=AssetClass.WARRANT),
    }
    unpriced = _contract(1004, "QUIET")
    unknown = _contract(999_999, "NOSUCH")
    dead = _contract(1005, "DEAD", tradable=False)
    pence = _contract(1006, "PNCE", currency="GBP", price_magnifier=Decimal(100), tick_size=Decimal("0.005"))
    wanted = Instrument(
        instrument_id="isin:US0378331005", ticker="ONE", name="ONE INC", isin="US0378331005", currency="USD", market="US"
    )
    twins = (
        Instrument(
            instrument_id="isin:US5949181045", ticker="TWICE", name="TWICE INC", isin="US5949181045", currency="USD", market="US"
        ),
        frozenset({"1007", "1008"}),
    )
    refusals: ClassVar[Mapping[type, Mapping[str, Any]]] = {
        InsufficientFunds: {"quantity": Decimal(1000)},
        InvalidSymbol: {"contract": unknown},
        InvalidQuantity: {"limit_price": Decimal("202.001")},
    }
    libraries = ("ib_async",)
    limit = (50, 0.9)  # "50 a second", as the venue counts them: a little less than a second, see MAX_MESSAGES there

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._venues = ExitStack()
        self._start()

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator["IbkrHarness"]:
        harness = cls(folder)
        try:
            yield harness
        finally:
            harness.close()
            harness._venues.close()

    def _start(self) -> None:
        self.book = VenueBook(
            LISTINGS,
            account_code=CODE,
            cash={"USD": Decimal(100_000), "EUR": Decimal(1)},
            clock=self.clock,
            state_path=self._folder / "ibkr.state.json",
        )
        self._port = self._venues.enter_context(running_ibkr_venue(self.book))

    def stop(self) -> None:
        self._venues.close()

    def restart(self) -> None:
        self.stop()
        self._start()

    def make(
        self,
        *,
        environment: Environment = Environment.SANDBOX,
        token: str = TOKEN,
        credentials: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> IbkrBroker:
        return IbkrBroker(
            Account(account_id="conformance", broker="ibkr", environment=environment),
            BrokerContext(
                credentials={"host": "127.0.0.1", "port": str(self._port), "client_id": "1", **(credentials or {})},
                config={**load_settings().brokers["ibkr"], "timeout_seconds": 1, **(config or {})},
                sandbox_token=token,
                **context,
            ),
        )

    def wrong_credentials(self) -> Mapping[str, str]:
        return {"port": "1"}  # the lowest is nobody's here

    def standing(self, client_order_id: str) -> list[Any]:
        with self.book.lock:
            return [order for order in self.book.engine.find(client_order_id) if order.state is not OrderState.REJECTED]

    def set_mark(self, contract: Contract, price: Decimal, volume: Decimal | None) -> None:
        with self.book.lock:
            self.book.engine.set_mark(contract.native_id, contract.currency, price, self.clock(), volume=volume, now=self.clock())

    def venue_faults(self) -> Faults:
        return self.book.faults

    def requests(self) -> list[tuple[float, str, str]]:
        return list(self.book.requests)

    def orders_sent(self) -> int:
        return sum(kind == "place_order" for _, kind, _ in self.book.requests)


class TestIbkr(Conformance):
    column = IbkrHarness
