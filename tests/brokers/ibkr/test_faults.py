"""What the adapter makes of a TWS that misbehaves: nothing is sent twice, nothing is believed that was not said."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from include.brokers.base import ConnectionState
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.order import OrderState
from include.errors import BrokerUnavailable, OrderRejected, OutcomeUnknown, RateLimited
from include.sandbox.book import VenueBook
from include.sandbox.faults import Fault
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.kinds import KINDS, kinds_book, mark
from tests.brokers.ibkr.venue import asked, contract_of, make_broker, order

REF, SECOND = "AAAAAAAAAAAAAAAAAAA1", "AAAAAAAAAAAAAAAAAAA2"


@pytest.fixture
def book() -> VenueBook:
    return kinds_book()


@pytest.fixture
def broker(book: VenueBook) -> Iterator[IbkrBroker]:
    with running_ibkr_venue(book) as port, make_broker(port, for_orders=True, timeout_seconds=0.5) as connected:
        yield connected


def state(broker: IbkrBroker, reference: str = REF) -> OrderState | None:
    report = broker.find_order(reference)
    return report.state if report else None


@pytest.mark.parametrize(
    "fault",
    [Fault.ACCEPT_THEN_SILENT, Fault.ACCEPT_THEN_DROP, Fault.HALF_RESPONSE, Fault.MALFORMED_BODY, Fault.LATE_UPDATE],
)
def test_an_order_without_a_word_is_unknown_and_then_found(book: VenueBook, broker: IbkrBroker, fault: Fault) -> None:
    book.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        broker.submit(order())
    found = broker.find_order(REF)
    assert found is not None
    assert (found.state, found.filled_quantity, len(found.fills)) == (OrderState.FILLED, Decimal(10), 1)
    assert broker.submit(order(reference=SECOND)).state is OrderState.FILLED
    assert len(asked(book, "place_order")) == 2


@pytest.mark.parametrize("fault", [Fault.DROP_CONNECTION, Fault.TOO_MANY_REQUESTS])
def test_an_order_that_was_dropped_is_unknown_and_then_not_there(book: VenueBook, broker: IbkrBroker, fault: Fault) -> None:
    book.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        broker.submit(order())
    assert state(broker) is None
    assert broker.submit(order()).state is OrderState.FILLED
    assert len(book.extra) == 1


def test_a_rejection_on_demand_leaves_nothing(book: VenueBook, broker: IbkrBroker) -> None:
    book.faults.add(Fault.REJECT_ORDER)
    with pytest.raises(OrderRejected) as caught:
        broker.submit(order())
    assert (caught.value.broker_code, caught.value.code) == ("201", "ORDER_REJECTED")
    assert state(broker) is None


@pytest.mark.parametrize("fault", [Fault.DROP_CONNECTION, Fault.HALF_RESPONSE, Fault.MALFORMED_BODY])
def test_a_read_that_broke_is_no_empty_list(book: VenueBook, broker: IbkrBroker, fault: Fault) -> None:
    broker.submit(order())
    book.faults.add(fault)
    with pytest.raises(BrokerUnavailable):
        broker.list_orders(open_only=False)
    assert [each.client_order_id for each in broker.list_orders(open_only=False)] == [REF]


def test_asked_too_fast(book: VenueBook, broker: IbkrBroker) -> None:
    book.faults.add(Fault.TOO_MANY_REQUESTS)
    with pytest.raises(RateLimited) as caught:
        broker.list_orders()
    assert (caught.value.code, caught.value.broker_code) == ("RATE_LIMITED", "100")


@pytest.mark.parametrize("fault", [Fault.DUPLICATE_UPDATE, Fault.REORDERED_UPDATES])
def test_words_twice_or_in_the_wrong_order_change_nothing(book: VenueBook, broker: IbkrBroker, fault: Fault) -> None:
    book.faults.add(fault)
    report = broker.submit(order())
    assert (report.state, report.filled_quantity, len(report.fills)) == (OrderState.FILLED, Decimal(10), 1)
    assert len(broker.fills(report.fills[0].time)) == 1


def test_a_part_is_filled_and_the_rest_cancelled(book: VenueBook, broker: IbkrBroker) -> None:
    book.faults.add(Fault.PARTIAL_THEN_CANCEL)
    report = broker.submit(order())
    assert (report.state, report.filled_quantity, len(report.fills)) == (OrderState.CANCELLED, Decimal(5), 1)
    assert broker.find_order(REF) == report.model_copy(update={"message": "Cancelled by Trader", "code": None})


def test_a_cancelled_order_that_filled_is_told_as_filled(book: VenueBook, broker: IbkrBroker) -> None:
    broker.submit(order(limit="200"))
    book.faults.add(Fault.FILL_AFTER_CANCEL)
    report = broker.cancel(REF)
    assert (report.state, report.filled_quantity, report.average_price) == (OrderState.FILLED, Decimal(10), Decimal(200))


def test_a_counter_that_was_set_back_costs_no_order(book: VenueBook) -> None:
    with running_ibkr_venue(book) as port:
        with make_broker(port, for_orders=True) as broker:
            broker.submit(order())
        book.faults.add(Fault.ORDER_ID_ROLLED_BACK)
        with make_broker(port, for_orders=True) as broker:
            assert broker.submit(order(reference=SECOND)).state is OrderState.FILLED
    assert [each["ticket"]["reference"] for each in book.extra.values()] == [REF, SECOND]


def test_after_a_number_that_was_used_the_next_attempt_goes_through(book: VenueBook) -> None:
    with running_ibkr_venue(book) as port:
        with make_broker(port, for_orders=True) as broker:
            for reference in (REF, "AAAAAAAAAAAAAAAAAAA3"):
                broker.submit(order(reference=reference, limit="200"))
                broker.cancel(reference)
        book.faults.add(Fault.ORDER_ID_ROLLED_BACK)
        with make_broker(port, for_orders=True) as broker:
            assert broker._session is not None
            broker._session.ib.client._reqIdSeq = book.extra[1]["ticket"]["api_id"]
            with pytest.raises(BrokerUnavailable, match="nothing was placed"):
                broker.submit(order(reference=SECOND))
            assert broker.submit(order(reference=SECOND)).state is OrderState.FILLED
    assert len(book.extra) == 3


def wait_for(broker: IbkrBroker, wanted: ConnectionState) -> None:
    """The venue says it within its next push; bounded, so that it can fail."""
    import threading

    assert broker._session is not None
    heard = threading.Event()
    broker._session.listeners.add(heard.set)
    while broker.state is not wanted:
        heard.clear()
        assert broker.state is wanted or heard.wait(5), f"still {broker.state}"
    broker._session.listeners.discard(heard.set)


def test_a_lost_line_stops_orders_and_what_filled_meanwhile_is_found(book: VenueBook, broker: IbkrBroker) -> None:
    assert broker.submit(order(limit="200")).state is OrderState.ACCEPTED
    assert broker.state is ConnectionState.CONNECTED
    book.faults.add(Fault.CONNECTIVITY_LOST)
    wait_for(broker, ConnectionState.DEGRADED)
    with pytest.raises(BrokerUnavailable, match="no line"):
        broker.submit(order(reference=SECOND))
    mark(book, "199")
    book.faults.add("connectivity_back")
    wait_for(broker, ConnectionState.CONNECTED)
    assert state(broker) is OrderState.FILLED
    assert state(broker, SECOND) is None
    assert [each.quantity for each in broker.snapshot("2025-09-18", book.clock()).positions] == [Decimal(10)]


def test_a_line_that_is_lost_while_connecting_is_no_connection(book: VenueBook) -> None:
    with running_ibkr_venue(book) as port, make_broker(port, for_orders=True) as broker:
        book.faults.add(Fault.CONNECTIVITY_LOST)
        wait_for(broker, ConnectionState.DEGRADED)
        with pytest.raises(BrokerUnavailable, match="2110"), make_broker(port, timeout_seconds=0.5):
            pass


def test_the_states_of_a_connection(book: VenueBook) -> None:
    with running_ibkr_venue(book) as port:
        broker = make_broker(port)
        assert broker.state is ConnectionState.DISCONNECTED
        with broker:
            assert broker.state is ConnectionState.CONNECTED
        assert broker.state is ConnectionState.CLOSED


def test_quotes_are_as_old_as_the_venue_says(book: VenueBook, broker: IbkrBroker) -> None:
    apple = contract_of(265598)
    assert broker.quotes([apple])["265598"].time == KINDS[0].price_time
