"""Alpaca: the real alpaca-py against the local REST venue."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import requests

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.base import BrokerContext
from include.brokers.environment import sandbox_account_code
from include.domain.account import Account, Environment
from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.errors import InsufficientFunds, InvalidQuantity, InvalidSymbol, MarketClosed, NotPermitted, OrderRejected
from include.sandbox.alpaca import sandbox_keys
from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.alpaca.permissions import set_flags
from include.sandbox.alpaca.server import AlpacaVenue, venue_in_thread
from include.sandbox.alpaca.sessions import next_open_close
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.faults import Fault, Faults
from include.settings import load_settings
from tests.conformance.harness import MARKED, NOW, TOKEN, Ability, Harness, Standing, Without
from tests.conformance.suite import Conformance

CODE = sandbox_account_code("", TOKEN)


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _listing(number: int, symbol: str, price: str | None, exchange: str = "NASDAQ", **more: Any) -> Listing:
    priced = {"price": Decimal(price), "price_time": MARKED} if price else {}
    values = {"venue": "alpaca", "name": f"{symbol} Inc.", "currency": "USD", "exchange": exchange, **priced, **more}
    return Listing(native_id=_id(number), symbol=symbol, **values)


def _contract(number: int, symbol: str, **more: Any) -> Contract:
    return Contract(broker="alpaca", native_id=_id(number), symbol=symbol, currency="USD", **more)


LISTINGS = [
    _listing(1, "ONE", "200", lot_size="0.000000001"),
    _listing(2, "FUND", "660", "ARCA", name="Two Hundred Index Fund ETF"),
    _listing(3, "BTC/USD", "100000", "CRYPTO", asset_class=AssetClass.CRYPTO, lot_size="0.000000001", tick_size="1"),
    _listing(4, "QUIET", None),
    _listing(5, "DEAD", None, tradable=False, inactive_reason="delisted"),
    _listing(6, "TWICE", "10"),
    _listing(7, "TWICE", None, "NYSE", tradable=False, inactive_reason="delisted"),
]


STATES = {
    "new": OrderState.ACCEPTED,
    "partially_filled": OrderState.PARTIALLY_FILLED,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "expired": OrderState.EXPIRED,
}


class AlpacaHarness(Harness):
    broker_class = AlpacaBroker
    capabilities = AlpacaBroker.capabilities
    read_faults = frozenset(
        {
            Fault.DROP_CONNECTION,
            Fault.SERVER_ERROR,
            Fault.MALFORMED_BODY,
            Fault.HALF_RESPONSE,
            Fault.TOO_MANY_REQUESTS,
        }
    )
    _at_an_order = read_faults | {
        Fault.ACCEPT_THEN_SILENT,
        Fault.ACCEPT_THEN_DROP,
        Fault.ACCEPT_THEN_SERVER_ERROR,
        Fault.REJECT_ORDER,
        Fault.PARTIAL_THEN_CANCEL,
        Fault.CLOCK_SKEW,
        Fault.EXPIRED_TOKEN,
        Fault.CONNECTIVITY_LOST,
    }
    stream_faults = frozenset({Fault.DUPLICATE_UPDATE, Fault.REORDERED_UPDATES, Fault.LATE_UPDATE})
    order_faults = _at_an_order | stream_faults
    tells_on_stream = True
    faults = order_faults | {Fault.FILL_AFTER_CANCEL}
    abilities = frozenset(
        {
            Ability.REQUEST_LOG,
            Ability.ORDER_LOG,
            Ability.ADDRESS,
            Ability.LIMITED_VOLUME,
            Ability.RESTART,
            Ability.STOP,
            Ability.CREDENTIALS,
            Ability.PROOF,
            Ability.PACING,
            Ability.PROCESSES,
            Ability.AUCTIONS,
            Ability.RIGHTS,
        }
    )
    contracts: ClassVar[Mapping[AssetClass, Contract]] = {
        AssetClass.STOCK: _contract(1, "ONE", mic="XNAS", fractionable=True),
        AssetClass.ETF: _contract(2, "FUND", mic="ARCX", asset_class=AssetClass.ETF),
        AssetClass.CRYPTO: _contract(
            3, "BTC/USD", base="BTC", asset_class=AssetClass.CRYPTO, lot_size=Decimal("0.000000001"), tick_size=Decimal(1)
        ),
    }
    unpriced = _contract(4, "QUIET")
    unknown = _contract(999, "NOSUCH")
    dead = _contract(5, "DEAD", tradable=False)
    wanted = Instrument(instrument_id="ticker:ONE", ticker="ONE", name="ONE Inc.", currency="USD", market="US")
    twins = (
        Instrument(instrument_id="ticker:TWICE", ticker="TWICE", name="TWICE Inc.", currency="USD", market="US"),
        frozenset({_id(6), _id(7)}),
    )
    refusals: ClassVar[Mapping[type, Mapping[str, Any]]] = {
        InsufficientFunds: {"quantity": Decimal(1000)},
        InvalidSymbol: {"contract": unknown},
        InvalidQuantity: {"limit_price": Decimal("202.001")},
        NotPermitted: {"side": Side.SELL},
        OrderRejected: {"take_profit_price": Decimal(100), "stop_loss_price": Decimal(90)},
        MarketClosed: {"order_type": OrderType.MARKET_ON_OPEN, "time_in_force": TimeInForce.OPG},
    }
    without: ClassVar[Mapping[Without, str]] = {
        Fault.ORDER_ID_ROLLED_BACK: "its orders are named by our ids and by UUIDs that it draws: no counter can go back",
        Ability.HUNDREDTHS: "it trades in US dollars, and nothing in hundredths of them",
    }
    limit = (200, 60.0)
    burst: ClassVar[Mapping[str, Any]] = {
        "pacing": {"limits": {"requests": {"allowed": 190, "seconds": 60, "at_once": 150}}, "weights": {"*": {"requests": 1}}}
    }

    def __init__(self, folder: Path, shared: AlpacaVenue | None) -> None:
        super().__init__()
        self._folder = folder
        self._asked = 0
        self._venues = ExitStack()
        self._running = shared or self._start()
        if shared is not None:
            shared.venue.book, shared.venue.limiter = self._book(), Limiter(self.limit[0])
            shared.venue.tokens.clear()

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator[AlpacaVenue]:
        next_open_close(NOW)  # the calendar takes a second: not in the middle of a case that waits for a time-out
        with venue_in_thread(VenueBook([], account_code=CODE, cash={})) as shared:
            yield shared

    @classmethod
    @contextmanager
    def running(cls, folder: Path, shared: AlpacaVenue | None) -> Iterator["AlpacaHarness"]:
        harness = cls(folder, shared)
        try:
            yield harness
        finally:
            harness.close()
            harness._venues.close()

    @property
    def book(self) -> VenueBook:
        """The venue's."""
        return self._running.venue.book

    def _start(self) -> AlpacaVenue:
        return self._venues.enter_context(venue_in_thread(self._book(), requests_per_minute=self.limit[0]))

    def _book(self) -> VenueBook:
        return VenueBook(
            LISTINGS,
            account_code=CODE,
            cash={"USD": Decimal(100_000)},
            clock=self.clock,
            state_path=self._folder / "alpaca.state.json",
        )

    def stop(self) -> None:
        self._venues.close()

    def restart(self) -> None:
        self.stop()
        self._running = self._start()

    def make(
        self,
        *,
        environment: Environment = Environment.SANDBOX,
        token: str = TOKEN,
        credentials: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> AlpacaBroker:
        key, secret = sandbox_keys(CODE)
        return AlpacaBroker(
            Account(account_id="conformance", broker="alpaca", environment=environment),
            BrokerContext(
                credentials={"api_key": key, "secret_key": secret, "base_url": self._running.url, **(credentials or {})},
                config={**load_settings().brokers["alpaca"], "timeout_seconds": 5, **(config or {})},
                sandbox_token=token,
                **context,
            ),
        )

    def wrong_credentials(self) -> Mapping[str, str]:
        return {"secret_key": "a-secret-that-nobody-may-see"}

    def nowhere(self) -> Mapping[str, str]:
        return {"base_url": "http://127.0.0.1:1"}  # the lowest port is nobody's here

    def misbehave(self, fault: Fault, times: int = 1) -> None:
        if fault is not Fault.CONNECTIVITY_LOST:
            super().misbehave(fault, times)
            return
        self._asked = len(self.requests())
        super().misbehave(Fault.DROP_CONNECTION, -1)  # nobody answers, and its market goes on

    def happened(self, fault: Fault) -> bool:
        return len(self.requests()) > self._asked if fault is Fault.CONNECTIVITY_LOST else super().happened(fault)

    def line_is_back(self) -> None:
        self.venue_faults().clear()

    def standing(self, client_order_id: str) -> list[Standing]:
        with self.book.lock:
            desk = self._running.venue.desk
            found = [order for order in desk.orders.values() if order.client_order_id == client_order_id]
            return [Standing(STATES[order.status], order.filled_quantity) for order in found if order.status != "rejected"]

    def set_mark(self, contract: Contract, price: Decimal, volume: Decimal | None) -> None:
        with self.book.lock:
            self.book.engine.set_mark(contract.native_id, contract.currency, price, self.clock(), volume=volume, now=self.clock())

    def restrict(self, kind: AssetClass | None) -> None:
        set_flags(self.book, **({"account_blocked": True} if kind is None else {"crypto_status": "INACTIVE"}))

    def unrestrict(self) -> None:
        set_flags(self.book, account_blocked=False, crypto_status="ACTIVE")

    def token_login(self) -> Mapping[str, str]:
        key, secret = sandbox_keys(CODE)
        return {"api_key": "", "secret_key": "", "client_id": key, "client_secret": secret}

    def person_login(self) -> Mapping[str, str]:
        key, secret = sandbox_keys(CODE)
        return {"api_key": "", "secret_key": "", "app_id": key, "app_secret": secret}

    def visit(self, url: str, *, allow: bool = True) -> Mapping[str, str]:
        page, _, query = url.partition("?")
        pressed = dict(parse_qsl(query)) | {"decision": "allow" if allow else "deny"}
        with requests.Session() as browser:
            browser.trust_env = False
            answer = browser.post(page, data=pressed, allow_redirects=False, timeout=10)
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def end_logins(self) -> None:
        self._running.venue.tokens.clear()

    def venue_faults(self) -> Faults:
        return self.book.faults

    def requests(self) -> list[tuple[float, str, str]]:
        return list(self.book.requests)

    def orders_sent(self) -> int:
        return sum(kind == "POST /v2/orders" for _, kind, _ in self.book.requests)


class TestAlpaca(Conformance):
    column = AlpacaHarness
