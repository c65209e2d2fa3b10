"""Every kind of answer of the venue, checked against what is published.

alpaca-py's own models read it, and the fields are those of Alpaca's documented examples.

| answer | model of alpaca-py | documented example |
|---|---|---|
| order, bracket, replacement | alpaca.trading.models.Order | docs.alpaca.markets/reference/postorder, /patchorderbyorderid-1 |
| execution | alpaca.trading.models.TradeActivity | docs.alpaca.markets/docs/account-activities |
| order message | alpaca.trading.models.TradeUpdate | docs.alpaca.markets/docs/websocket-streaming |
| account | alpaca.trading.models.TradeAccount | docs.alpaca.markets/reference/getaccount-1 |
| position | alpaca.trading.models.Position | docs.alpaca.markets/reference/getallopenpositions |
| asset | alpaca.trading.models.Asset | docs.alpaca.markets/reference/get-v2-assets-symbol_or_asset_id |
| clock, calendar | alpaca.trading.models.Clock, Calendar | docs.alpaca.markets/us/reference/legacyclock |
| quotes, trades, bars | alpaca.data.models.Quote, Trade, BarSet | docs.alpaca.markets/reference/stockbars, /cryptobars-1 |
| quote message | alpaca.data.models.Quote through StockDataStream | docs.alpaca.markets/docs/real-time-stock-pricing-data |
| access token | alpaca-py has none | docs.alpaca.markets/docs/authentication |
| refusal | alpaca.common.exceptions.APIError | docs.alpaca.markets/docs/orders-at-alpaca (sub-penny example) |
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.sandbox.alpaca.conftest import AAPL, KEY, SECRET, Ask, body
from tests.sandbox.alpaca.test_library import limit

# The fields of the documented examples; most of them are optional in alpaca-py's models.
ORDER = [
    "id",
    "client_order_id",
    "created_at",
    "updated_at",
    "submitted_at",
    "filled_at",
    "expired_at",
    "expires_at",
    "canceled_at",
    "failed_at",
    "replaced_at",
    "replaced_by",
    "replaces",
    "asset_id",
    "symbol",
    "asset_class",
    "notional",
    "qty",
    "filled_qty",
    "filled_avg_price",
    "order_class",
    "order_type",
    "type",
    "side",
    "time_in_force",
    "limit_price",
    "stop_price",
    "status",
    "extended_hours",
    "legs",
    "trail_percent",
    "trail_price",
    "hwm",
]
ACTIVITY = [
    "activity_type",
    "cum_qty",
    "id",
    "leaves_qty",
    "price",
    "qty",
    "side",
    "symbol",
    "transaction_time",
    "order_id",
    "type",
]
ACCOUNT = [
    "account_blocked",
    "account_number",
    "buying_power",
    "cash",
    "currency",
    "daytrade_count",
    "daytrading_buying_power",
    "equity",
    "id",
    "last_equity",
    "long_market_value",
    "multiplier",
    "non_marginable_buying_power",
    "pattern_day_trader",
    "portfolio_value",
    "regt_buying_power",
    "short_market_value",
    "shorting_enabled",
    "status",
    "trade_suspended_by_user",
    "trading_blocked",
    "transfers_blocked",
]
POSITION = [
    "asset_id",
    "symbol",
    "exchange",
    "asset_class",
    "avg_entry_price",
    "qty",
    "side",
    "market_value",
    "cost_basis",
    "unrealized_pl",
    "unrealized_plpc",
    "current_price",
    "lastday_price",
    "change_today",
    "qty_available",
]


def test_orders_of_every_kind(trading: Any, ask: Ask, book: VenueBook) -> None:
    from alpaca.trading.models import Order
    from alpaca.trading.requests import ReplaceOrderRequest, StopLossRequest, TakeProfitRequest

    plain = trading.submit_order(limit(limit_price=150))
    assert isinstance(plain, Order)
    changed = trading.replace_order_by_id(plain.id, ReplaceOrderRequest(limit_price=151, client_order_id="two"))
    assert (changed.replaces, changed.client_order_id, changed.limit_price) == (plain.id, "two", "151")
    old = trading.get_order_by_id(plain.id)
    assert (old.status.value, old.replaced_by) == ("replaced", changed.id)
    assert old.replaced_at is not None
    closing = {"take_profit": TakeProfitRequest(limit_price=220), "stop_loss": StopLossRequest(stop_price=190, limit_price=189)}
    bracket = trading.submit_order(limit(qty=1, client_order_id="three", order_class="bracket", **closing))
    assert bracket.order_class.value == "bracket"
    assert [(leg.type.value, leg.side.value, leg.status.value) for leg in bracket.legs] == [
        ("limit", "sell", "held"),
        ("stop_limit", "sell", "held"),
    ]
    rows = ask("GET", "/v2/orders?status=all&nested=true").json()
    assert [sorted(row) for row in rows] == [sorted(ORDER)] * len(rows)
    assert sorted(rows[0]["legs"][0]) == sorted(ORDER)


def test_every_type_of_order_is_read(trading: Any) -> None:
    from alpaca.trading.requests import MarketOrderRequest, StopLimitOrderRequest, StopOrderRequest, TrailingStopOrderRequest

    common = {"symbol": "AAPL", "qty": 1, "side": "buy", "time_in_force": "gtc"}
    sent = [
        trading.submit_order(MarketOrderRequest(**common)),
        trading.submit_order(StopOrderRequest(**common, stop_price=210)),
        trading.submit_order(StopLimitOrderRequest(**common, stop_price=210, limit_price=211)),
        trading.submit_order(TrailingStopOrderRequest(**common, trail_percent=5)),
        trading.submit_order(MarketOrderRequest(symbol="BRK.B", notional=100, side="buy", time_in_force="day")),
    ]
    assert [order.type.value for order in sent] == ["market", "stop", "stop_limit", "trailing_stop", "market"]
    trail = trading.get_order_by_id(sent[3].id)
    assert (trail.hwm, trail.stop_price, trail.trail_percent) == ("200", "210", "5")
    money = trading.get_order_by_id(sent[4].id)
    assert (money.notional, money.qty, money.filled_qty) == ("100", None, "0.199")


def test_executions(trading: Any, ask: Ask) -> None:
    from alpaca.trading.models import TradeActivity

    trading.submit_order(limit())
    [row] = trading.get("/account/activities/FILL", {"page_size": 100})
    activity = TradeActivity(**row)
    assert (activity.price, activity.qty, activity.leaves_qty, activity.type.value) == (200.02, 10, 0, "fill")
    assert set(ACTIVITY) <= set(row)
    assert row["id"].startswith("20250919140000000::")
    assert ask("GET", "/v2/account/activities/FILL?page_size=101").status_code == 422


def test_account_and_positions(trading: Any, ask: Ask) -> None:
    trading.submit_order(limit())
    assert set(ACCOUNT) <= set(ask("GET", "/v2/account").json())
    [position] = ask("GET", "/v2/positions").json()
    assert set(POSITION) <= set(position)
    assert trading.get_open_position("AAPL").asset_class.value == "us_equity"
    assert trading.get_account().status.value == "ACTIVE"


def test_bars(server: AlpacaVenue, book: VenueBook) -> None:
    from alpaca.data.historical.crypto import CryptoHistoricalDataClient
    from alpaca.data.historical.stock import StockHistoricalDataClient
    from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest
    from alpaca.data.timeframe import TimeFrame

    start = datetime(2025, 9, 17, tzinfo=UTC)
    stocks = StockHistoricalDataClient(KEY, SECRET, url_override=server.url)
    crypto = CryptoHistoricalDataClient(KEY, SECRET, url_override=server.url)
    for client in (stocks, crypto):
        client._session.trust_env = False
    try:
        wanted: dict[str, Any] = {"timeframe": TimeFrame.Day, "start": start, "end": start + timedelta(days=3)}
        bars = stocks.get_stock_bars(StockBarsRequest(symbol_or_symbols=["AAPL", "BRK.B"], **wanted))
        assert (bars["AAPL"][0].close, bars["AAPL"][0].timestamp.isoformat()) == (200, "2025-09-18T04:00:00+00:00")
        assert bars["BRK.B"][0].open == 500
        pairs = crypto.get_crypto_bars(CryptoBarsRequest(symbol_or_symbols="BTC/USD", **wanted))
        assert pairs["BTC/USD"][0].close == 100000
    finally:
        stocks._session.close()
        crypto._session.close()


def test_an_access_token(ask: Ask) -> None:
    form = {"grant_type": "client_credentials", "client_id": KEY, "client_secret": SECRET}
    answer = ask("POST", "/v1/oauth2/token", data=form).json()
    assert (sorted(answer), answer["expires_in"], answer["token_type"]) == (
        ["access_token", "expires_in", "token_type"],
        899,
        "Bearer",
    )
    bearer = {"Authorization": f"Bearer {answer['access_token']}", "APCA-API-KEY-ID": None, "APCA-API-SECRET-KEY": None}
    assert ask("GET", "/v2/account", headers=bearer).status_code == 200
    assert ask("GET", "/v2/account", headers={**bearer, "Authorization": "Bearer none"}).status_code == 401
    assert ask("POST", "/v1/oauth2/token", data={**form, "grant_type": "password"}).status_code == 400
    assert ask("POST", "/v1/oauth2/token", data={**form, "client_secret": "x"}).json() == {"error": "invalid_client"}


def test_a_refusal_is_alpacas_example(ask: Ask) -> None:
    answer = ask("POST", "/v2/orders", json=body(limit_price="190.123"))
    words = "invalid limit_price 190.123. sub-penny increment does not fulfill minimum pricing criteria"
    assert (answer.status_code, answer.json()) == (422, {"code": 42210000, "message": words})
    assert len(answer.headers["X-Request-ID"]) == 32


# The library's own streams, as they come.


def listening(
    make: Callable[[Callable[[Any], Awaitable[None]]], Any], act: Callable[[], Any], enough: Callable[[list[Any]], bool]
) -> list[Any]:
    told: list[Any] = []
    stop = threading.Event()

    async def hear(message: Any) -> None:
        told.append(message)
        if enough(told):
            stop.set()

    stream = make(hear)

    async def run() -> None:
        running = asyncio.create_task(stream._run_forever())
        await asyncio.to_thread(act)
        await asyncio.to_thread(stop.wait, 20)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await stream.close()

    asyncio.run(run())
    return told


def opened(book: VenueBook) -> None:
    while not any(kind.startswith("WS") for _, kind, _ in book.requests):
        threading.Event().wait(0.01)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_order_messages(server: AlpacaVenue, book: VenueBook, trading: Any) -> None:
    from alpaca.trading.models import TradeUpdate
    from alpaca.trading.stream import TradingStream

    def make(hear: Any) -> Any:
        stream = TradingStream(KEY, SECRET, url_override=server.url.replace("http", "ws") + "/stream")
        stream.subscribe_trade_updates(hear)
        return stream

    told = listening(make, lambda: (opened(book), trading.submit_order(limit())), lambda told: len(told) == 2)
    assert all(isinstance(one, TradeUpdate) for one in told)
    assert [(one.event, one.order.status.value) for one in told] == [("new", "new"), ("fill", "filled")]
    assert (told[1].qty, told[1].price, told[1].position_qty) == (10, 200.02, 10)
    assert told[1].execution_id is not None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_quote_messages(server: AlpacaVenue, book: VenueBook) -> None:
    from alpaca.data.live.stock import StockDataStream
    from alpaca.data.models import Quote

    def make(hear: Any) -> Any:
        stream = StockDataStream(KEY, SECRET, url_override=server.url.replace("http", "ws") + "/v2/iex")
        stream.subscribe_quotes(hear, "AAPL")
        return stream

    [quote] = listening(make, lambda: opened(book), lambda told: len(told) == 1)
    assert isinstance(quote, Quote)
    assert (quote.symbol, quote.bid_price, quote.ask_price) == ("AAPL", 199.98, 200.02)
    assert quote.timestamp.isoformat() == "2025-09-18T20:00:00+00:00"
    assert AAPL in book.by_native_id
