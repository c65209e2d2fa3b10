"""Orders, fills and bars, read to their end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.domain.bar import Bar, BarSize
from include.domain.instrument import AssetClass
from include.domain.order import Fill, OrderState, TimeInForce
from include.errors import BrokerUnavailable, InvalidSymbol
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c
from tests.brokers.alpaca.test_malformed import broker_hearing

MONDAY = datetime(2025, 9, 15, 4, 0, tzinfo=UTC)  # midnight in New York


def test_orders_of_all_kinds_oldest_first(broker: AlpacaBroker, book: VenueBook) -> None:
    assert broker.list_orders(open_only=False) == []
    for minute, (name, limit) in enumerate([("A", "150"), ("B", "201"), ("C", "151")]):
        book.clock = lambda minute=minute: c.NOW.replace(minute=minute)
        broker.submit(c.order(quantity="1", limit=limit, order_id=name * 20))
    broker.cancel("A" * 20)
    assert [(one.client_order_id[0], one.state) for one in broker.list_orders(open_only=False)] == [
        ("A", OrderState.CANCELLED),
        ("B", OrderState.FILLED),
        ("C", OrderState.ACCEPTED),
    ]
    assert [one.client_order_id[0] for one in broker.list_orders()] == ["C"]


def test_fills(broker: AlpacaBroker, book: VenueBook) -> None:
    assert broker.fills(c.NOW) == []
    book.engine.marks[c.AAPL] = book.engine.marks[c.AAPL].model_copy(update={"volume": Decimal(4)})
    broker.submit(c.order())
    later = c.NOW + timedelta(minutes=1)
    book.clock = lambda: later
    book.engine.set_mark(c.AAPL, "USD", Decimal(199), later)
    (name, first), (_, second) = broker.fills(c.NOW)
    assert name == "A" * 20
    assert (first.quantity, first.price, first.time) == (Decimal(4), Decimal("200.02"), c.NOW)
    assert (second.quantity, second.price, second.time) == (Decimal(6), Decimal("199.0199"), later)
    assert first.fill_id != second.fill_id
    assert "::" not in first.fill_id
    assert [fill for _, fill in broker.fills(c.NOW + timedelta(microseconds=500))] == [second]
    assert [fill for _, fill in broker.fills(later)] == [second]


def test_fills_of_many_pages_and_of_old_orders(broker: AlpacaBroker, book: VenueBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.brokers.alpaca.reading.FILLS_PAGE", 2)
    for number in range(5):
        broker.submit(c.order(quantity="1", order_id=f"R{number:019d}".replace("0", "A").replace("1", "B")))
    week_later = c.NOW + timedelta(days=7)
    told = broker.fills(c.NOW)
    assert len({fill.fill_id for _, fill in told}) == 5
    assert sum("page_token" in detail for kind, detail in [(k, d) for _, k, d in book.requests]) == 2
    book.clock = lambda: week_later
    assert broker.fills(week_later) == []


def test_a_fill_of_an_order_that_is_too_old_to_be_listed(broker: AlpacaBroker, book: VenueBook) -> None:
    broker.submit(c.order(limit="150", time_in_force=TimeInForce.GTC))
    later = c.NOW + timedelta(days=7)
    book.clock = lambda: later
    book.engine.set_mark(c.AAPL, "USD", Decimal(149), later)
    [(name, fill)] = broker.fills(later)
    assert (name, fill.quantity) == ("A" * 20, Decimal(10))


def tape(server: AlpacaVenue, native_id: str, *ticks: tuple[datetime, str]) -> None:
    server.venue.desk.tape[native_id] = [(time, Decimal(price)) for time, price in ticks]


def day(number: int) -> datetime:
    return datetime(2025, 9, number, tzinfo=UTC)


def test_daily_bars_are_of_a_sessions_date(broker: AlpacaBroker, server: AlpacaVenue) -> None:
    ticks = [(MONDAY + timedelta(hours=10), "100"), (MONDAY + timedelta(hours=12), "104"), (MONDAY + timedelta(hours=15), "98")]
    tape(server, c.AAPL, *ticks, (MONDAY + timedelta(hours=23), "99"), (MONDAY + timedelta(days=1, hours=10), "103"))
    [monday, tuesday] = broker.bars(c.contract(), BarSize.DAY, day(15), day(17))
    numbers = {"open": Decimal(100), "high": Decimal(104), "low": Decimal(98), "close": Decimal(99), "volume": Decimal(400)}
    assert monday == Bar(native_id=c.AAPL, currency="USD", time=day(15), **numbers)
    assert (tuesday.time, tuesday.close) == (day(16), Decimal(103))
    assert broker.bars(c.contract(), BarSize.DAY, day(15), day(16)) == [monday]
    assert broker.bars(c.contract(), BarSize.DAY, day(15) + timedelta(hours=1), day(17)) == [tuesday]
    assert broker.bars(c.contract(), BarSize.DAY, day(15), day(15) + timedelta(hours=1)) == [monday]
    assert broker.bars(c.contract(), BarSize.DAY, day(1), day(2)) == []


@pytest.mark.parametrize(("size", "count"), [(BarSize.MINUTE, 3), (BarSize.HOUR, 2)])
def test_shorter_bars_end_before_the_end(broker: AlpacaBroker, server: AlpacaVenue, size: BarSize, count: int) -> None:
    hour = MONDAY + timedelta(hours=10)
    tape(server, c.AAPL, (hour, "100"), (hour + timedelta(minutes=1), "101"), (hour + timedelta(hours=1), "102"))
    found = broker.bars(c.contract(), size, hour, hour + timedelta(hours=2))
    assert (len(found), found[0].time, found[0].open) == (count, hour, Decimal(100))
    assert len(broker.bars(c.contract(), size, hour, hour + timedelta(hours=1))) == count - 1


def test_bars_of_crypto(broker: AlpacaBroker, server: AlpacaVenue) -> None:
    tape(server, c.BITCOIN, (day(15), "100000"), (day(15) + timedelta(hours=23), "99000"))
    pair = c.contract(c.BITCOIN, "BTC/USD", asset_class=AssetClass.CRYPTO)
    [bar] = broker.bars(pair, BarSize.DAY, day(15), day(16))
    assert (bar.time, bar.open, bar.close) == (day(15), Decimal(100000), Decimal(99000))


def test_bars_of_more_pages(broker: AlpacaBroker, server: AlpacaVenue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.sandbox.alpaca.data.MAX_BARS", 2)
    tape(server, c.AAPL, *((MONDAY + timedelta(minutes=n), "100") for n in range(5)))
    assert len(broker.bars(c.contract(), BarSize.MINUTE, MONDAY, MONDAY + timedelta(hours=1))) == 5


def test_bars_of_another_brokers_contract(broker: AlpacaBroker) -> None:
    with pytest.raises(InvalidSymbol):
        broker.bars(c.contract(broker="ibkr"), BarSize.DAY, day(15), day(16))


@pytest.mark.parametrize("answer", [{}, [1], "text", 7, None, [{}], {"bars": 5}, {"bars": {"AAPL": [{"t": "soon"}]}}])
def test_answers_that_are_none(answer: object) -> None:
    with broker_hearing(answer) as broker:
        for read in (
            broker.list_orders,
            lambda: broker.fills(c.NOW),
            lambda: broker.bars(c.contract(), BarSize.DAY, day(15), day(16)),
        ):
            with pytest.raises(BrokerUnavailable):
                read()


@pytest.mark.parametrize("fault", ["server_error", "malformed_body", "drop_connection", "half_response"])
def test_trouble_is_never_an_empty_list(broker: AlpacaBroker, book: VenueBook, fault: str) -> None:
    for read in (
        broker.list_orders,
        lambda: broker.fills(c.NOW),
        lambda: broker.bars(c.contract(), BarSize.DAY, day(15), day(16)),
    ):
        book.faults.add(fault)
        with pytest.raises(BrokerUnavailable):
            read()


def test_the_last_page_may_be_full(broker: AlpacaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.brokers.alpaca.reading.FILLS_PAGE", 1)
    broker.submit(c.order(quantity="1"))
    [(_, fill)] = broker.fills(c.NOW)
    assert isinstance(fill, Fill)
