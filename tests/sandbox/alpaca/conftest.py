"""The local venue, and the real alpaca-py as it comes: with its models, retries and all."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests

from include.brokers.alpaca import client as _sdk  # noqa: F401  (imports alpaca-py without its warning)
from include.domain.instrument import AssetClass
from include.sandbox.alpaca import sandbox_keys
from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.alpaca.server import AlpacaVenue, venue_in_thread
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from tests.fakes.clock import SetClock

CODE = "SBX12345678"
KEY, SECRET = sandbox_keys(CODE)
NOW = datetime(2025, 9, 19, 14, 0, tzinfo=UTC)  # a Friday, 10:00 in New York
MARKED = datetime(2025, 9, 18, 20, 0, tzinfo=UTC)
AAPL = "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415"
BRK = "11111111-1111-4111-8111-111111111111"
OLD = "22222222-2222-4222-8222-222222222222"
BITCOIN = "276e2673-764b-4ab6-a611-caf665ca6340"
NOVEMBER = "33333333-3333-4333-8333-333333333333"


def listing(native_id: str, symbol: str, price: str | None, **more: Any) -> Listing:
    values = {"venue": "alpaca", "name": f"{symbol} Inc.", "currency": "USD", "exchange": "NASDAQ", "price": price, **more}
    return Listing(native_id=native_id, symbol=symbol, price_time=MARKED if price else None, **values)


LISTINGS = [
    listing(OLD, "AAPL", None, tradable=False, inactive_reason="delisted"),
    listing(AAPL, "AAPL", "200"),
    listing(BRK, "BRK.B", "500", lot_size="0.001", exchange="NYSE"),
    listing(NOVEMBER, "NOV", None),
    listing(BITCOIN, "BTC/USD", "100000", asset_class=AssetClass.CRYPTO, exchange="CRYPTO", lot_size="0.0001", tick_size="1"),
]


@pytest.fixture(scope="package")
def server() -> Iterator[AlpacaVenue]:
    with venue_in_thread(VenueBook([], account_code=CODE, cash={})) as running:
        yield running


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def book(server: AlpacaVenue, clock: SetClock) -> VenueBook:
    server.venue.limiter = Limiter(200)
    server.venue.book = VenueBook(LISTINGS, account_code=CODE, cash={"USD": Decimal(10000)}, clock=clock)
    return server.venue.book


@pytest.fixture
def trading(server: AlpacaVenue, book: VenueBook) -> Iterator[Any]:
    from alpaca.trading.client import TradingClient

    client = TradingClient(KEY, SECRET, url_override=server.url)
    client._session.trust_env = False
    yield client
    client._session.close()


Ask = Callable[..., requests.Response]


@pytest.fixture
def ask(server: AlpacaVenue, book: VenueBook) -> Iterator[Ask]:
    """Bare HTTP: `ask("GET", "/v2/account")`, with the right keys unless `headers` are given."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update({"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET})

        def send(method: str, path: str, **more: Any) -> requests.Response:
            return session.request(method, server.url + path, **{"timeout": 10, **more})

        yield send


def body(**more: Any) -> dict[str, Any]:
    order = {"symbol": "AAPL", "qty": "10", "side": "buy", "type": "limit", "limit_price": "201", "time_in_force": "day"}
    return {key: value for key, value in {**order, "client_order_id": "one", **more}.items() if value is not None}
