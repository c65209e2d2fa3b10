"""What the adapter makes of every fault that HTTP can express (include/sandbox/faults.py); streams: test_streams.py."""

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.domain.order import OrderState
from include.errors import BrokerUnavailable, DuplicateOrder, OutcomeUnknown, PolybrokerError, RateLimited
from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from include.sandbox.faults import Fault
from tests.brokers.alpaca import conftest as c

ID = "A" * 20
AFTER = [Fault.ACCEPT_THEN_SILENT, Fault.ACCEPT_THEN_DROP, Fault.ACCEPT_THEN_SERVER_ERROR]
BEFORE = [Fault.SERVER_ERROR, Fault.DROP_CONNECTION, Fault.HALF_RESPONSE, Fault.MALFORMED_BODY]


@pytest.fixture
def hasty(opened: c.Open) -> AlpacaBroker:
    """Waits for an answer for a moment only."""
    broker = opened(config={"timeout_seconds": 0.5})
    broker.prove_environment()
    return broker


def posts(book: VenueBook) -> int:
    return sum(kind == "POST /v2/orders" for _, kind, _ in book.requests)


@pytest.mark.parametrize("fault", AFTER)
def test_an_order_that_stands_without_an_answer(hasty: AlpacaBroker, book: VenueBook, fault: Fault) -> None:
    book.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        hasty.submit(c.order())
    assert posts(book) == 1  # alpaca-py's own second POST after 429 and 504 is off
    found = hasty.find_order(ID)
    assert found is not None
    assert found.state is OrderState.FILLED
    with pytest.raises(DuplicateOrder):
        hasty.submit(c.order())
    assert len(book.engine.find(ID)) == 1


@pytest.mark.parametrize("fault", BEFORE)
def test_an_order_that_never_arrived_without_an_answer(hasty: AlpacaBroker, book: VenueBook, fault: Fault) -> None:
    book.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        hasty.submit(c.order())
    assert (posts(book), hasty.find_order(ID)) == (1, None)
    hasty.submit(c.order())
    assert len(book.engine.find(ID)) == 1


@pytest.mark.parametrize("fault", BEFORE)
def test_a_read_that_failed_is_no_answer(hasty: AlpacaBroker, book: VenueBook, fault: Fault) -> None:
    book.faults.add(fault)
    with pytest.raises(BrokerUnavailable):
        hasty.find_order(ID)


def test_too_many_requests_tell_when_to_come_back(broker: AlpacaBroker, book: VenueBook, server: AlpacaVenue) -> None:
    broker.prove_environment()
    now = [1000.0]
    server.venue.limiter = Limiter(200, clock=lambda: now[0])
    now[0] = 1043.5
    book.faults.add(Fault.TOO_MANY_REQUESTS)
    with pytest.raises(RateLimited) as caught:
        broker.submit(c.order())
    assert (posts(book), caught.value.context["retry_after"]) == (1, "17")
    assert broker.find_order(ID) is None


def test_every_error_tells_the_brokers_code_and_the_id_of_the_request(broker: AlpacaBroker, book: VenueBook) -> None:
    refused: list[PolybrokerError] = []
    for wanted in (c.order(quantity="51"), c.order(limit="150.005"), c.order(contract=c.contract("x", "NOSUCH"))):
        with pytest.raises(PolybrokerError) as caught:
            broker.submit(wanted)
        refused.append(caught.value)
    assert [(error.code, error.broker, error.broker_code) for error in refused] == [
        ("INSUFFICIENT_FUNDS", "alpaca", "403/40310000"),
        ("INVALID_QUANTITY", "alpaca", "422/42210000"),
        ("INVALID_SYMBOL", "alpaca", "422/42210000"),
    ]
    assert len({error.context["request_id"] for error in refused}) == 3


def test_some_is_filled_and_the_rest_is_cancelled(broker: AlpacaBroker, book: VenueBook) -> None:
    book.faults.add(Fault.PARTIAL_THEN_CANCEL)
    broker.submit(c.order())
    found = broker.find_order(ID)
    assert found is not None
    assert (found.state, found.filled_quantity, found.quantity) == (OrderState.CANCELLED, 5, 10)
    assert [fill.quantity for _, fill in broker.fills(c.NOW)] == [5]


def test_a_cancelled_order_that_turns_out_to_have_filled(broker: AlpacaBroker, book: VenueBook) -> None:
    broker.submit(c.order(limit="150"))
    book.faults.add(Fault.FILL_AFTER_CANCEL)
    assert broker.cancel(ID).state is OrderState.CANCELLED
    found = broker.find_order(ID)
    assert found is not None
    assert (found.state, found.filled_quantity) == (OrderState.FILLED, 10)


def test_an_order_that_the_market_rejects_after_its_acceptance(broker: AlpacaBroker, book: VenueBook) -> None:
    book.faults.add(Fault.REJECT_ORDER)
    broker.submit(c.order())
    found = broker.find_order(ID)
    assert found is not None
    assert (found.state, found.message) == (OrderState.REJECTED, "rejected")


def test_a_clock_that_is_minutes_off_stops_nobody(
    broker: AlpacaBroker, book: VenueBook, server: AlpacaVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue's reset of the minute lies ten minutes ahead then: the pacer waits a minute at most, and no order is affected."""
    pacer = broker._client._trading._session.get_adapter("http://")._pacer  # type: ignore[union-attr]
    held: list[float] = []
    monkeypatch.setattr(pacer, "hold", lambda seconds, endpoint: held.append(seconds))
    server.venue.limiter = Limiter(2)
    book.faults.add(Fault.CLOCK_SKEW, 2)
    broker.prove_environment()
    broker.find_order(ID)
    broker.find_order(ID)
    server.venue.limiter = Limiter(200)
    broker.submit(c.order())
    assert held == [60.0]
    found = broker.find_order(ID)
    assert found is not None
    assert found.updated_at == c.NOW


def test_an_answer_that_was_skewed_shows_it(broker: AlpacaBroker, book: VenueBook) -> None:
    client = broker._client
    assert client is not None
    assert client.now() == c.NOW
    book.faults.add(Fault.CLOCK_SKEW)
    assert (client.now() - c.NOW).total_seconds() == 600
