"""Orders through the real alpaca-py: accepted, filled, refused, doubled, lost on the way, cancelled."""

from decimal import Decimal

import pytest

from include.brokers.alpaca import orders
from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.alpaca.client import AlpacaClient
from include.domain.account import Environment
from include.domain.instrument import AssetClass
from include.domain.order import Order, OrderState, Side, TimeInForce
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    DuplicateOrder,
    InsufficientFunds,
    InvalidQuantity,
    InvalidSymbol,
    NotPermitted,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
)
from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c

ID = "A" * 20


def posts(book: VenueBook) -> int:
    return sum(kind == "POST /v2/orders" for _, kind, _ in book.requests)


def test_an_order_that_fills(broker: AlpacaBroker) -> None:
    first = broker.submit(c.order())
    assert (first.state, first.filled_quantity, first.average_price) == (OrderState.ACCEPTED, Decimal(0), None)
    found = broker.find_order(ID)
    assert found is not None
    assert found.broker_order_id == first.broker_order_id
    assert (found.state, found.filled_quantity, found.average_price) == (OrderState.FILLED, Decimal(10), Decimal("200.02"))
    assert (found.native_id, found.side, found.quantity, found.updated_at) == (c.AAPL, Side.BUY, Decimal(10), c.NOW)


def test_a_market_order_fills_too(broker: AlpacaBroker) -> None:
    broker.submit(c.order(limit=None))
    found = broker.find_order(ID)
    assert found is not None
    assert found.state is OrderState.FILLED


def test_a_limit_away_from_the_market_rests(broker: AlpacaBroker) -> None:
    broker.submit(c.order(limit="150"))
    found = broker.find_order(ID)
    assert found is not None
    assert found.state is OrderState.ACCEPTED


def test_numbers_arrive_exactly(broker: AlpacaBroker, book: VenueBook) -> None:
    pair = c.contract(c.BITCOIN, "BTC/USD", asset_class=AssetClass.CRYPTO)
    broker.submit(c.order(quantity="0.012345679", limit="99000", contract=pair, time_in_force=TimeInForce.GTC))
    [sent] = book.engine.find(ID)
    assert (sent.quantity, sent.limit_price) == (Decimal("0.012345679"), Decimal(99000))
    broker.submit(c.order(limit="150.07", order_id="B" * 20))
    assert book.engine.find("B" * 20)[0].limit_price == Decimal("150.07")


def test_a_number_no_float_can_carry_is_not_sent(broker: AlpacaBroker, book: VenueBook) -> None:
    with pytest.raises(InvalidQuantity, match="digits"):
        broker.submit(c.order(limit="150.12345678901234567"))
    assert posts(book) == 0


def test_an_unknown_id_is_nobody(broker: AlpacaBroker) -> None:
    assert broker.find_order("Z" * 20) is None


def test_the_same_id_twice_is_one_order(broker: AlpacaBroker, book: VenueBook) -> None:
    broker.submit(c.order())
    with pytest.raises(DuplicateOrder, match="filled"):
        broker.submit(c.order())
    assert len(book.engine.find(ID)) == 1
    assert book.engine.positions[c.AAPL].quantity == Decimal(10)


def test_a_cancelled_id_is_never_free_again(broker: AlpacaBroker) -> None:
    broker.submit(c.order(limit="150"))
    broker.cancel(ID)
    with pytest.raises(DuplicateOrder, match="cancelled"):
        broker.submit(c.order(limit="150"))


def test_the_code_of_a_duplicate_without_an_order_is_a_rejection(broker: AlpacaBroker) -> None:
    # 422 / 40010001 also stands for other faults of a request: an id that is too long, for one.
    with pytest.raises(OrderRejected, match="128"):
        broker.submit(c.order(order_id="L" * 129))


@pytest.mark.parametrize(
    ("wanted", "error", "text"),
    [
        (c.order(quantity="51", limit="200"), InsufficientFunds, "403 / 40310000: insufficient buying power"),
        (c.order(side="sell", quantity="1"), NotPermitted, "403 / 40310000: account is not allowed to short"),
        (c.order(quantity="1.5"), InvalidQuantity, "not fractionable"),
        (c.order(limit="150.005"), InvalidQuantity, "422 / 42210000: .*sub-penny"),
        (c.order(contract=c.contract("x", "NOSUCH")), InvalidSymbol, "not found"),
        (c.order(contract=c.contract(c.DEAD, "DEAD")), OrderRejected, "not active"),
        (c.order(contract=c.contract(c.HALTED, "HALT")), OrderRejected, "not tradable"),
        (c.order(contract=c.contract(c.SILENT, "QUIET"), limit=None), OrderRejected, "no_quote"),
    ],
)
def test_what_alpaca_refuses(broker: AlpacaBroker, wanted: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        broker.submit(wanted)  # type: ignore[arg-type]
    assert broker.find_order(ID) is None


def test_sub_pennies_are_fine_below_one_dollar(broker: AlpacaBroker) -> None:
    broker.submit(c.order(contract=c.contract(c.PENNY, "PNNY"), limit="0.5012"))
    assert broker.find_order(ID) is not None


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (c.order(contract=c.contract(broker="ibkr")), InvalidSymbol),
        (c.order().model_copy(update={"limit_price": None}), InvalidQuantity),
    ],
)
def test_what_is_not_even_sent(broker: AlpacaBroker, book: VenueBook, wanted: Order, error: type[Exception]) -> None:
    with pytest.raises(error):
        broker.submit(wanted)
    assert posts(book) == 0


@pytest.mark.parametrize("fault", ["accept_then_server_error", "accept_then_drop"])
def test_an_answer_lost_after_acceptance_is_found_by_its_id(broker: AlpacaBroker, book: VenueBook, fault: str) -> None:
    book.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        broker.submit(c.order())
    assert posts(book) == 1  # alpaca-py's own second POST is off
    found = broker.find_order(ID)
    assert found is not None
    assert found.state is OrderState.FILLED
    with pytest.raises(DuplicateOrder):
        broker.submit(c.order())
    assert book.engine.positions[c.AAPL].quantity == Decimal(10)


def test_a_silent_venue_leaves_the_outcome_unknown(opened: c.Open, book: VenueBook) -> None:
    broker = opened()
    hasty = opened(config={"timeout_seconds": 0.2})
    hasty.prove_environment()
    book.faults.add("accept_then_silent")
    with pytest.raises(OutcomeUnknown, match="Timeout"):
        hasty.submit(c.order())
    assert posts(book) == 1
    assert broker.find_order(ID) is not None


@pytest.mark.parametrize("fault", ["server_error", "malformed_body", "drop_connection"])
def test_a_broken_answer_to_an_order_leaves_the_outcome_unknown(broker: AlpacaBroker, book: VenueBook, fault: str) -> None:
    broker.prove_environment()
    book.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        broker.submit(c.order())
    assert posts(book) == 1
    assert broker.find_order(ID) is None  # this time nothing had arrived: sending the same id again is safe
    broker.submit(c.order())
    assert len(book.engine.find(ID)) == 1


def test_too_many_requests_means_nothing_was_accepted(broker: AlpacaBroker, book: VenueBook, server: AlpacaVenue) -> None:
    broker.prove_environment()
    book.faults.add("too_many_requests")
    with pytest.raises(RateLimited):
        broker.submit(c.order())
    assert posts(book) == 1
    server.venue.limiter = Limiter(0)
    with pytest.raises(RateLimited, match="429 / 42910000"):
        broker.submit(c.order())
    server.venue.limiter = Limiter(200)
    assert book.engine.find(ID) == []


def test_a_refused_connection_proves_that_nothing_arrived(opened: c.Open) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    broker = opened()
    broker.prove_environment()
    broker._client._trading._base_url = f"http://127.0.0.1:{port}"  # type: ignore[union-attr]  # the venue has moved away
    with pytest.raises(BrokerUnavailable, match="could not connect"):
        broker.submit(c.order())


def test_cancelling_what_rests(broker: AlpacaBroker) -> None:
    broker.submit(c.order(limit="150"))
    assert broker.cancel(ID).state is OrderState.CANCELLED
    assert broker.cancel(ID).state is OrderState.CANCELLED


def test_cancelling_what_has_filled_tells_so(broker: AlpacaBroker) -> None:
    broker.submit(c.order())
    report = broker.cancel(ID)
    assert (report.state, report.filled_quantity) == (OrderState.FILLED, Decimal(10))


def test_an_order_that_fills_while_it_is_being_cancelled(
    broker: AlpacaBroker, book: VenueBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.submit(c.order(limit="150"))
    find = orders.find

    def find_then_fill(client: AlpacaClient, client_order_id: str) -> object:
        report = find(client, client_order_id)
        book.engine.set_mark(c.AAPL, "USD", Decimal(100), c.NOW)
        return report

    monkeypatch.setattr(orders, "find", find_then_fill)
    assert broker.cancel(ID).state is OrderState.FILLED


def test_cancelling_nothing(broker: AlpacaBroker) -> None:
    with pytest.raises(OrderRejected, match="no order"):
        broker.cancel("Z" * 20)


def test_a_lost_answer_to_a_cancel_is_unknown(broker: AlpacaBroker, book: VenueBook, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.submit(c.order(limit="150"))
    find = orders.find

    def find_then_break(client: AlpacaClient, client_order_id: str) -> object:
        report = find(client, client_order_id)
        book.faults.add("drop_connection")
        return report

    monkeypatch.setattr(orders, "find", find_then_break)
    with pytest.raises(OutcomeUnknown):
        broker.cancel(ID)


def test_nothing_is_sent_to_an_account_whose_claim_is_unproven(opened: c.Open, book: VenueBook) -> None:
    broker = opened(environment=Environment.PAPER)
    with pytest.raises(AuthenticationFailed):
        broker.submit(c.order())
    assert posts(book) == 0
    assert broker.quotes([c.contract()])  # reading needs no proof


def test_a_duplicate_that_cannot_be_looked_up_stays_unknown(
    broker: AlpacaBroker, book: VenueBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.submit(c.order())
    find = orders.find

    def break_then_find(client: AlpacaClient, client_order_id: str) -> object:
        book.faults.add("server_error")
        return find(client, client_order_id)

    monkeypatch.setattr(orders, "find", break_then_find)
    with pytest.raises(OutcomeUnknown, match="could not say"):
        broker.submit(c.order())
