"""IBKR: the real ib_insync (or ib_async, where that is installed) against the local TWS."""

import os
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
from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.errors import InsufficientFunds, InvalidQuantity, InvalidSymbol, MarketClosed, NotPermitted, OrderRejected
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.faults import Fault, Faults
from include.sandbox.ibkr.admission import NO_PERMISSION
from include.sandbox.ibkr.server import running_ibkr_venue
from include.settings import load_settings
from tests.conformance.harness import MARKED, TOKEN, Ability, Harness, Standing, Without
from tests.conformance.suite import Conformance

LIBRARY = os.environ.get("POLYBROKER_IB_LIBRARY", "ib_insync")
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
    _listing(1009, "EUR", "1.18", "USD", "IDEALPRO", asset_class=AssetClass.FX, tick_size=Decimal("0.00005")),
    _listing(1011, "BTC", "60000", "USD", "PAXOS", asset_class=AssetClass.CRYPTO, lot_size=Decimal("0.0001")),
    _listing(1012, "FUT", "20", "USD", "CME", asset_class=AssetClass.FUTURE, multiplier=Decimal(50), expiry="2026-12-18"),
    _listing(1013, "ONE", "3", "USD", "", asset_class=AssetClass.OPTION, multiplier=Decimal(100), expiry="2026-12-18"),
    _listing(1014, "7203", "2500", "JPY", "TSEJ", lot_size=Decimal(100), tick_size=Decimal(1)),
    _listing(1015, "KIDLESS", "50", exchange="ARCA", asset_class=AssetClass.ETF),
    _listing(1016, "ONE", "200", exchange="", asset_class=AssetClass.CFD, isin="US0378331005"),
    _listing(1010, "GBP", "1.36", "USD", "IDEALPRO", asset_class=AssetClass.FX),
]


class IbkrHarness(Harness):
    broker_class = IbkrBroker
    capabilities = IbkrBroker.capabilities
    read_faults = frozenset({Fault.DROP_CONNECTION, Fault.TOO_MANY_REQUESTS, Fault.MALFORMED_BODY, Fault.HALF_RESPONSE})
    stream_faults = frozenset({Fault.DUPLICATE_UPDATE, Fault.REORDERED_UPDATES, Fault.LATE_UPDATE})
    order_faults = (
        read_faults
        | stream_faults
        | {
            Fault.ACCEPT_THEN_SILENT,
            Fault.ACCEPT_THEN_DROP,
            Fault.REJECT_ORDER,
            Fault.PARTIAL_THEN_CANCEL,
            Fault.CONNECTIVITY_LOST,
        }
    )
    faults = order_faults | {
        Fault.FILL_AFTER_CANCEL,
        Fault.ORDER_ID_ROLLED_BACK,
        Fault.CLOCK_SKEW,
    }
    abilities = frozenset(
        {
            Ability.REQUEST_LOG,
            Ability.ORDER_LOG,
            Ability.LIMITED_VOLUME,
            Ability.RESTART,
            Ability.STOP,
            Ability.PROOF,
            Ability.ADDRESS,
            Ability.PACING,
            Ability.PROCESSES,
            Ability.AUCTIONS,
            Ability.CURRENCIES,
            Ability.HUNDREDTHS,
        }
    )
    contracts: ClassVar[Mapping[AssetClass, Contract]] = {
        AssetClass.STOCK: _contract(1001, "ONE", mic="XNAS", isin="US0378331005"),
        AssetClass.ETF: _contract(1002, "FUND", mic="ARCX", asset_class=AssetClass.ETF),
        AssetClass.WARRANT: _contract(1003, "WARR", mic="XNAS", asset_class=AssetClass.WARRANT),
        AssetClass.FX: _contract(1009, "EUR", base="EUR", exchange="IDEALPRO", asset_class=AssetClass.FX, tick_size="0.00005"),
        AssetClass.CRYPTO: _contract(1011, "BTC", base="BTC", exchange="PAXOS", asset_class=AssetClass.CRYPTO, lot_size="0.0001"),
        AssetClass.FUTURE: _contract(
            1012, "FUT", exchange="CME", asset_class=AssetClass.FUTURE, multiplier=50, expiry="2026-12-18"
        ),
        AssetClass.CFD: _contract(1016, "ONE", isin="US0378331005", asset_class=AssetClass.CFD),
        AssetClass.OPTION: _contract(1013, "ONE", asset_class=AssetClass.OPTION, multiplier=100, expiry="2026-12-18"),
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
        NotPermitted: {"contract": _contract(1015, "KIDLESS", mic="ARCX", asset_class=AssetClass.ETF)},
        MarketClosed: {  # it is night in Tokyo
            "contract": _contract(1014, "7203", currency="JPY", mic="XTKS", lot_size="100", tick_size="1"),
            "order_type": OrderType.MARKET,
            "time_in_force": TimeInForce.IOC,
            "quantity": Decimal(100),
        },
        OrderRejected: {"side": Side.SELL},  # 201 with a reason that no other code fits
    }
    without: ClassVar[Mapping[Without, str]] = {
        Fault.SERVER_ERROR: "TWS speaks messages over a socket, without HTTP and its status",
        Fault.ACCEPT_THEN_SERVER_ERROR: "the same",
        Fault.EXPIRED_TOKEN: "a person logs TWS in; its socket takes no credentials and no token",
        Ability.CREDENTIALS: "a person logs TWS in; whoever reaches its socket is let in",
        ("order_fault", Fault.CLOCK_SKEW): "its clock is told to those who ask for the time (809), in no answer to an order",
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
    def running(cls, folder: Path, shared: None) -> Iterator["IbkrHarness"]:
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
            cash={"USD": Decimal(100_000), "EUR": Decimal(1), "GBP": Decimal(1000)},
            clock=self.clock,
            state_path=self._folder / "ibkr.state.json",
        )
        self.book.faults.add(f"{NO_PERMISSION}.1015", -1)
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
                config={**load_settings().brokers["ibkr"], "library": LIBRARY, "timeout_seconds": 5, **(config or {})},
                sandbox_token=token,
                **context,
            ),
        )

    def login_of(self, process: int) -> Mapping[str, str]:
        return {"client_id": str(1 + process)}  # TWS lets nobody in under an id that is in use

    def nowhere(self) -> Mapping[str, str]:
        return {"port": "1"}  # the lowest is nobody's here

    def standing(self, client_order_id: str) -> list[Standing]:
        with self.book.lock:
            found = [
                self.book.engine.orders[number]
                for number, saved in self.book.extra.items()
                if saved["ticket"]["reference"] == client_order_id
            ]
        return [Standing(order.state, order.filled_quantity) for order in found if order.state is not OrderState.REJECTED]

    def line_is_back(self) -> None:
        self.book.faults.add("connectivity_back")

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
