"""A small local TWS with hand-picked listings, and brokers connected to it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from include.brokers.base import BrokerContext
from include.brokers.environment import sandbox_account_code
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.account import Account, Environment
from include.domain.contract import Contract, from_row
from include.domain.instrument import Instrument
from include.domain.order import Order, OrderType, Side, TimeInForce
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.settings import load_settings
from include.simulation.engine import Costs
from tests.fakes.clock import SetClock

TOKEN = "token-of-these-tests"
CODE = sandbox_account_code("DU", TOKEN)
MARK_TIME = datetime(2025, 9, 18, 20, 0, tzinfo=UTC)
NOW = datetime(2025, 9, 19, 14, 30, tzinfo=UTC)


class MemoryLookups:
    """A look-up cache in memory; answers pass through JSON as in the database."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, datetime]] = {}
        self.gets = 0

    def get(self, broker: str, keys: Sequence[str], now: datetime) -> dict[str, list[dict[str, Any]]]:
        self.gets += 1
        return {key: json.loads(self.rows[key][0]) for key in keys if key in self.rows and self.rows[key][1] > now}

    def put(self, broker: str, answers: Mapping[str, list[dict[str, Any]]], fetched_at: datetime, expires_at: datetime) -> None:
        self.rows.update({key: (json.dumps(rows), expires_at) for key, rows in answers.items()})


def listing(con_id: int, symbol: str, name: str, currency: str, exchange: str, price: str | None = None, **more: Any) -> Listing:
    priced = {"price": Decimal(price), "price_time": MARK_TIME} if price else {}
    return Listing(
        venue="ibkr", native_id=str(con_id), symbol=symbol, name=name, currency=currency, exchange=exchange, **priced, **more
    )


LISTINGS = [
    listing(265598, "AAPL", "APPLE INC", "USD", "NASDAQ", "240", isin="US0378331005"),
    listing(38708077, "AAPL", "APPLE INC", "EUR", "IBIS", "205", isin="US0378331005"),
    listing(211595875, "1401", "MBS INC", "JPY", "TSEJ", "905", isin="JP3167660004", lot_size=Decimal(100), tick_size=Decimal(1)),
    listing(773314785, "ROCKA", "ROCKWOOL A/S-A SHS", "DKK", "CPH", "230"),
    listing(14889177, "CCL.A", "CCL INDUSTRIES - CL A", "CAD", "TSE", "76"),
    listing(
        319091809, "TM17", "EVERPLAY GROUP PLC", "GBP", "LSE", "3.5", price_magnifier=Decimal(100), tick_size=Decimal("0.005")
    ),
    listing(748086613, "DWHT.OLD", "DEWHURST GROUP PLC", "GBP", "VALUE", tradable=False, inactive_reason="delisted"),
    listing(621515874, "IY3A", "ILYDA SA", "EUR", "FWB2", isin=None),
    listing(756733, "SPY", "SPDR S&P 500 ETF TRUST", "USD", "ARCA", "660", asset_class="etf"),
    listing(4711, "ÆØ", "ÆRØ FÆRGER A/S", "DKK", "CPH", isin="DK0000000001"),
    listing(12087792, "EUR", "European Monetary Union Euro", "USD", "IDEALPRO", "1.18", asset_class="fx"),
    listing(12087797, "GBP", "British Pound", "USD", "IDEALPRO", "1.36", asset_class="fx"),
    listing(14321016, "EUR", "European Monetary Union Euro", "SEK", "IDEALPRO", asset_class="fx"),
]


def make_book(listings: Sequence[Listing] = LISTINGS, **more: Any) -> VenueBook:
    values: dict[str, Any] = {
        "account_code": CODE,
        "cash": {"EUR": Decimal(100_000), "USD": Decimal(50_000), "GBP": Decimal(10_000)},
        "costs": Costs(half_spread_bp=Decimal(1), commission_bp=Decimal(2)),
        "clock": SetClock(NOW),
    }
    return VenueBook(listings, **(values | more))


def make_broker(
    port: int,
    *,
    for_orders: bool = False,
    lookups: MemoryLookups | None = None,
    environment: Environment = Environment.SANDBOX,
    broker_account: str | None = None,
    token: str | None = TOKEN,
    host: str = "127.0.0.1",
    connects_when_asked: bool = False,
    **config: Any,
) -> IbkrBroker:
    context = BrokerContext(
        credentials={"host": host, "port": str(port), "client_id": "1"},
        config={**load_settings().brokers["ibkr"], "timeout_seconds": 3, **config},
        sandbox_token=token,
        lookups=lookups,
        for_orders=for_orders,
        connects_when_asked=connects_when_asked,
    )
    return IbkrBroker(
        Account(account_id="ibkr-main", broker="ibkr", environment=environment, broker_account=broker_account), context
    )


def instrument(ticker: str, name: str, currency: str, market: str, isin: str | None = None, **more: Any) -> Instrument:
    identity = f"isin:{isin}" if isin else f"ticker:{ticker}"
    return Instrument(instrument_id=identity, ticker=ticker, name=name, currency=currency, market=market, isin=isin, **more)


def found(broker: IbkrBroker, *wanted: Instrument) -> list[Contract]:
    return [from_row(row) for batch in broker.contracts(wanted) for row in batch.to_pylist()]


def contract_of(con_id: int) -> Contract:
    known = next(each for each in LISTINGS if each.native_id == str(con_id))
    return Contract(
        broker="ibkr",
        native_id=known.native_id,
        symbol=known.symbol,
        asset_class=known.asset_class,
        currency=known.currency,
        price_magnifier=known.price_magnifier,
        lot_size=known.lot_size,
        tick_size=known.tick_size,
    )


def order(con_id: int = 265598, reference: str = "AAAAAAAAAAAAAAAAAAA1", limit: str | None = "250", **more: Any) -> Order:
    values: dict[str, Any] = {
        "client_order_id": reference,
        "portfolio": "main",
        "environment": "sandbox",
        "account": "ibkr-main",
        "broker": "ibkr",
        "as_of": "2025-09-18",
        "revision": 1,
        "ticker": "AAPL",
        "instrument_id": "isin:US0378331005",
        "contract": contract_of(con_id),
        "mic": "XNAS",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT if limit else OrderType.MARKET,
        "time_in_force": TimeInForce.DAY,
        "quantity": Decimal(10),
        "limit_price": Decimal(limit) if limit else None,
        "quote_price": Decimal(240),
        "quote_time": MARK_TIME,
        "fx_rate": Decimal("1.18"),
        "notional": Decimal("2033.9"),
        "current_quantity": Decimal(0),
        "target_quantity": Decimal(10),
        "delta_quantity": Decimal(10),
        "reason": "below target",
        "valid_until": datetime(2025, 9, 19, 20, 0, tzinfo=UTC),
    }
    return Order(**(values | more))


def asked(book: VenueBook, *kinds: str) -> list[str]:
    """Details of the logged requests of these kinds, oldest first, without the client id."""
    return [detail.partition(";")[2] for _, kind, detail in book.requests if kind in kinds]


def busiest_second(book: VenueBook) -> int:
    times = [time for time, kind, _ in book.requests if kind != "closed"]
    return max(sum(1 for other in times if time <= other < time + 1) for time in times)


@contextmanager
def unused_port() -> Iterator[int]:
    import socket

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
