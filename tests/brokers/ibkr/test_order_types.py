"""Every type of order and kind of contract through the unmodified client library against the local TWS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.brokers.checks import check_order
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.instrument import AssetClass
from include.domain.order import Order, OrderChange, OrderState, OrderType, Side, TimeInForce
from include.errors import InvalidQuantity, NotPermitted, OrderRejected, OutcomeUnknown, PolybrokerError, Unsupported
from include.sandbox.book import VenueBook
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.kinds import CFD, COIN, FUTURE, OPTION, PAIR, STOCK, WARRANT, kind_of, kinds_book, mark
from tests.brokers.ibkr.venue import NOW, asked, found, instrument, make_broker, order
from tests.fakes.clock import SetClock

REF = "AAAAAAAAAAAAAAAAAAA1"
CLOSE = datetime(2025, 9, 19, 20, 0, tzinfo=UTC)
NEXT_OPEN = datetime(2025, 9, 22, 13, 30, tzinfo=UTC)


@pytest.fixture
def book() -> VenueBook:
    return kinds_book()


@pytest.fixture
def broker(book: VenueBook) -> Iterator[IbkrBroker]:
    with running_ibkr_venue(book) as port, make_broker(port, for_orders=True) as connected:
        yield connected


def typed(order_type: OrderType, con_id: int = STOCK, **more: Any) -> Order:
    """An order of a declared type: what the checks before every adapter refuse is no test of this one."""
    made = order(con_id if con_id == STOCK else STOCK, limit=None, order_type=order_type, **more)
    made = made.model_copy(update={"contract": kind_of(con_id)})
    check_order(made, IbkrBroker.capabilities)
    return made


def state(broker: IbkrBroker, reference: str = REF) -> OrderState:
    report = broker.find_order(reference)
    assert report is not None
    return report.state


def hold_ten(broker: IbkrBroker) -> None:
    assert broker.submit(typed(OrderType.MARKET, client_order_id="AAAAAAAAAAAAAAAAAAA0")).state is OrderState.FILLED


def test_a_stop(book: VenueBook, broker: IbkrBroker) -> None:
    report = broker.submit(typed(OrderType.STOP, stop_price=Decimal(245)))
    assert report.state is OrderState.ACCEPTED
    mark(book, "246")
    filled = broker.find_order(REF)
    assert filled is not None
    assert (filled.state, filled.average_price) == (OrderState.FILLED, Decimal("246.0246"))


def test_a_stop_limit(book: VenueBook, broker: IbkrBroker) -> None:
    broker.submit(typed(OrderType.STOP_LIMIT, stop_price=Decimal(245), limit_price=Decimal("245.5")))
    mark(book, "250")
    assert state(broker) is OrderState.ACCEPTED
    mark(book, "245")
    assert state(broker) is OrderState.FILLED


@pytest.mark.parametrize(("trail", "stop"), [({"trail_amount": Decimal(12)}, "248"), ({"trail_pct": Decimal(5)}, "247")])
def test_a_trailing_stop(book: VenueBook, broker: IbkrBroker, trail: dict[str, Decimal], stop: str) -> None:
    hold_ten(broker)
    broker.submit(typed(OrderType.TRAILING_STOP, side=Side.SELL, **trail))
    mark(book, "260")
    assert state(broker) is OrderState.ACCEPTED  # asked, so that the venue has seen that price
    mark(book, "248.5")
    assert state(broker) is OrderState.ACCEPTED
    mark(book, stop)
    assert state(broker) is OrderState.FILLED


@pytest.mark.parametrize(
    ("kind", "tif", "limit", "auction", "wire"),
    [
        (OrderType.MARKET_ON_OPEN, TimeInForce.OPG, None, NEXT_OPEN, "MKT "),
        (OrderType.LIMIT, TimeInForce.OPG, "250", NEXT_OPEN, "LMT 250"),
        (OrderType.MARKET_ON_CLOSE, TimeInForce.CLS, None, CLOSE, "MOC "),
        (OrderType.LIMIT, TimeInForce.CLS, "250", CLOSE, "LOC 250"),
    ],
)
def test_auctions(
    book: VenueBook,
    broker: IbkrBroker,
    kind: OrderType,
    tif: TimeInForce,
    limit: str | None,
    auction: datetime,
    wire: str,
) -> None:
    price = Decimal(limit) if limit else None
    assert broker.submit(typed(kind, time_in_force=tif, limit_price=price)).state is OrderState.ACCEPTED
    assert asked(book, "place_order") == [f"conid=265598;BUY 10 {wire};ref={REF};orderid={book.extra[1]['ticket']['api_id']}"]
    assert isinstance(book.clock, SetClock)
    book.clock.now = auction - timedelta(seconds=1)
    assert state(broker) is OrderState.ACCEPTED
    book.clock.now = auction
    assert state(broker) is OrderState.FILLED


def bracket(**more: Any) -> Order:
    values = {"limit_price": Decimal(250), "take_profit_price": Decimal(260), "stop_loss_price": Decimal(230)}
    return typed(OrderType.LIMIT, **(values | more))


def test_a_bracket_and_its_profit(book: VenueBook, broker: IbkrBroker) -> None:
    report = broker.submit(bracket())
    assert (report.state, report.filled_quantity) == (OrderState.FILLED, Decimal(10))
    assert [(leg.client_order_id, leg.state, leg.side) for leg in report.legs] == [
        (REF + "/tp", OrderState.ACCEPTED, Side.SELL),
        (REF + "/sl", OrderState.ACCEPTED, Side.SELL),
    ]
    mark(book, "261")
    after = broker.find_order(REF)
    assert after is not None
    assert [(leg.client_order_id, leg.state) for leg in after.legs] == [
        (REF + "/tp", OrderState.FILLED),
        (REF + "/sl", OrderState.CANCELLED),
    ]
    assert book.engine.positions == {}


def test_a_bracket_and_its_loss_with_a_limit(book: VenueBook, broker: IbkrBroker) -> None:
    broker.submit(bracket(stop_loss_limit_price=Decimal(229), take_profit_price=None))
    mark(book, "229.5")
    after = broker.find_order(REF + "/sl")
    assert after is not None
    assert after.state is OrderState.FILLED


def test_a_part_of_the_profit_is_taken_off_the_stop(book: VenueBook, broker: IbkrBroker) -> None:
    broker.submit(bracket())
    mark(book, "261", volume="4")
    after = broker.find_order(REF)
    assert after is not None
    assert [(leg.state, leg.filled_quantity, leg.quantity) for leg in after.legs] == [
        (OrderState.PARTIALLY_FILLED, Decimal(4), Decimal(10)),
        (OrderState.ACCEPTED, Decimal(0), Decimal(6)),
    ]


def test_closing_orders_end_with_their_entry(broker: IbkrBroker) -> None:
    broker.submit(bracket(limit_price=Decimal(200)))
    cancelled = broker.cancel(REF)
    assert [cancelled.state, *(leg.state for leg in cancelled.legs)] == [OrderState.CANCELLED] * 3


def test_an_entry_never_stands_without_its_closing_orders(book: VenueBook, broker: IbkrBroker) -> None:
    with pytest.raises(InvalidQuantity, match="110"):
        broker.submit(bracket(limit_price=Decimal(200), take_profit_price=Decimal("260.001")))
    assert state(broker) is OrderState.CANCELLED
    assert broker.list_orders() == []


def test_an_entry_that_filled_before_its_closing_order_was_refused_is_told(broker: IbkrBroker) -> None:
    with pytest.raises(OutcomeUnknown, match="closing order was refused"):
        broker.submit(bracket(take_profit_price=Decimal("260.001")))
    assert state(broker) is OrderState.FILLED


def test_a_refused_bracket_leaves_nothing(broker: IbkrBroker) -> None:
    with pytest.raises(InvalidQuantity, match="110"):
        broker.submit(bracket(limit_price=Decimal("250.001")))
    assert broker.list_orders(open_only=False) == []


def test_a_rejected_entry_takes_its_closing_orders_along(broker: IbkrBroker) -> None:
    with pytest.raises(PolybrokerError, match="insufficient"):
        broker.submit(bracket(quantity=Decimal(10_000)))
    assert broker.list_orders() == []


def test_outside_of_regular_hours(book: VenueBook, broker: IbkrBroker) -> None:
    broker.submit(typed(OrderType.LIMIT, limit_price=Decimal(200), extended_hours=True))
    assert book.extra[1]["ticket"]["outside_rth"] is True
    with pytest.raises(Unsupported, match="outside of regular hours"):
        broker.submit(typed(OrderType.MARKET, extended_hours=True, client_order_id="AAAAAAAAAAAAAAAAAAA2"))


def test_currencies(book: VenueBook, broker: IbkrBroker) -> None:
    report = broker.submit(typed(OrderType.LIMIT, PAIR, limit_price=Decimal("1.21"), quantity=Decimal(1000)))
    assert (report.state, report.average_price) == (OrderState.FILLED, Decimal("1.20012"))
    assert book.engine.cash["EUR"] == Decimal(101_000)
    money = typed(OrderType.MARKET, PAIR, cash_amount=Decimal(600), client_order_id="AAAAAAAAAAAAAAAAAAA2")
    assert broker.submit(money).filled_quantity == Decimal(499)  # 600 / 1.20012, in whole euros


def test_coins(book: VenueBook, broker: IbkrBroker) -> None:
    some = typed(OrderType.LIMIT, COIN, limit_price=Decimal(61_000), quantity=Decimal("0.1"), time_in_force=TimeInForce.IOC)
    assert broker.submit(some).filled_quantity == Decimal("0.1")
    for_money = {"cash_amount": Decimal(1000), "time_in_force": TimeInForce.IOC}
    report = broker.submit(typed(OrderType.MARKET, COIN, client_order_id="AAAAAAAAAAAAAAAAAAA2", **for_money))
    assert (report.state, report.filled_quantity) == (OrderState.FILLED, Decimal("0.0166"))
    with pytest.raises(OrderRejected, match="10289"):
        broker.submit(typed(OrderType.MARKET, COIN, client_order_id="AAAAAAAAAAAAAAAAAAA3", time_in_force=TimeInForce.IOC))


@pytest.mark.parametrize(("con_id", "quantity", "cash"), [(FUTURE, 2, "47999.4"), (OPTION, 1, "49699.91")])
def test_futures_and_options(book: VenueBook, broker: IbkrBroker, con_id: int, quantity: int, cash: str) -> None:
    report = broker.submit(typed(OrderType.MARKET, con_id, quantity=Decimal(quantity)))
    assert report.state is OrderState.FILLED
    assert book.engine.cash["USD"] == Decimal(cash)  # price, spread and commission, times the multiplier


PRICES = {STOCK: 240, PAIR: Decimal("1.2"), COIN: 60_000, FUTURE: 20, OPTION: 3, WARRANT: 2, CFD: 240}
DECLARED = [
    (con_id, kind)
    for con_id in PRICES
    for kind in sorted(IbkrBroker.capabilities.for_kind(kind_of(con_id).asset_class).order_types)
]


@pytest.mark.parametrize(("con_id", "kind"), DECLARED)
def test_every_declared_type_is_taken_for_every_declared_kind(broker: IbkrBroker, con_id: int, kind: str) -> None:
    price = Decimal(PRICES[con_id])
    needs: dict[str, dict[str, Any]] = {
        "limit": {"limit_price": price / 2},
        "stop": {"stop_price": price * 2},
        "stop_limit": {"stop_price": price * 2, "limit_price": price * 2},
        "trailing_stop": {"trail_pct": Decimal(5)},
        "market_on_open": {"time_in_force": TimeInForce.OPG},
        "market_on_close": {"time_in_force": TimeInForce.CLS},
    }
    more = needs.get(kind, {})
    if con_id == COIN and kind == "market":
        more = {"cash_amount": Decimal(600), "time_in_force": TimeInForce.IOC}
    quantity = Decimal("0.1") if con_id == COIN else Decimal(1)
    report = broker.submit(typed(OrderType(kind), con_id, quantity=quantity, **more))
    assert report.state is (OrderState.FILLED if kind == "market" else OrderState.ACCEPTED)


@pytest.mark.parametrize("con_id", [PAIR, FUTURE, OPTION, WARRANT, CFD])
def test_brackets_of_other_kinds(broker: IbkrBroker, con_id: int) -> None:
    price = Decimal(PRICES[con_id])
    exits = {"take_profit_price": price * 2, "stop_loss_price": price / 2}
    report = broker.submit(typed(OrderType.LIMIT, con_id, quantity=Decimal(1), limit_price=price * 3 / 2, **exits))
    assert (report.state, [leg.state for leg in report.legs]) == (OrderState.FILLED, [OrderState.ACCEPTED] * 2)


def test_what_is_not_declared_is_refused_before_it_is_sent() -> None:
    for kind, more in (
        (COIN, {"order_type": OrderType.STOP, "stop_price": Decimal(1)}),
        (COIN, {"order_type": OrderType.LIMIT, "limit_price": Decimal(1), "take_profit_price": Decimal(2)}),
        (FUTURE, {"order_type": OrderType.MARKET_ON_CLOSE, "time_in_force": TimeInForce.CLS}),
        (CFD, {"order_type": OrderType.MARKET_ON_CLOSE, "time_in_force": TimeInForce.CLS}),
        (STOCK, {"order_type": OrderType.MARKET, "cash_amount": Decimal(100)}),
    ):
        with pytest.raises(Unsupported):
            typed(con_id=kind, **more)


def test_pairs_and_coins_are_looked_up(broker: IbkrBroker) -> None:
    euro = instrument("EURUSD=X", "EUR/USD", "USD", "FX", asset_class=AssetClass.FX)
    bitcoin = instrument("BTC-USD", "Bitcoin", "USD", "CRYPTO", asset_class=AssetClass.CRYPTO)
    nothing = instrument("XRP-USD", "Ripple", "USD", "CRYPTO", asset_class=AssetClass.CRYPTO)
    pair, coin = found(broker, euro, bitcoin, nothing)
    assert (pair.native_id, pair.base, pair.currency, pair.exchange, pair.asset_class) == (
        str(PAIR), "EUR", "USD", "IDEALPRO", AssetClass.FX
    )  # fmt: skip
    assert (coin.native_id, coin.base, coin.exchange, coin.lot_size, coin.fractionable) == (
        str(COIN), "BTC", "PAXOS", Decimal("0.0001"), True
    )  # fmt: skip


def test_a_change(book: VenueBook, broker: IbkrBroker) -> None:
    broker.submit(typed(OrderType.LIMIT, limit_price=Decimal(200)))
    changed = broker.modify(REF, OrderChange(quantity=Decimal(7), limit_price=Decimal(201)))
    assert (changed.state, changed.quantity, changed.client_order_id) == (OrderState.ACCEPTED, Decimal(7), REF)
    ticket = book.extra[1]["ticket"]
    assert (ticket["limit_price"], ticket["quantity"], len(book.extra)) == ("201", "7", 1)
    assert broker.modify(REF, OrderChange(limit_price=Decimal(250))).state is OrderState.FILLED
    with pytest.raises(OrderRejected, match="filled"):
        broker.modify(REF, OrderChange(limit_price=Decimal(251)))
    with pytest.raises(OrderRejected, match="has no order"):
        broker.modify("AAAAAAAAAAAAAAAAAAA9", OrderChange(limit_price=Decimal(251)))


def test_a_refused_change_leaves_the_order_as_it_was(book: VenueBook, broker: IbkrBroker) -> None:
    broker.submit(typed(OrderType.LIMIT, limit_price=Decimal(200)))
    with pytest.raises(InvalidQuantity):
        broker.modify(REF, OrderChange(limit_price=Decimal("200.001")))
    standing = broker.find_order(REF)
    assert standing is not None
    assert (standing.state, standing.quantity) == (OrderState.ACCEPTED, Decimal(10))
    assert book.extra[1]["ticket"]["limit_price"] == "200"
    assert broker.cancel(REF).state is OrderState.CANCELLED


def test_an_order_is_changed_after_a_reconnection(book: VenueBook) -> None:
    with running_ibkr_venue(book) as port:
        with make_broker(port, for_orders=True) as broker:
            broker.submit(typed(OrderType.STOP, stop_price=Decimal(245), time_in_force=TimeInForce.GTC))
        with make_broker(port, for_orders=True) as broker:
            broker.modify(REF, OrderChange(stop_price=Decimal(250)))
            with pytest.raises(OrderRejected, match="limit_price"):
                broker.modify(REF, OrderChange(limit_price=Decimal(250)))
        other = make_broker(port, for_orders=True)
        other.context.credentials["client_id"] = "2"  # type: ignore[index]
        with other, pytest.raises(NotPermitted, match="client id 1"):
            other.modify(REF, OrderChange(stop_price=Decimal(251)))
    assert book.extra[1]["ticket"]["stop_price"] == "250"


def test_a_trail_is_changed(book: VenueBook, broker: IbkrBroker) -> None:
    hold_ten(broker)
    broker.submit(typed(OrderType.TRAILING_STOP, side=Side.SELL, trail_pct=Decimal(5)))
    broker.modify(REF, OrderChange(trail_amount=Decimal(3)))
    ticket = book.extra[2]["ticket"]
    assert (ticket["trail_amount"], ticket["trail_pct"]) == ("3", None)


def test_orders_are_listed(book: VenueBook, broker: IbkrBroker) -> None:
    assert (broker.list_orders(), broker.list_orders(open_only=False)) == ([], [])
    broker.submit(bracket())
    broker.submit(typed(OrderType.LIMIT, limit_price=Decimal(200), client_order_id="AAAAAAAAAAAAAAAAAAA2"))
    open_ones = broker.list_orders()
    assert [each.client_order_id for each in open_ones] == [REF + "/tp", REF + "/sl", "AAAAAAAAAAAAAAAAAAA2"]
    every = broker.list_orders(open_only=False)
    assert [(each.client_order_id, each.state, len(each.legs)) for each in every] == [
        (REF, OrderState.FILLED, 2),
        ("AAAAAAAAAAAAAAAAAAA2", OrderState.ACCEPTED, 0),
    ]


def test_fills_are_listed_with_what_they_cost(book: VenueBook, broker: IbkrBroker) -> None:
    assert broker.fills(NOW) == []
    broker.submit(typed(OrderType.MARKET))
    assert isinstance(book.clock, SetClock)
    book.clock.now = NOW + timedelta(minutes=1)
    broker.submit(typed(OrderType.MARKET, client_order_id="AAAAAAAAAAAAAAAAAAA2", quantity=Decimal(1)))
    both = broker.fills(NOW)
    assert [(reference, fill.quantity, fill.commission) for reference, fill in both] == [
        (REF, Decimal(10), Decimal("0.48")),
        ("AAAAAAAAAAAAAAAAAAA2", Decimal(1), Decimal("0.048")),
    ]
    assert [reference for reference, _ in broker.fills(NOW + timedelta(seconds=1))] == ["AAAAAAAAAAAAAAAAAAA2"]
