"""Changing standing orders: at Alpaca another order takes their place, and everything is still found under our id."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.alpaca.standing import chain_from, own_id, report_of, reports_of, successor_id
from include.domain.order import Order, OrderChange, OrderReport, OrderState, OrderType, TimeInForce
from include.errors import BrokerUnavailable, InsufficientFunds, InvalidQuantity, OrderRejected, OutcomeUnknown
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c
from tests.brokers.alpaca.test_order_types import typed
from tests.brokers.alpaca.test_reports import row

ID = "A" * 20


def found(broker: AlpacaBroker) -> OrderReport:
    report = broker.find_order(ID)
    assert report is not None
    return report


def patches(book: VenueBook) -> int:
    return sum(kind.startswith("PATCH") for _, kind, _ in book.requests)


def test_a_new_price(broker: AlpacaBroker, server: AlpacaVenue) -> None:
    first = broker.submit(c.order(limit="150"))
    changed = broker.modify(ID, OrderChange(limit_price=Decimal("151.5"), quantity=Decimal(7), time_in_force=TimeInForce.GTC))
    assert (changed.client_order_id, changed.state, changed.quantity) == (ID, OrderState.ACCEPTED, Decimal(7))
    assert changed.broker_order_id != first.broker_order_id
    assert found(broker).broker_order_id == changed.broker_order_id
    old, new = server.venue.desk.orders.values()
    assert (old.status, new.status, new.client_order_id) == ("replaced", "new", f"{ID}.r1")
    assert (new.limit_price, new.quantity, new.time_in_force) == (Decimal("151.5"), Decimal(7), TimeInForce.GTC)


def test_changed_again_and_cancelled_under_our_id(broker: AlpacaBroker, server: AlpacaVenue) -> None:
    broker.submit(c.order(limit="150"))
    for price in (151, 152, 153):
        broker.modify(ID, OrderChange(limit_price=Decimal(price)))
    assert [report.client_order_id for report in broker.list_orders()] == [ID]
    assert len(broker.list_orders(open_only=False)) == 1
    assert broker.cancel(ID).state is OrderState.CANCELLED
    assert [order.status for order in server.venue.desk.orders.values()] == ["replaced", "replaced", "replaced", "canceled"]
    assert broker.list_orders() == []


def test_a_change_that_fills_at_once(broker: AlpacaBroker) -> None:
    broker.submit(c.order(limit="150"))
    broker.modify(ID, OrderChange(limit_price=Decimal(201)))
    assert (found(broker).state, found(broker).filled_quantity) == (OrderState.FILLED, Decimal(10))
    assert [(name, fill.quantity) for name, fill in broker.fills(c.NOW)] == [(ID, Decimal(10))]


@pytest.mark.parametrize(
    ("wanted", "change", "field", "value"),
    [
        (typed(OrderType.STOP, stop_price=Decimal(210)), OrderChange(stop_price=Decimal(220)), "stop_price", "220"),
        (typed(OrderType.TRAILING_STOP, trail_amount=Decimal(9)), OrderChange(trail_amount=Decimal(8)), "trail_price", "8"),
        (typed(OrderType.TRAILING_STOP, trail_pct=Decimal(9)), OrderChange(trail_pct=Decimal(8)), "trail_percent", "8"),
    ],
)
def test_other_prices(
    broker: AlpacaBroker, server: AlpacaVenue, wanted: Order, change: OrderChange, field: str, value: str
) -> None:
    broker.submit(wanted)
    broker.modify(ID, change)
    assert getattr(server.venue.desk.orders[2], field) == Decimal(value)


def test_the_entry_of_a_bracket_keeps_its_closing_orders(broker: AlpacaBroker, book: VenueBook) -> None:
    broker.submit(c.order(limit="195", take_profit_price=Decimal(220), stop_loss_price=Decimal(190)))
    broker.modify(ID, OrderChange(limit_price=Decimal(201)))
    assert found(broker).state is OrderState.FILLED
    book.engine.set_mark(c.AAPL, "USD", Decimal(225), c.NOW)
    assert [leg.state for leg in found(broker).legs] == [OrderState.FILLED, OrderState.CANCELLED]


@pytest.mark.parametrize("fault", ["accept_then_server_error", "accept_then_drop"])
def test_a_lost_answer_is_found_under_our_id(broker: AlpacaBroker, book: VenueBook, server: AlpacaVenue, fault: str) -> None:
    broker.submit(c.order(limit="150"))
    book.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        broker.modify(ID, OrderChange(limit_price=Decimal(151)))
    assert patches(book) == 1
    report = found(broker)
    assert (report.state, report.broker_order_id) == (OrderState.ACCEPTED, str(server.venue.order_uuid(2)))
    with pytest.raises(OrderRejected, match="not changed"):  # whoever asks again changes nothing twice
        broker.modify(ID, OrderChange(limit_price=Decimal(151)))
    assert len(server.venue.desk.open_orders()) == 1


@pytest.mark.parametrize("fault", ["server_error", "drop_connection"])
def test_a_change_that_never_arrived(broker: AlpacaBroker, book: VenueBook, server: AlpacaVenue, fault: str) -> None:
    broker.submit(c.order(limit="150"))
    client = broker._client
    assert client is not None
    replace = client.replace

    def then_trouble(*args: Any) -> Any:
        book.faults.add(fault)
        return replace(*args)

    client.replace = then_trouble  # type: ignore[method-assign]
    with pytest.raises(OutcomeUnknown):
        broker.modify(ID, OrderChange(limit_price=Decimal(151)))
    assert (found(broker).broker_order_id, patches(book)) == (str(server.venue.order_uuid(1)), 1)


def test_a_successor_that_alpaca_rejected_has_used_its_id_up(broker: AlpacaBroker, server: AlpacaVenue) -> None:
    broker.submit(c.order(limit="150"))
    desk = server.venue.desk
    refused = desk.orders[1].model_copy(update={"number": 2, "client_order_id": f"{ID}.r1", "status": "rejected", "replaces": 1})
    desk._put(refused)
    broker.modify(ID, OrderChange(limit_price=Decimal(151)))
    assert desk.orders[3].client_order_id == f"{ID}.r2"
    assert found(broker).broker_order_id == str(server.venue.order_uuid(3))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (OrderChange(), OrderRejected, "expected a change"),
        (OrderChange(quantity=Decimal("1.5")), InvalidQuantity, "whole"),
        (OrderChange(trail_amount=Decimal(1), trail_pct=Decimal(1)), OrderRejected, "not both"),
        (OrderChange(trail_amount=Decimal(1)), OrderRejected, "not accepted"),
        (OrderChange(stop_price=Decimal(100)), OrderRejected, "not accepted"),
        (OrderChange(limit_price=Decimal("150.005")), InvalidQuantity, "sub-penny"),
        (OrderChange(limit_price=Decimal(150)), OrderRejected, "not changed"),
        (OrderChange(quantity=Decimal(67)), InsufficientFunds, "buying power"),
    ],
)
def test_changes_that_are_refused(broker: AlpacaBroker, change: OrderChange, error: type[Exception], words: str) -> None:
    first = broker.submit(c.order(limit="150"))
    with pytest.raises(error, match=words):
        broker.modify(ID, change)
    assert (found(broker).state, found(broker).broker_order_id) == (OrderState.ACCEPTED, first.broker_order_id)


def test_nothing_and_what_is_over_is_not_changed(broker: AlpacaBroker) -> None:
    with pytest.raises(OrderRejected, match="no order"):
        broker.modify(ID, OrderChange(limit_price=Decimal(151)))
    broker.submit(c.order())
    with pytest.raises(OrderRejected, match="filled already"):
        broker.modify(ID, OrderChange(limit_price=Decimal(151)))


def test_a_partly_filled_order_is_not_changed(broker: AlpacaBroker, book: VenueBook) -> None:
    book.engine.marks[c.AAPL] = book.engine.marks[c.AAPL].model_copy(update={"volume": Decimal(4)})
    broker.submit(c.order())
    with pytest.raises(OrderRejected, match="partly filled"):
        broker.modify(ID, OrderChange(limit_price=Decimal(151)))
    assert patches(book) == 0


def test_an_order_that_is_replaced_while_it_is_cancelled(broker: AlpacaBroker, server: AlpacaVenue) -> None:
    broker.submit(c.order(limit="150"))
    client = broker._client
    assert client is not None
    cancel, raced = client.cancel, []

    def replaced_first(broker_order_id: str) -> Any:
        if not raced:
            raced.append(broker_order_id)
            server.venue.desk.replace(1, {"client_order_id": f"{ID}.r1", "limit_price": Decimal(151)})
        return cancel(broker_order_id)

    client.cancel = replaced_first  # type: ignore[method-assign]
    assert broker.cancel(ID).state is OrderState.CANCELLED
    assert server.venue.desk.open_orders() == []


# The chain by itself.


def link(number: int, **more: Any) -> dict[str, Any]:
    name = ID if number == 1 else successor_id(ID, number - 1)
    return row(id=str(number), client_order_id=name, **more)


def test_a_chain_adds_up() -> None:
    first = link(1, status="replaced", replaced_by="2", filled_qty="4", filled_avg_price="100")
    second = link(2, qty="6", status="filled", replaces="1", filled_qty="6", filled_avg_price="110")
    for report in (report_of([first, second]), *reports_of([first, second]), *reports_of([second, first])):
        assert (report.client_order_id, report.broker_order_id, report.state) == (ID, "2", OrderState.FILLED)
        assert (report.quantity, report.filled_quantity, report.average_price) == (Decimal(10), Decimal(10), Decimal(106))
    waiting = report_of([first, link(2, qty="6", replaces="1")])
    assert (waiting.state, waiting.filled_quantity) == (OrderState.PARTIALLY_FILLED, Decimal(4))


def test_an_order_replaced_without_a_successor_is_over() -> None:
    [report] = reports_of([link(1, status="replaced")])
    assert (report.state, report.message) == (OrderState.CANCELLED, "replaced")


def test_a_chain_that_is_a_ring() -> None:
    ring = link(1, status="replaced", replaced_by="1")
    with pytest.raises(BrokerUnavailable, match="again and again"):
        chain_from(ring, lambda _: ring)


@given(st.text(alphabet="ABCXYZ234567", min_size=20, max_size=20), st.integers(1, 10**6))
def test_a_successor_tells_whose_it_is(own: str, step: int) -> None:
    assert own_id(successor_id(own, step)) == own == own_id(own)


@pytest.mark.parametrize("other", ["", "A", "A" * 20 + ".r", "A" * 20 + ".r0", "A" * 21 + ".r1", "a" * 20 + ".r1", ID + ".r1x"])
def test_ids_of_others_stay_theirs(other: str) -> None:
    assert own_id(other) == other
