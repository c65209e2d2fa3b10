"""A local TWS that listens, with a client of a few lines that has started the API."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.fakes.clock import SetClock
from tests.sandbox.ibkr.client import WireClient

NOW = datetime(2025, 9, 19, 14, 30, tzinfo=UTC)  # a Friday, New York and London are open
STOCK, PAIR, COIN, FUTURE, OPTION, CFD = 265598, 12087792, 479624278, 637533641, 700000001, 700000003


def listing(con_id: int, symbol: str, currency: str, exchange: str, price: str | None = None, **more: Any) -> Listing:
    priced = {"price": Decimal(price), "price_time": NOW} if price else {}
    return Listing(venue="ibkr", native_id=str(con_id), symbol=symbol, currency=currency, exchange=exchange, **priced, **more)


LISTINGS = [
    listing(STOCK, "AAPL", "USD", "NASDAQ", "240", name="APPLE INC", isin="US0378331005"),
    listing(38708077, "AAPL", "EUR", "IBIS", name="APPLE INC", isin="US0378331005"),
    listing(319091809, "TM17", "GBP", "LSE", "3.5", name="EVERPLAY GROUP PLC", price_magnifier=Decimal(100)),
    listing(5, "OLD", "USD", "NYSE", "3", name="Señor's Old-World Bakery", tradable=False, inactive_reason="halted"),
    listing(PAIR, "EUR", "USD", "IDEALPRO", "1.2", asset_class="fx", tick_size=Decimal("0.00005")),
    listing(12087797, "GBP", "USD", "IDEALPRO", "1.5", asset_class="fx"),
    listing(9, "WXYZ", "EUR", "FWB2", "1", asset_class="warrant"),
    listing(COIN, "BTC", "USD", "PAXOS", "60000", asset_class="crypto", lot_size=Decimal("0.0001"), tick_size=Decimal("0.25")),
    listing(FUTURE, "ES", "USD", "CME", "20", asset_class="future", multiplier=Decimal(50), expiry="2026-12-18"),
    listing(OPTION, "AAPL", "USD", "", "3", asset_class="option", multiplier=Decimal(100), expiry="2026-12-18"),
    listing(CFD, "AAPL", "USD", "", "240", name="APPLE INC", isin="US0378331005", asset_class="cfd"),
]


def make_book(**more: Any) -> VenueBook:
    cash = {"USD": Decimal(20_000), "EUR": Decimal(5_000), "GBP": Decimal(100)}
    return VenueBook(LISTINGS, **({"account_code": "DU1", "cash": cash, "clock": SetClock(NOW)} | more))


@pytest.fixture
def book() -> VenueBook:
    return make_book()


@pytest.fixture
def port(book: VenueBook, caplog: pytest.LogCaptureFixture) -> Iterator[int]:
    """Where the venue listens; whatever a client sends, no connection of it may end in an error of its own."""
    with running_ibkr_venue(book) as bound:
        yield bound
    records = caplog.get_records("call") + caplog.get_records("teardown")
    assert [record.getMessage() for record in records if record.name == "asyncio"] == []


@pytest.fixture
def client(port: int) -> Iterator[WireClient]:
    with WireClient(port) as connected:
        yield connected.start()
