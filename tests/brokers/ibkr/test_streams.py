"""Prices and orders followed live, from a plain `asyncio.run`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest

from include.brokers.base import ConnectionState
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.order import OrderReport, OrderState
from include.errors import BrokerUnavailable, InvalidSymbol, NotPermitted
from include.sandbox.book import VenueBook
from include.sandbox.faults import Fault
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.kinds import COIN, KINDS, PAIR, STOCK, kind_of, mark
from tests.brokers.ibkr.venue import asked, listing, make_book, make_broker, order

REF = "AAAAAAAAAAAAAAAAAAA1"
UNPRICED = listing(99, "NONE", "NOBODY INC", "USD", "NYSE")


@pytest.fixture
def book() -> VenueBook:
    return make_book([*KINDS, UNPRICED])


@pytest.fixture
def port(book: VenueBook) -> Iterator[int]:
    with running_ibkr_venue(book) as bound:
        yield bound


@pytest.fixture
def broker(port: int) -> Iterator[IbkrBroker]:
    with make_broker(port, for_orders=True) as connected:
        yield connected


async def taken(stream: AsyncIterator[Any], count: int) -> list[Any]:
    async with asyncio.timeout(5):
        return [await anext(stream) for _ in range(count)]


async def ended(stream: AsyncIterator[Any]) -> None:
    await stream.aclose()  # type: ignore[attr-defined]


def test_quotes_come_as_they_stand_and_as_they_change(book: VenueBook, broker: IbkrBroker) -> None:
    async def follow() -> None:
        stream = broker.stream_quotes([kind_of(STOCK), kind_of(PAIR), kind_of(COIN)])
        first = await taken(stream, 3)
        assert {quote.native_id: quote.last for quote in first} == {
            str(STOCK): Decimal(240),
            str(PAIR): Decimal("1.2"),
            str(COIN): Decimal(60_000),
        }
        mark(book, "241")
        (changed,) = await taken(stream, 1)
        assert (changed.bid, changed.ask, changed.last) == (Decimal("240.9759"), Decimal("241.0241"), Decimal(241))
        await ended(stream)

    asyncio.run(follow())
    broker.quotes([kind_of(STOCK)])  # over the same connection: what was said before has arrived
    assert len(asked(book, "cancel_market_data")) == 3


def test_a_contract_without_quotes_is_said(broker: IbkrBroker) -> None:
    async def follow(contract: Any) -> None:
        await taken(broker.stream_quotes([contract]), 1)

    unpriced = kind_of(STOCK).model_copy(update={"native_id": "99"})
    with pytest.raises(NotPermitted, match="354"):
        asyncio.run(follow(unpriced))
    with pytest.raises(InvalidSymbol, match="200"):
        asyncio.run(follow(unpriced.model_copy(update={"native_id": "98"})))


def test_the_end_of_the_connection_ends_the_quotes(book: VenueBook, broker: IbkrBroker) -> None:
    async def follow() -> None:
        stream = broker.stream_quotes([kind_of(STOCK)])
        await taken(stream, 1)
        book.faults.add(Fault.HALF_RESPONSE)
        mark(book, "241")
        await taken(stream, 5)  # what came whole is told first

    with pytest.raises(BrokerUnavailable):
        asyncio.run(follow())


def seen(reports: list[OrderReport]) -> list[tuple[str, OrderState, Decimal]]:
    return [(each.client_order_id, each.state, each.filled_quantity) for each in reports]


def followed(broker: IbkrBroker, *steps: Any, count: int) -> list[tuple[str, OrderState, Decimal]]:
    """What the stream tells while the steps are taken, one after each report (the first before any)."""

    async def follow() -> list[OrderReport]:
        stream = broker.stream_orders()
        waiting = asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
        reports: list[OrderReport] = []
        begun = asyncio.get_running_loop()
        for step in steps:
            await begun.run_in_executor(None, step)
            async with asyncio.timeout(5):
                reports.append(await waiting)
            waiting = asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
        while len(reports) < count:
            async with asyncio.timeout(5):
                reports.append(await waiting)
            waiting = asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await ended(stream)
        return reports

    return seen(asyncio.run(follow()))


def begin(book: VenueBook, broker: IbkrBroker, step: Any) -> Any:
    """The step, once the stream has read how things stand: its first list of executions is the last of three questions."""

    def wait_then_step() -> None:
        before = len(asked(book, "executions"))
        while len(asked(book, "executions")) <= before and before < 2:
            pass
        broker.list_orders()  # behind the stream's own first reading
        step()

    return wait_then_step


@pytest.mark.parametrize("fault", [None, Fault.DUPLICATE_UPDATE, Fault.REORDERED_UPDATES])
def test_orders_are_told_once_as_they_change(book: VenueBook, broker: IbkrBroker, fault: Fault | None) -> None:
    if fault is not None:
        book.faults.add(fault, 10)
    told = followed(
        broker,
        begin(book, broker, lambda: broker.submit(order(limit="200"))),
        lambda: mark(book, "199"),
        lambda: broker.submit(order(reference="AAAAAAAAAAAAAAAAAAA2", limit="100")),
        lambda: broker.cancel("AAAAAAAAAAAAAAAAAAA2"),
        count=4,
    )
    assert told == [
        (REF, OrderState.ACCEPTED, Decimal(0)),
        (REF, OrderState.FILLED, Decimal(10)),
        ("AAAAAAAAAAAAAAAAAAA2", OrderState.ACCEPTED, Decimal(0)),
        ("AAAAAAAAAAAAAAAAAAA2", OrderState.CANCELLED, Decimal(0)),
    ]


def test_what_filled_while_the_line_was_down_is_told_when_it_is_back(book: VenueBook, broker: IbkrBroker) -> None:
    def lose_fill_and_return() -> None:
        book.faults.add(Fault.CONNECTIVITY_LOST)
        while broker.state is not ConnectionState.DEGRADED:
            pass
        mark(book, "199")
        book.faults.add("connectivity_back")

    told = followed(broker, begin(book, broker, lambda: broker.submit(order(limit="200"))), lose_fill_and_return, count=2)
    assert told == [(REF, OrderState.ACCEPTED, Decimal(0)), (REF, OrderState.FILLED, Decimal(10))]


def test_orders_of_other_clients_are_told_at_the_next_look(book: VenueBook, port: int) -> None:
    with make_broker(port, for_orders=True) as trader, make_broker(port, order_poll_seconds=0.25) as reader:
        told = followed(reader, begin(book, reader, lambda: trader.submit(order(limit="200"))), count=1)
    assert told == [(REF, OrderState.ACCEPTED, Decimal(0))]


def test_the_end_of_the_venue_ends_the_orders(book: VenueBook) -> None:
    async def follow(broker: IbkrBroker, venue: Any) -> None:
        stream = broker.stream_orders()
        waiting = asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
        await asyncio.get_running_loop().run_in_executor(None, begin(book, broker, lambda: venue.__exit__(None, None, None)))
        async with asyncio.timeout(10):
            await waiting

    venue = running_ibkr_venue(book)
    broker = make_broker(venue.__enter__(), timeout_seconds=0.5)
    with broker, pytest.raises(BrokerUnavailable):
        asyncio.run(follow(broker, venue))
