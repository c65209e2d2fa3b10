"""Orders through the unmodified ib_insync against the local TWS."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.domain.account import Environment
from include.domain.order import OrderState, Side, TimeInForce
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
    PolybrokerError,
)
from include.sandbox.book import VenueBook
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.venue import NOW, TOKEN, asked, contract_of, make_book, make_broker, order
from tests.fakes.clock import SetClock

REF = "AAAAAAAAAAAAAAAAAAA1"


def placed(book: VenueBook) -> list[str]:
    return [detail.rpartition(";orderid=")[0] for detail in asked(book, "place_order")]


def test_a_limit_order_that_crosses_fills_at_once(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        report = broker.submit(order())
    # 240 with half a spread of 1 bp is asked at 240.024; commission 2 bp of 10 x 240.024
    assert (report.state, report.filled_quantity, report.average_price) == (
        OrderState.FILLED,
        Decimal(10),
        Decimal("240.024"),
    )
    (fill,) = report.fills
    assert (fill.quantity, fill.price, fill.time) == (Decimal(10), Decimal("240.024"), NOW)
    assert (fill.commission, fill.commission_currency) == (Decimal("0.48"), "USD")
    assert (report.client_order_id, report.native_id, report.side) == (REF, "265598", Side.BUY)
    assert placed(book) == [f"conid=265598;BUY 10 LMT 250;ref={REF}"]


def test_pence_on_the_wire_pounds_everywhere_else(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        report = broker.submit(order(319091809, limit="3.55", quantity=Decimal(200)))
        again = broker.find_order(REF)
    assert placed(book) == [f"conid=319091809;BUY 200 LMT 355;ref={REF}"]
    assert report.average_price == Decimal("3.50035")
    assert again is not None
    assert again.fills == report.fills
    assert again.average_price == Decimal("3.50035")
    with make_broker(port) as reader:  # knows nothing of the contract yet
        from_outside = reader.find_order(REF)
    assert from_outside is not None
    assert from_outside.fills == report.fills


def test_a_market_order_fills(port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        assert broker.submit(order(limit=None)).state is OrderState.FILLED


def test_a_resting_order_is_accepted_found_and_cancelled(port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        assert broker.submit(order(limit="200", time_in_force=TimeInForce.GTC)).state is OrderState.ACCEPTED
        standing = broker.find_order(REF)
        assert standing is not None
        assert (standing.state, standing.quantity) == (OrderState.ACCEPTED, Decimal(10))
        cancelled = broker.cancel(REF)
        assert (cancelled.state, cancelled.filled_quantity) == (OrderState.CANCELLED, Decimal(0))
        assert broker.cancel(REF).state is OrderState.CANCELLED


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_what_cannot_fill_at_once_is_cancelled(port: int, time_in_force: TimeInForce) -> None:
    with make_broker(port, for_orders=True) as broker:
        assert broker.submit(order(limit="200", time_in_force=time_in_force)).state is OrderState.CANCELLED


def test_a_day_order_expires(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        broker.submit(order(limit="200"))
        assert isinstance(book.clock, SetClock)
        book.clock.now = NOW + timedelta(hours=25)
        ended = broker.find_order(REF)
    assert ended is not None
    assert ended.state is OrderState.EXPIRED
    assert "Expired" in (ended.message or "")


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"quantity": Decimal(1000)}, InsufficientFunds, "201: Order rejected - reason:insufficient settled cash"),
        ({"side": Side.SELL}, OrderRejected, "short selling"),
        ({"limit_price": Decimal("250.001")}, InvalidQuantity, "110: The price does not conform"),
        ({"quantity": Decimal("0.5")}, InvalidQuantity, "388: Order size 0.5"),
        ({"contract": contract_of(265598).model_copy(update={"native_id": "1"})}, InvalidSymbol, "200: No security definition"),
        ({"limit_price": None}, OrderRejected, "has no limit price"),
    ],
)
def test_refusals_are_told_apart(port: int, changes: dict[str, Any], error: type[PolybrokerError], text: str) -> None:
    with make_broker(port, for_orders=True) as broker, pytest.raises(error, match=text):
        broker.submit(order(**changes))


def test_tokyo_takes_whole_lots_only(port: int) -> None:
    with make_broker(port, for_orders=True) as broker, pytest.raises(InvalidQuantity, match="size increment of 100"):
        broker.submit(order(211595875, quantity=Decimal(150), limit="900"))


def test_a_rejected_order_is_found_as_rejected(port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        with pytest.raises(InsufficientFunds):
            broker.submit(order(quantity=Decimal(1000)))
        rejected = broker.find_order(REF)
    assert rejected is not None
    assert rejected.state is OrderState.REJECTED
    assert "insufficient settled cash" in (rejected.message or "")


def test_a_rejection_on_demand_leaves_nothing(book: VenueBook, port: int) -> None:
    book.faults.add("reject_order")
    with make_broker(port, for_orders=True) as broker:
        with pytest.raises(OrderRejected, match="rejected on demand"):
            broker.submit(order())
        assert broker.find_order(REF) is None


def test_accepted_then_dropped_is_unknown_until_it_is_found(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        book.faults.add("accept_then_drop")
        with pytest.raises(OutcomeUnknown):
            broker.submit(order())
        found = broker.find_order(REF)  # over a new connection
        assert found is not None
        assert (found.state, found.quantity, found.filled_quantity) == (OrderState.FILLED, Decimal(10), Decimal(10))
        assert len(placed(book)) == 1
        next_one = broker.submit(order(reference="AAAAAAAAAAAAAAAAAAA2"))
        assert next_one.state is OrderState.FILLED


def test_a_number_used_before_is_never_sent_as_a_new_order(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        broker.submit(order(limit="200"))
        broker.cancel(REF)
    used = book.extra[1]["ticket"]["api_id"]
    with make_broker(port, for_orders=True) as broker:
        assert broker._session is not None
        broker._session.ib.client._reqIdSeq = used  # as if TWS had forgotten to say which numbers are used up
        with pytest.raises(DuplicateOrder):
            broker.submit(order())
    with make_broker(port, for_orders=True) as broker:
        assert broker._session is not None
        broker._session.ib.client._reqIdSeq = used
        with pytest.raises(BrokerUnavailable, match="nothing was placed"):
            broker.submit(order(reference="AAAAAAAAAAAAAAAAAAA2"))
        assert broker.find_order("AAAAAAAAAAAAAAAAAAA2") is None
    assert len(book.engine.orders) == 1


def test_a_number_of_a_standing_order_is_passed_over(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        broker.submit(order(limit="200"))
        assert broker._session is not None
        broker._session.ib.client._reqIdSeq = book.extra[1]["ticket"]["api_id"]
        assert broker.submit(order(reference="AAAAAAAAAAAAAAAAAAA2")).state is OrderState.FILLED
        standing = broker.find_order(REF)
    assert standing is not None
    assert standing.state is OrderState.ACCEPTED


def test_orders_survive_a_restart_of_the_venue(tmp_path: Any) -> None:
    path = tmp_path / "ibkr.json"
    with running_ibkr_venue(make_book(state_path=path)) as port, make_broker(port, for_orders=True) as broker:
        broker.submit(order())
        broker.submit(order(reference="AAAAAAAAAAAAAAAAAAA2", limit="200"))
    with running_ibkr_venue(make_book(state_path=path)) as port, make_broker(port, for_orders=True) as broker:
        filled = broker.find_order(REF)
        assert filled is not None
        assert filled.state is OrderState.FILLED
        assert broker.cancel("AAAAAAAAAAAAAAAAAAA2").state is OrderState.CANCELLED
        assert broker.submit(order(reference="AAAAAAAAAAAAAAAAAAA3")).state is OrderState.FILLED


def test_an_order_that_never_was_is_none_and_cannot_be_cancelled(port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        assert broker.find_order(REF) is None
        with pytest.raises(OrderRejected, match="has no order"):
            broker.cancel(REF)


def test_an_unreadable_list_is_never_no_order(book: VenueBook) -> None:
    with running_ibkr_venue(book) as port:
        broker = make_broker(port, for_orders=True, timeout_seconds=1)
        broker.connect()
        broker.submit(order())
    with pytest.raises(BrokerUnavailable):
        broker.find_order(REF)
    with pytest.raises(BrokerUnavailable):  # not sent: proven, not unknown
        broker.submit(order(reference="AAAAAAAAAAAAAAAAAAA2"))
    broker.close()


def test_only_the_client_that_placed_an_order_cancels_it(port: int) -> None:
    with make_broker(port, for_orders=True) as broker:
        broker.submit(order(limit="200", time_in_force=TimeInForce.GTC))
    config = {"client_ids": {"reading": [11]}}
    other = make_broker(port, for_orders=True, **config)
    other.context.credentials["client_id"] = "2"  # type: ignore[index]
    with other, pytest.raises(NotPermitted, match="client id 1"):
        other.cancel(REF)


def test_a_reading_connection_never_trades(port: int) -> None:
    with make_broker(port) as broker:
        for attempt in (lambda: broker.submit(order()), lambda: broker.cancel(REF)):
            with pytest.raises(NotPermitted, match="for reading"):
                attempt()


def test_nothing_is_sent_on_a_claim_without_proof(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True, token=TOKEN + "x") as broker, pytest.raises(AuthenticationFailed):
        broker.submit(order())
    with make_broker(port, for_orders=True, environment=Environment.LIVE) as broker, pytest.raises(AuthenticationFailed):
        broker.submit(order())
    assert placed(book) == []
