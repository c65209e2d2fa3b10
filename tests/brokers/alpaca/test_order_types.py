"""Every type of order through the real alpaca-py: what is sent, when the venue fills it, and what the report says."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.checks import check_order
from include.domain.instrument import AssetClass
from include.domain.order import Order, OrderReport, OrderState, OrderType, Side, TimeInForce
from include.errors import InvalidQuantity, MarketClosed, OrderRejected, Unsupported
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c

ID = "A" * 20
NIGHT = datetime(2025, 9, 19, 12, 0, tzinfo=UTC)  # 8:00 in New York
OPEN = datetime(2025, 9, 19, 13, 30, tzinfo=UTC)
CLOSE = datetime(2025, 9, 19, 20, 0, tzinfo=UTC)
Price = Callable[[str], None]


@pytest.fixture
def price(book: VenueBook, broker: AlpacaBroker) -> Price:
    """Moves the market of AAPL; somebody looks after each move, as the venue's own clock does."""
    minute = iter(range(1, 60))

    def move(to: str) -> None:
        with book.lock:
            book.engine.set_mark(c.AAPL, "USD", Decimal(to), c.NOW.replace(minute=next(minute)))
        broker.find_order("Z" * 20)
        broker.list_orders()

    return move


def typed(kind: OrderType, side: str = "buy", quantity: str = "10", **more: Any) -> Order:
    wanted = c.order(side, quantity, None, **more).model_copy(update={"order_type": kind})
    return Order.model_validate(wanted.model_dump())


def found(broker: AlpacaBroker, order_id: str = ID) -> OrderReport:
    report = broker.find_order(order_id)
    assert report is not None
    return report


def holding(broker: AlpacaBroker, quantity: str = "10") -> None:
    broker.submit(c.order(quantity=quantity, order_id="H" * 20))


def test_a_stop_to_buy_waits_for_its_price(broker: AlpacaBroker, price: Price) -> None:
    broker.submit(typed(OrderType.STOP, stop_price=Decimal(210)))
    price("209.99")
    assert found(broker).state is OrderState.ACCEPTED
    price("210")
    assert (found(broker).state, found(broker).average_price) == (OrderState.FILLED, Decimal("210.021"))


def test_a_stop_to_buy_is_no_market_order_at_any_price(broker: AlpacaBroker, price: Price) -> None:
    broker.submit(typed(OrderType.STOP, stop_price=Decimal(210)))
    price("216")  # Alpaca made a limit of 215.25 of it
    assert found(broker).state is OrderState.ACCEPTED
    price("212")
    assert found(broker).average_price == Decimal("212.0212")


def test_a_stop_to_sell(broker: AlpacaBroker, price: Price) -> None:
    holding(broker)
    broker.submit(typed(OrderType.STOP, "sell", stop_price=Decimal(190)))
    price("190.01")
    assert found(broker).state is OrderState.ACCEPTED
    price("150")
    assert (found(broker).state, found(broker).average_price) == (OrderState.FILLED, Decimal("149.985"))


def test_a_stop_limit_becomes_a_limit(broker: AlpacaBroker, price: Price) -> None:
    holding(broker)
    broker.submit(typed(OrderType.STOP_LIMIT, "sell", stop_price=Decimal(190), limit_price=Decimal(188)))
    price("180")
    assert found(broker).state is OrderState.ACCEPTED
    price("189")
    assert (found(broker).state, found(broker).average_price) == (OrderState.FILLED, Decimal("188.9811"))


@pytest.mark.parametrize("trail", [{"trail_amount": Decimal(10)}, {"trail_pct": Decimal("4.6")}])
def test_a_trailing_stop_follows_the_market(broker: AlpacaBroker, price: Price, trail: dict[str, Decimal]) -> None:
    holding(broker)
    broker.submit(typed(OrderType.TRAILING_STOP, "sell", **trail))
    price("220")
    price("210.01")
    assert found(broker).state is OrderState.ACCEPTED
    price("209")
    assert (found(broker).state, found(broker).average_price) == (OrderState.FILLED, Decimal("208.9791"))


def test_a_trailing_stop_never_moves_away(broker: AlpacaBroker, price: Price) -> None:
    broker.submit(typed(OrderType.TRAILING_STOP, quantity="1", trail_amount=Decimal(10)))
    for to in ("180", "185", "189.99"):
        price(to)
        assert found(broker).state is OrderState.ACCEPTED
    price("190")
    assert found(broker).state is OrderState.FILLED


@pytest.mark.parametrize(
    ("kind", "times", "due"),
    [(OrderType.MARKET_ON_OPEN, TimeInForce.OPG, OPEN), (OrderType.MARKET_ON_CLOSE, TimeInForce.CLS, CLOSE)],
)
def test_orders_for_an_auction(broker: AlpacaBroker, book: VenueBook, kind: OrderType, times: TimeInForce, due: datetime) -> None:
    book.clock = lambda: NIGHT
    broker.submit(typed(kind, time_in_force=times))
    book.clock = lambda: due.replace(minute=due.minute - 1) if due.minute else due.replace(hour=due.hour - 1)
    assert found(broker).state is OrderState.ACCEPTED
    book.clock = lambda: due
    assert found(broker).state is OrderState.FILLED


def test_a_limit_for_an_auction_that_does_not_fill_is_cancelled(broker: AlpacaBroker, book: VenueBook) -> None:
    book.clock = lambda: NIGHT
    broker.submit(c.order(limit="150", time_in_force=TimeInForce.OPG))
    assert found(broker).state is OrderState.ACCEPTED
    book.clock = lambda: OPEN
    assert found(broker).state is OrderState.CANCELLED


def test_the_window_of_an_auction(broker: AlpacaBroker) -> None:
    with pytest.raises(MarketClosed, match="after 7:00pm"):  # it is ten in the morning
        broker.submit(typed(OrderType.MARKET_ON_OPEN, time_in_force=TimeInForce.OPG))
    assert broker.find_order(ID) is None


BRACKET = {"take_profit_price": Decimal(220), "stop_loss_price": Decimal(190)}


def test_a_bracket_that_gains(broker: AlpacaBroker, price: Price) -> None:
    first = broker.submit(c.order(**BRACKET))
    assert [leg.side for leg in first.legs] == [Side.SELL, Side.SELL]
    assert found(broker).state is OrderState.FILLED
    price("221")
    gain, loss = found(broker).legs
    assert (gain.state, gain.filled_quantity, loss.state) == (OrderState.FILLED, Decimal(10), OrderState.CANCELLED)
    assert broker.snapshot("2025-09-19", c.NOW).positions == ()


@pytest.mark.parametrize(("limit", "ends"), [(None, "180"), (Decimal(185), "186")])
def test_a_bracket_that_loses(broker: AlpacaBroker, price: Price, limit: Decimal | None, ends: str) -> None:
    broker.submit(c.order(**BRACKET, stop_loss_limit_price=limit))
    price("180")
    price(ends)
    gain, loss = found(broker).legs
    assert (gain.state, loss.state, loss.filled_quantity) == (OrderState.CANCELLED, OrderState.FILLED, Decimal(10))


def test_a_bracket_whose_entry_is_cancelled_leaves_nothing(broker: AlpacaBroker) -> None:
    broker.submit(c.order(limit="195", **BRACKET))
    report = broker.cancel(ID)
    assert report.state is OrderState.CANCELLED
    assert [leg.state for leg in report.legs] == [OrderState.CANCELLED, OrderState.CANCELLED]
    assert broker.list_orders() == []


@pytest.mark.parametrize("leg", BRACKET)
def test_an_entry_with_one_closing_order(broker: AlpacaBroker, price: Price, leg: str) -> None:
    broker.submit(c.order(**{leg: BRACKET[leg]}))
    price("221" if leg == "take_profit_price" else "180")
    [closing] = found(broker).legs
    assert closing.state is OrderState.FILLED


def test_closing_orders_wait_for_the_whole_entry(broker: AlpacaBroker, book: VenueBook, price: Price) -> None:
    book.engine.marks[c.AAPL] = book.engine.marks[c.AAPL].model_copy(update={"volume": Decimal(4)})
    broker.submit(c.order(**BRACKET))
    report = found(broker)
    assert (report.state, report.filled_quantity) == (OrderState.PARTIALLY_FILLED, Decimal(4))
    price("200.5")
    assert found(broker).state is OrderState.FILLED
    price("180")
    assert [leg.state for leg in found(broker).legs] == [OrderState.CANCELLED, OrderState.FILLED]


def test_an_amount_of_money(broker: AlpacaBroker, server: AlpacaVenue, book: VenueBook) -> None:
    fractions = {"lot_size": Decimal("0.000000001")}
    book.load([one.model_copy(update=fractions) if one.native_id == c.SPY else one for one in c.LISTINGS])
    fund = c.contract(c.SPY, "SPY", asset_class=AssetClass.ETF, fractionable=True)
    broker.submit(c.order(quantity="0.75", limit=None, contract=fund, cash_amount=Decimal("500.75")))
    [sent] = server.venue.desk.orders.values()
    assert (sent.notional, sent.quantity) == (Decimal("500.75"), Decimal("0.758636257"))
    assert found(broker).filled_quantity == Decimal("0.758636257")
    broker.submit(c.order(quantity="0.5", limit="661", contract=fund, order_id="B" * 20))
    assert found(broker, "B" * 20).state is OrderState.FILLED


def test_extended_hours(broker: AlpacaBroker, server: AlpacaVenue) -> None:
    broker.submit(c.order(extended_hours=True))
    assert server.venue.desk.orders[1].extended_hours


PAIR = c.contract(c.BITCOIN, "BTC/USD", asset_class=AssetClass.CRYPTO)


@pytest.mark.parametrize("times", [TimeInForce.GTC, TimeInForce.IOC])
def test_crypto(broker: AlpacaBroker, times: TimeInForce) -> None:
    wanted = c.order(quantity="0.01", limit="101000", contract=PAIR, time_in_force=times)
    check_order(wanted, broker.capabilities)
    broker.submit(wanted)
    assert found(broker).state is OrderState.FILLED


def test_crypto_for_an_amount_of_money(broker: AlpacaBroker) -> None:
    wanted = c.order(quantity="0.01", limit=None, contract=PAIR, time_in_force=TimeInForce.GTC, cash_amount=Decimal(1000))
    check_order(wanted, broker.capabilities)
    broker.submit(wanted)
    assert found(broker).filled_quantity == Decimal("0.009999000")


def test_a_stop_limit_of_crypto(broker: AlpacaBroker, book: VenueBook) -> None:
    more = {"stop_price": Decimal(110000), "limit_price": Decimal(111000), "time_in_force": TimeInForce.GTC}
    wanted = typed(OrderType.STOP_LIMIT, quantity="0.01", contract=PAIR, **more)
    check_order(wanted, broker.capabilities)
    broker.submit(wanted)
    assert found(broker).state is OrderState.ACCEPTED
    book.engine.set_mark(c.BITCOIN, "USD", Decimal(110500), c.NOW)
    assert found(broker).state is OrderState.FILLED


@pytest.mark.parametrize(
    "wanted",
    [
        c.order(quantity="0.01", contract=PAIR),
        c.order(quantity="0.01", contract=PAIR, time_in_force=TimeInForce.FOK),
        typed(OrderType.STOP, quantity="0.01", contract=PAIR, stop_price=Decimal(1), time_in_force=TimeInForce.GTC),
        c.order(quantity="0.01", contract=PAIR, time_in_force=TimeInForce.GTC, **BRACKET),
        c.order(quantity="0.01", contract=PAIR, time_in_force=TimeInForce.GTC, extended_hours=True),
    ],
)
def test_what_is_not_declared_for_crypto(wanted: Order) -> None:
    with pytest.raises(Unsupported):
        check_order(wanted, AlpacaBroker.capabilities)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (typed(OrderType.STOP, stop_price=Decimal(210), time_in_force=TimeInForce.IOC), "stops as day or gtc"),
        (typed(OrderType.TRAILING_STOP, quantity="1.5", trail_pct=Decimal(5)), "simple orders"),
        (c.order(extended_hours=True, time_in_force=TimeInForce.GTC), "extended hours"),
        (c.order(limit=None, extended_hours=True), "extended hours"),
        (c.order(quantity="1.5", time_in_force=TimeInForce.GTC), "for the day only"),
        (c.order(cash_amount=Decimal(10), time_in_force=TimeInForce.GTC), "for the day only"),
        (c.order(quantity="1.5", **BRACKET), "simple orders"),
        (c.order(time_in_force=TimeInForce.FOK, **BRACKET), "brackets as day or gtc"),
        (c.order(extended_hours=True, **BRACKET), "brackets in regular hours"),
        (typed(OrderType.STOP, stop_price=Decimal(210), **BRACKET), "with brackets"),
    ],
)
def test_combinations_that_alpaca_does_not_take_are_not_sent(
    broker: AlpacaBroker, book: VenueBook, wanted: Order, words: str
) -> None:
    with pytest.raises(Unsupported, match=words):
        broker.submit(wanted)
    assert not any(kind == "POST /v2/orders" for _, kind, _ in book.requests)


@pytest.mark.parametrize(
    ("wanted", "error", "text"),
    [
        (typed(OrderType.STOP, stop_price=Decimal("210.001")), InvalidQuantity, "invalid stop_price 210.001"),
        (c.order(take_profit_price=Decimal("201"), stop_loss_price=Decimal(190)), OrderRejected, "take_profit.limit_price"),
        (c.order(take_profit_price=Decimal("220"), stop_loss_price=Decimal(200)), OrderRejected, "stop_loss.stop_price"),
        (c.order("sell", **BRACKET), OrderRejected, "entry orders"),
    ],
)
def test_what_alpaca_refuses(broker: AlpacaBroker, wanted: Order, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        broker.submit(wanted)
    assert broker.find_order(ID) is None
