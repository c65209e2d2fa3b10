"""One local venue for the whole folder; every test gets a fresh book in it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.base import BrokerContext
from include.brokers.environment import sandbox_account_code
from include.domain.account import Account, Environment
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.order import Order, OrderType, Side, TimeInForce
from include.sandbox.alpaca import sandbox_keys
from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.alpaca.server import AlpacaVenue, venue_in_thread
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing

TOKEN = "token-of-the-tests"
CODE = sandbox_account_code("", TOKEN)
CONFIG: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[3] / "include/config/brokers/alpaca.yaml").read_text(encoding="utf-8")
)
MARKED = datetime(2025, 9, 18, 20, 0, tzinfo=UTC)
NOW = datetime(2025, 9, 19, 14, 0, tzinfo=UTC)  # a Friday, New York is open

AAPL = "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415"
SPY = "b28f4066-5c6d-479b-a2af-85dc1a8f16fb"
PENNY = "00000000-0000-4000-8000-000000000001"
DEAD = "00000000-0000-4000-8000-000000000002"
HALTED = "00000000-0000-4000-8000-000000000003"
ODD = "00000000-0000-4000-8000-000000000004"
SILENT = "00000000-0000-4000-8000-000000000005"
BITCOIN = "276e2673-764b-4ab6-a611-caf665ca6340"


def listing(native_id: str, symbol: str, name: str, exchange: str, price: str | None, **more: Any) -> Listing:
    time = MARKED if price else None
    values = {"venue": "alpaca", "currency": "USD", "price": price, "price_time": time, **more}
    return Listing(native_id=native_id, symbol=symbol, name=name, exchange=exchange, **values)


LISTINGS = [
    listing(AAPL, "AAPL", "Apple Inc. Common Stock", "NASDAQ", "200"),
    listing(SPY, "SPY", "SPDR S&P 500 ETF Trust", "ARCA", "660"),
    listing(PENNY, "PNNY", "Penny Corp", "OTC", "0.5"),
    listing(DEAD, "DEAD", "Gone Inc.", "NYSE", None, tradable=False, inactive_reason="delisted"),
    listing(HALTED, "HALT", "Halted Inc.", "NYSE", "10", tradable=False, inactive_reason="halted"),
    listing(ODD, "ODD", "On a Market of Tomorrow", "TXSE", "30"),
    listing(SILENT, "QUIET", "No Price Ltd.", "AMEX", None),
    listing(
        BITCOIN,
        "BTC/USD",
        "Bitcoin / US Dollar",
        "CRYPTO",
        "100000",
        asset_class=AssetClass.CRYPTO,
        lot_size="0.000000001",
        tick_size="1",
    ),
]


def new_book(cash: str = "10000", **more: Any) -> VenueBook:
    return VenueBook(LISTINGS, account_code=CODE, cash={"USD": Decimal(cash)}, clock=lambda: NOW, **more)


@pytest.fixture(scope="package")
def server() -> Iterator[AlpacaVenue]:
    with venue_in_thread(new_book()) as running:
        yield running


@pytest.fixture
def book(server: AlpacaVenue) -> VenueBook:
    """A fresh account with 10,000 USD, and a full minute's requests."""
    server.venue.book, server.venue.limiter = new_book(), Limiter(200)
    return server.venue.book


Open = Callable[..., AlpacaBroker]


@pytest.fixture
def opened(server: AlpacaVenue, book: VenueBook) -> Iterator[Open]:
    """Opens brokers; keyword arguments replace credentials, `config` and `account` fields, all closed after the test."""
    brokers = []

    def open_broker(
        credentials: dict[str, str] | None = None, config: dict[str, Any] | None = None, **account: Any
    ) -> AlpacaBroker:
        key, secret = sandbox_keys(CODE)
        context = BrokerContext(
            credentials={"api_key": key, "secret_key": secret, "base_url": server.url, **(credentials or {})},
            config={**CONFIG, **(config or {})},
            sandbox_token=TOKEN,
        )
        fields = {"account_id": "alpaca-main", "broker": "alpaca", "environment": Environment.SANDBOX, **account}
        broker = AlpacaBroker(Account(**fields), context)
        brokers.append(broker)
        broker.connect()
        return broker

    yield open_broker
    for broker in brokers:
        broker.close()


@pytest.fixture
def broker(opened: Open) -> AlpacaBroker:
    return opened()


def contract(native_id: str = AAPL, symbol: str = "AAPL", **more: Any) -> Contract:
    return Contract(**{"broker": "alpaca", "native_id": native_id, "symbol": symbol, "currency": "USD", **more})


def order(side: str = "buy", quantity: str = "10", limit: str | None = "201", order_id: str = "A" * 20, **more: Any) -> Order:
    wanted = more.pop("contract", None) or contract()
    values: dict[str, Any] = {
        "client_order_id": order_id,
        "portfolio": "main",
        "environment": "sandbox",
        "account": "alpaca-main",
        "broker": "alpaca",
        "as_of": "2025-09-18",
        "revision": 1,
        "ticker": wanted.symbol,
        "instrument_id": f"ticker:{wanted.symbol}",
        "contract": wanted,
        "mic": "XNAS",
        "side": Side(side),
        "order_type": OrderType.LIMIT if limit else OrderType.MARKET,
        "time_in_force": TimeInForce.DAY,
        "quantity": Decimal(quantity),
        "limit_price": Decimal(limit) if limit else None,
        "quote_price": Decimal(200),
        "quote_time": MARKED,
        "fx_rate": Decimal("1.17"),
        "notional": Decimal(1700),
        "current_quantity": Decimal(0),
        "target_quantity": Decimal(quantity),
        "delta_quantity": Decimal(quantity),
        "reason": "a test",
        "valid_until": datetime(2025, 9, 19, 20, 0, tzinfo=UTC),
        **more,
    }
    return Order(**values)
