"""Orders and quotes followed live through the venue's web sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.alpaca.following import Follower
from include.domain.instrument import AssetClass
from include.domain.order import OrderChange, OrderReport, OrderState
from include.errors import AuthenticationFailed, BrokerUnavailable, InvalidSymbol
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c
from tests.brokers.alpaca.test_reports import row

Follow = Callable[..., list[Any]]
ID = "A" * 20
QUICK = {"stream_pause_seconds": 0}
PATIENCE = 20
FILLED, ACCEPTED, CANCELLED = OrderState.FILLED, OrderState.ACCEPTED, OrderState.CANCELLED


@pytest.fixture
def follow(book: VenueBook) -> Follow:
    """What a stream tells until enough was told. The first step is taken when the venue has the listener, the next ones after
    one, two ... things were told."""

    def run(stream: AsyncIterator[Any], until: Callable[[list[Any]], bool], *steps: Callable[[], Any]) -> list[Any]:
        async def listen() -> list[Any]:
            told: list[Any] = []
            waiting = list(steps)
            async with asyncio.timeout(PATIENCE), aclosing(stream):  # type: ignore[type-var]
                while True:
                    task = asyncio.ensure_future(anext(stream))
                    while not task.done() and not any(kind.startswith("WS") for _, kind, _ in book.requests):
                        await asyncio.wait([task], timeout=0.01)
                    if waiting:
                        await asyncio.to_thread(waiting.pop(0))
                    told.append(await task)
                    if until(told):
                        return told

        return asyncio.run(listen())

    return run


def states(reports: list[OrderReport]) -> list[tuple[str, OrderState, Decimal]]:
    return [(report.client_order_id, report.state, report.filled_quantity) for report in reports]


def last_is(state: OrderState) -> Callable[[list[OrderReport]], bool]:
    return lambda told: told[-1].state is state


def test_an_order_from_acceptance_to_its_fill(broker: AlpacaBroker, follow: Follow) -> None:
    broker.submit(c.order(order_id="B" * 20))  # before the stream begins: not told
    told = follow(broker.stream_orders(), last_is(FILLED), lambda: broker.submit(c.order()))
    assert states(told) == [(ID, ACCEPTED, Decimal(0)), (ID, FILLED, Decimal(10))]
    [fill] = told[-1].fills
    assert (fill.quantity, fill.price, fill.time) == (Decimal(10), Decimal("200.02"), c.NOW)
    assert fill in [fill for _, fill in broker.fills(c.NOW)]  # under the same id in both


@pytest.mark.parametrize("fault", ["duplicate_update", "reordered_updates"])
def test_words_said_twice_or_in_disorder(broker: AlpacaBroker, book: VenueBook, fault: str, follow: Follow) -> None:
    book.faults.add(fault, 1 if fault == "reordered_updates" else 4)
    told = follow(
        broker.stream_orders(),
        last_is(CANCELLED),
        lambda: (broker.submit(c.order()), broker.submit(c.order(limit="150", order_id="B" * 20)), broker.cancel("B" * 20)),
    )
    assert (ID, FILLED, Decimal(10)) in states(told)
    assert len(set(states(told))) == len(states(told))
    assert sum(len(report.fills) for report in told) == 1
    of_first = [state for name, state, _ in states(told) if name == ID]
    assert of_first == ([FILLED] if fault == "reordered_updates" else [ACCEPTED, FILLED])


def test_a_late_word(broker: AlpacaBroker, book: VenueBook, follow: Follow) -> None:
    book.faults.add("late_update")
    told = follow(broker.stream_orders(), last_is(FILLED), lambda: broker.submit(c.order()), lambda: broker.find_order(ID))
    assert states(told)[-1] == (ID, FILLED, Decimal(10))


def test_a_change_is_told_under_our_id(broker: AlpacaBroker, follow: Follow) -> None:
    broker.submit(c.order(limit="150"))
    change = OrderChange(limit_price=Decimal(151))
    told = follow(broker.stream_orders(), lambda told: True, lambda: broker.modify(ID, change))
    assert states(told) == [(ID, ACCEPTED, Decimal(0))]


def test_a_partial_fill_and_the_cancelled_rest(broker: AlpacaBroker, book: VenueBook, follow: Follow) -> None:
    book.faults.add("partial_then_cancel")
    told = follow(broker.stream_orders(), last_is(CANCELLED), lambda: broker.submit(c.order()))
    assert states(told) == [
        (ID, ACCEPTED, Decimal(0)),
        (ID, OrderState.PARTIALLY_FILLED, Decimal(5)),
        (ID, CANCELLED, Decimal(5)),
    ]


def test_a_fill_after_the_cancellation(broker: AlpacaBroker, book: VenueBook, follow: Follow) -> None:
    broker.submit(c.order(limit="150"))
    book.faults.add("fill_after_cancel")
    told = follow(broker.stream_orders(), last_is(FILLED), lambda: broker.cancel(ID))
    assert [state for _, state, _ in states(told)] == [CANCELLED, FILLED]


def test_what_happens_while_the_connection_is_gone_is_read(opened: c.Open, book: VenueBook, follow: Follow) -> None:
    broker = opened(config=QUICK)
    book.faults.add("drop_stream")
    told = follow(broker.stream_orders(), last_is(FILLED), lambda: broker.submit(c.order()))
    assert states(told) == [(ID, FILLED, Decimal(10))]  # both words of it were lost with the connection
    assert sum(kind == "WS /stream" for _, kind, _ in book.requests) == 2


def test_an_old_order_that_changes_while_the_connection_is_gone(opened: c.Open, book: VenueBook, follow: Follow) -> None:
    broker = opened(config=QUICK)
    broker.submit(c.order(limit="150"))
    broker.submit(c.order(limit="140", order_id="B" * 20))
    book.faults.add("drop_stream")
    told = follow(broker.stream_orders(), last_is(CANCELLED), lambda: broker.cancel(ID))
    assert (ID, CANCELLED, Decimal(0)) in states(told)


def test_a_connection_that_does_not_come_back(opened: c.Open, book: VenueBook, server: AlpacaVenue, follow: Follow) -> None:
    broker = opened(config={**QUICK, "stream_reconnects": 2})
    broker.submit(c.order(limit="150"))

    def break_everything() -> None:
        book.faults.add("server_error", -1)
        with book.lock:
            server.venue.desk.cancel(1)

    book.faults.add("drop_stream", -1)
    with pytest.raises(BrokerUnavailable, match="answered 500"):
        follow(broker.stream_orders(), lambda told: False, break_everything)
    assert sum(kind == "WS /stream" for _, kind, _ in book.requests) == 3


def test_streams_want_good_keys(
    broker: AlpacaBroker, server: AlpacaVenue, monkeypatch: pytest.MonkeyPatch, follow: Follow
) -> None:
    monkeypatch.setattr(server.venue, "secret_key", "another")
    stream = broker.stream_quotes([c.contract()])
    with pytest.raises(AuthenticationFailed):
        follow(stream, lambda told: True)


def test_nobody_listens(opened: c.Open, server: AlpacaVenue, follow: Follow) -> None:
    broker = opened(config={**QUICK, "stream_reconnects": 1})
    broker._settings._credentials = {**broker._settings._credentials, "base_url": "http://127.0.0.1:9"}
    with pytest.raises(BrokerUnavailable, match=r"stream at 127\.0\.0\.1 ended"):
        follow(broker.stream_orders(), lambda told: True)


def move(book: VenueBook, native_id: str, price: str, minute: int) -> None:
    with book.lock:
        book.engine.set_mark(native_id, "USD", Decimal(price), c.NOW.replace(minute=minute))


def test_quotes_as_they_change(broker: AlpacaBroker, book: VenueBook, follow: Follow) -> None:
    book.faults.add("duplicate_update", 2)
    pair = c.contract(c.BITCOIN, "BTC/USD", asset_class=AssetClass.CRYPTO)
    told = follow(
        broker.stream_quotes([c.contract(), pair]),
        lambda told: len(told) == 4,
        lambda: None,
        lambda: None,
        lambda: (move(book, c.AAPL, "201", 1), move(book, c.BITCOIN, "99000", 1)),
    )
    assert sorted((quote.native_id, quote.bid) for quote in told) == sorted(
        [
            (c.AAPL, Decimal("199.98")),
            (c.AAPL, Decimal("200.9799")),
            (c.BITCOIN, Decimal(99990)),
            (c.BITCOIN, Decimal("98990.1")),
        ]
    )


def test_the_end_of_a_stream_of_quotes_is_said(broker: AlpacaBroker, book: VenueBook, follow: Follow) -> None:
    book.faults.add("drop_stream")
    with pytest.raises(BrokerUnavailable, match="ended"):
        follow(broker.stream_quotes([c.contract()]), lambda told: False)


def test_no_contracts_no_quotes(broker: AlpacaBroker) -> None:
    async def listen() -> list[object]:
        return [quote async for quote in broker.stream_quotes([])]

    assert asyncio.run(listen()) == []
    with pytest.raises(InvalidSymbol):
        broker.stream_quotes([c.contract(broker="ibkr")])


def message(event: str = "new", **fields: Any) -> dict[str, Any]:
    more = {"execution_id": "e1", "price": "200", "qty": "4", "timestamp": "2025-09-19T14:00:00Z"} if "fill" in event else {}
    return {"event": event, "order": row(**fields), **more}


def test_a_fill_that_was_overtaken_is_still_told() -> None:
    follower = Follower(lambda _: {})
    assert follower.message(message("new", status="filled", filled_qty="10", filled_avg_price="200")) is not None
    report = follower.message(message("partial_fill", status="partially_filled", filled_qty="4", filled_avg_price="200"))
    assert report is not None
    assert (report.state, report.filled_quantity, [fill.fill_id for fill in report.fills]) == (FILLED, Decimal(10), ["e1"])


def test_words_about_a_replaced_order_are_its_successors_business() -> None:
    follower = Follower(lambda _: {})
    follower.message(message(status="replaced", replaced_by="2", filled_qty="4", filled_avg_price="100"))
    assert follower.message(message(status="new")) is None
    report = follower.message(message(id="2", client_order_id=f"{ID}.r1", replaces=row()["id"], qty="6"))
    assert report is not None
    assert (report.client_order_id, report.filled_quantity, report.quantity) == (ID, Decimal(4), Decimal(10))


@pytest.mark.parametrize("data", [{}, {"order": None}, {"order": {}}, {"event": "fill", "execution_id": "x", "order": row()}])
def test_messages_that_make_no_sense(data: dict[str, Any]) -> None:
    with pytest.raises(BrokerUnavailable, match="no sense"):
        Follower(lambda _: {}).message(data)
