"""The real alpaca-py, with its own models, reads everything the venue writes."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.fakes.clock import SetClock
from tests.sandbox.alpaca.conftest import AAPL, BITCOIN, BRK, CODE, KEY, SECRET


def limit(**more: Any) -> Any:
    from alpaca.trading.requests import LimitOrderRequest

    return LimitOrderRequest(
        **{
            "symbol": "AAPL",
            "qty": 10,
            "side": "buy",
            "time_in_force": "day",
            "limit_price": 201,
            "client_order_id": "one",
            **more,
        }
    )


def test_assets(trading: Any) -> None:
    from alpaca.trading.enums import AssetClass, AssetStatus
    from alpaca.trading.requests import GetAssetsRequest

    everything = trading.get_all_assets()
    assert [(a.symbol, a.status.value, a.fractionable) for a in everything] == [
        ("AAPL", "inactive", False),
        ("AAPL", "active", False),
        ("BRK.B", "active", True),
        ("NOV", "active", False),
    ]
    active = trading.get_all_assets(GetAssetsRequest(status=AssetStatus.ACTIVE, exchange="NYSE"))
    assert [a.symbol for a in active] == ["BRK.B"]
    [bitcoin] = trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert (bitcoin.id, bitcoin.min_trade_increment, bitcoin.price_increment) == (UUID(BITCOIN), 0.0001, 1.0)


@pytest.mark.parametrize(
    ("wanted", "found"), [("AAPL", AAPL), (AAPL, AAPL), ("BRK.B", BRK), ("BTC/USD", BITCOIN), ("BTCUSD", BITCOIN)]
)
def test_one_asset_by_any_of_its_names(trading: Any, wanted: str, found: str) -> None:
    assert trading.get_asset(wanted).id == UUID(found)


def test_account_and_positions(trading: Any, book: VenueBook) -> None:
    account = trading.get_account()
    assert (account.account_number, account.status.value, account.currency) == (CODE, "ACTIVE", "USD")
    assert (account.cash, account.equity, account.buying_power) == ("10000", "10000", "10000")
    assert trading.get_all_positions() == []
    trading.submit_order(limit())
    trading.submit_order(limit(client_order_id="two", qty=4, limit_price=100))
    trading.submit_order(limit(client_order_id="three", qty=3, side="sell", limit_price=300))
    [position] = trading.get_all_positions()
    assert (position.symbol, position.qty, position.qty_available, position.side.value) == ("AAPL", "10", "7", "long")
    assert (position.avg_entry_price, position.current_price, position.cost_basis) == ("200.02", "200", "2000.2")
    assert trading.get_open_position("AAPL").qty == "10"
    account = trading.get_account()
    assert (account.cash, account.equity, account.buying_power) == ("7999.8", "9999.8", "7599.8")


def test_an_order_is_pending_first_and_filled_on_the_next_look(trading: Any) -> None:
    placed = trading.submit_order(limit())
    assert (placed.status.value, placed.filled_qty, placed.filled_avg_price) == ("pending_new", "0", None)
    for found in (trading.get_order_by_id(placed.id), trading.get_order_by_client_id("one")):
        assert (found.id, found.status.value, found.filled_qty, found.filled_avg_price) == (placed.id, "filled", "10", "200.02")
        assert found.filled_at is not None


def test_lists_of_orders(trading: Any, clock: SetClock) -> None:
    from alpaca.trading.requests import GetOrdersRequest

    trading.submit_order(limit())
    clock.now = clock.now.replace(minute=1)
    trading.submit_order(limit(client_order_id="two", limit_price=100))
    clock.now = clock.now.replace(minute=2)
    trading.submit_order(limit(client_order_id="three", symbol="BRK.B", qty=1, limit_price=100))

    def ids(**query: Any) -> list[str]:
        return [order.client_order_id for order in trading.get_orders(GetOrdersRequest(**query))]

    assert ids() == ["three", "two"]  # open ones, newest first
    assert ids(status="all", direction="asc") == ["one", "two", "three"]
    assert ids(status="closed") == ["one"]
    assert ids(status="all", limit=1) == ["three"]
    assert ids(symbols=["BRK.B"]) == ["three"]
    assert ids(status="all", side="sell") == []
    first = clock.now.replace(minute=0)
    assert ids(status="all", after=first, until=clock.now) == ["two"]


def test_cancelling(trading: Any) -> None:
    from alpaca.common.exceptions import APIError

    resting = trading.submit_order(limit(limit_price=100))
    trading.cancel_order_by_id(resting.id)
    assert trading.get_order_by_id(resting.id).status.value == "canceled"
    with pytest.raises(APIError) as caught:
        trading.cancel_order_by_id(resting.id)
    assert (caught.value.status_code, caught.value.code) == (422, 42210000)
    trading.submit_order(limit(client_order_id="two", limit_price=100))
    trading.submit_order(limit(client_order_id="three", limit_price=101))
    assert [answer.status for answer in trading.cancel_orders()] == [200, 200]
    assert trading.get_orders() == []


def test_a_client_id_is_taken_for_ever(trading: Any) -> None:
    from alpaca.common.exceptions import APIError

    placed = trading.submit_order(limit(limit_price=100))
    trading.cancel_order_by_id(placed.id)
    with pytest.raises(APIError) as caught:
        trading.submit_order(limit())
    assert (caught.value.status_code, caught.value.code) == (422, 40010001)
    assert caught.value.message == "client_order_id must be unique"


def test_a_day_order_ends_with_new_yorks_day(trading: Any, clock: SetClock) -> None:
    placed = trading.submit_order(limit(limit_price=100))
    assert placed.expires_at is not None
    assert placed.expires_at.isoformat() == "2025-09-19T20:00:00+00:00"
    clock.now = placed.expires_at
    assert trading.get_order_by_id(placed.id).status.value == "expired"


def test_the_library_itself_sends_a_post_again_after_504(trading: Any, book: VenueBook) -> None:
    """Why the adapter switches that off: with an id of its own each time, the order would stand twice."""
    from alpaca.common.exceptions import APIError

    trading._retry_wait = 0
    book.faults.add("accept_then_server_error")
    with pytest.raises(APIError) as caught:
        trading.submit_order(limit())
    assert caught.value.code == 40010001
    book.faults.add("accept_then_server_error")
    trading.submit_order(limit(client_order_id=None))
    assert [order.client_order_id == "one" for order in book.engine.orders.values()] == [True, False, False]


def test_clock_and_calendar(trading: Any, clock: SetClock) -> None:
    from alpaca.trading.requests import GetCalendarRequest

    now = trading.get_clock()
    assert (now.is_open, now.next_open.isoformat(), now.next_close.isoformat()) == (
        True,
        "2025-09-22T09:30:00-04:00",
        "2025-09-19T16:00:00-04:00",
    )
    clock.now = clock.now.replace(hour=21)
    assert trading.get_clock().is_open is False
    week = trading.get_calendar(GetCalendarRequest(start=date(2025, 11, 26), end=date(2025, 12, 1)))
    assert [(d.date.isoformat(), f"{d.open:%H:%M}", f"{d.close:%H:%M}") for d in week] == [
        ("2025-11-26", "09:30", "16:00"),
        ("2025-11-28", "09:30", "13:00"),
        ("2025-12-01", "09:30", "16:00"),
    ]
    assert trading.get_calendar(GetCalendarRequest(start=date(2030, 1, 1), end=date(2030, 2, 1))) == []
    assert len(trading.get_calendar()) > 400


def test_market_data(server: AlpacaVenue, book: VenueBook) -> None:
    from alpaca.data.historical.crypto import CryptoHistoricalDataClient
    from alpaca.data.historical.stock import StockHistoricalDataClient
    from alpaca.data.requests import (
        CryptoLatestQuoteRequest,
        StockLatestBarRequest,
        StockLatestQuoteRequest,
        StockLatestTradeRequest,
    )

    stocks = StockHistoricalDataClient(KEY, SECRET, url_override=server.url)
    crypto = CryptoHistoricalDataClient(KEY, SECRET, url_override=server.url)
    names = ["AAPL", "BRK.B", "NOV", "NOBODY"]
    try:
        quotes = stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=names))
        assert sorted(quotes) == ["AAPL", "BRK.B"]
        assert (quotes["AAPL"].bid_price, quotes["AAPL"].ask_price) == (199.98, 200.02)
        assert quotes["AAPL"].timestamp.isoformat() == "2025-09-18T20:00:00+00:00"
        assert stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))["AAPL"].close == 200
        assert stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))["AAPL"].price == 200
        pairs = crypto.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols="BTC/USD"))
        assert (pairs["BTC/USD"].bid_price, pairs["BTC/USD"].ask_price) == (99990, 100010)
    finally:
        stocks._session.close()
        crypto._session.close()
