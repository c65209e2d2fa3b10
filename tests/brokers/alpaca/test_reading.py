"""Assets, account, positions and quotes, read by the real alpaca-py from the local venue."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.domain.contract import CONTRACT_SCHEMA, from_row
from include.domain.instrument import AssetClass
from include.domain.order import OrderState
from include.errors import BrokerUnavailable
from include.sandbox.alpaca.desk import Desk
from include.sandbox.alpaca.desk_order import DeskOrder
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c


def rows(broker: AlpacaBroker) -> dict[str, dict[str, object]]:
    batches = list(broker.contracts([]))
    assert all(batch.schema == CONTRACT_SCHEMA for batch in batches)
    return {row["symbol"]: row for row in pa.Table.from_batches(batches).to_pylist()}


def test_all_assets_arrive_active_or_not(broker: AlpacaBroker) -> None:
    found = rows(broker)
    assert sorted(found) == ["AAPL", "BTC/USD", "DEAD", "HALT", "ODD", "PNNY", "QUIET", "SPY"]
    assert found["AAPL"] == {
        "broker": "alpaca",
        "native_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "symbol": "AAPL",
        "base": None,
        "name": "Apple Inc. Common Stock",
        "asset_class": "stock",
        "currency": "USD",
        "mic": "XNAS",
        "exchange": "NASDAQ",
        "isin": None,
        "figi": None,
        "share_class_figi": None,
        "cusip": None,
        "expiry": None,
        "multiplier": "1",
        "price_magnifier": "1",
        "lot_size": "1",
        "tick_size": "0.01",
        "min_notional": "1",
        "tradable": True,
        "fractionable": False,
        "inactive_reason": None,
        "evidence": None,
    }
    assert (found["BTC/USD"]["base"], found["BTC/USD"]["currency"]) == ("BTC", "USD")
    assert (found["DEAD"]["tradable"], found["DEAD"]["inactive_reason"]) == (False, "inactive")
    assert (found["HALT"]["tradable"], found["HALT"]["inactive_reason"]) == (False, "not tradable")
    assert [found[s]["mic"] for s in ("SPY", "PNNY", "QUIET", "DEAD")] == ["ARCX", "", "XASE", "XNYS"]


def test_an_exchange_that_alpaca_py_does_not_know_costs_nothing_but_its_mic(broker: AlpacaBroker) -> None:
    odd = rows(broker)["ODD"]
    assert (odd["exchange"], odd["mic"], odd["tradable"]) == ("TXSE", "", True)


def test_a_fund_says_so_in_its_name(broker: AlpacaBroker) -> None:
    found = rows(broker)
    assert found["SPY"]["asset_class"] == "etf"
    assert found["AAPL"]["asset_class"] == "stock"


def test_a_crypto_pair_has_its_own_currency_and_steps(broker: AlpacaBroker) -> None:
    bitcoin = from_row(rows(broker)["BTC/USD"])
    assert (bitcoin.asset_class, bitcoin.currency, bitcoin.mic) == (AssetClass.CRYPTO, "USD", "")
    assert (bitcoin.lot_size, bitcoin.tick_size, bitcoin.min_notional) == (Decimal("0.000000001"), Decimal(1), Decimal(10))
    assert bitcoin.fractionable


def test_no_asset_at_all_is_a_failed_read(broker: AlpacaBroker, book: VenueBook) -> None:
    book.load([])
    with pytest.raises(BrokerUnavailable, match="no asset"):
        list(broker.contracts([]))


def test_crypto_alone_is_a_failed_read_too(broker: AlpacaBroker, book: VenueBook) -> None:
    book.load([one for one in c.LISTINGS if one.asset_class is AssetClass.CRYPTO])
    with pytest.raises(BrokerUnavailable, match="no asset of us_equity"):
        list(broker.contracts([]))


def test_a_list_longer_than_a_batch_comes_in_batches(broker: AlpacaBroker, book: VenueBook) -> None:
    book.load([c.listing(f"id-{n}", f"S{n}", f"Company {n}", "NYSE", None) for n in range(5000)])
    sizes = [batch.num_rows for batch in broker.contracts([])]
    assert sizes == [4096, 904]


def test_an_empty_account(broker: AlpacaBroker) -> None:
    taken = datetime(2025, 9, 18, 20, 30, tzinfo=UTC)
    snapshot = broker.snapshot("2025-09-18", taken)
    assert (snapshot.account_id, snapshot.session, snapshot.taken_at) == ("alpaca-main", "2025-09-18", taken)
    assert snapshot.equity == Decimal(10000)
    assert snapshot.settled_cash == {"USD": Decimal(10000)}
    assert snapshot.positions == ()
    assert snapshot.open_orders == ()


def test_holdings_and_open_orders_are_in_the_snapshot(broker: AlpacaBroker) -> None:
    broker.submit(c.order(quantity="10", limit="201"))
    broker.submit(c.order(quantity="3", limit="150", order_id="B" * 20))
    snapshot = broker.snapshot("2025-09-18", c.NOW)
    [position] = snapshot.positions
    assert (position.native_id, position.symbol, position.mic, position.quantity) == (c.AAPL, "AAPL", "XNAS", Decimal(10))
    # The default half spread is one basis point: bought at 200.02, marked at 200.
    assert (position.average_cost, position.market_price) == (Decimal("200.02"), Decimal(200))
    assert snapshot.settled_cash == {"USD": Decimal("7999.8")}
    assert snapshot.equity == Decimal("9999.8")
    [resting] = snapshot.open_orders
    assert (resting.client_order_id, resting.state, resting.quantity) == ("B" * 20, OrderState.ACCEPTED, Decimal(3))


def test_cash_is_never_buying_power(broker: AlpacaBroker) -> None:
    broker.submit(c.order(quantity="40", limit="150"))  # rests, and sets 6,000 of buying power aside
    assert broker.snapshot("2025-09-18", c.NOW).settled_cash == {"USD": Decimal(10000)}


def test_a_crypto_holding_keeps_its_asset_id(broker: AlpacaBroker) -> None:
    pair = c.contract(c.BITCOIN, "BTC/USD", asset_class=AssetClass.CRYPTO)
    broker.submit(c.order(quantity="0.01", limit="100100", contract=pair, time_in_force="gtc"))
    [position] = broker.snapshot("2025-09-18", c.NOW).positions
    assert (position.native_id, position.quantity, position.currency) == (c.BITCOIN, Decimal("0.01"), "USD")


def test_more_open_orders_than_a_page(
    broker: AlpacaBroker, server: AlpacaVenue, book: VenueBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.brokers.alpaca.reading.PAGE", 5)
    for number in range(23):  # three in the same moment
        _rest(server.venue.desk, number, datetime(2025, 9, 19, 14, 0, number // 3, tzinfo=UTC))
    found = broker.snapshot("2025-09-18", c.NOW).open_orders
    assert [report.client_order_id for report in found] == [f"R{number:019d}" for number in range(23)]
    assert sum(kind == "GET /v2/orders" for _, kind, _ in book.requests) > 4


def _rest(desk: Desk, number: int, at: datetime) -> None:
    wanted = c.order(quantity="1", limit="1", order_id=f"R{number:019d}")
    order = DeskOrder(
        number=desk.next_number(),
        client_order_id=wanted.client_order_id,
        native_id=c.AAPL,
        symbol="AAPL",
        currency="USD",
        kind="us_equity",
        side=wanted.side,
        order_type=wanted.order_type,
        time_in_force=wanted.time_in_force,
        quantity=wanted.quantity,
        limit_price=wanted.limit_price,
        created_at=at,
        updated_at=at,
        expires_at=datetime(2025, 9, 19, 20, 0, tzinfo=UTC),
    )
    desk.submit(order)
