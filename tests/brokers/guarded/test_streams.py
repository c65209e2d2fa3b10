"""A stream begins in time or fails; a quiet one is no failure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal as D

import pytest

from include.brokers.breaker import CIRCUIT_OPEN
from include.brokers.guarded import Guarded
from include.brokers.streaming import stream_begun
from include.domain.contract import Contract
from include.domain.quote import Quote
from include.errors import BrokerUnavailable
from tests.brokers.guarded.fakes import AWAY, NOON, Counted, Flaky, Time, guard, watched
from tests.fakes.broker import FakeVenue
from tests.fakes.orders import make_contract
from tests.fakes.shared_state import MemoryState

SEVEN = Quote(native_id="101", currency="USD", last=D(7), time=NOON)
Step = Callable[[], Awaitable[Quote | None]]


class Streaming(Flaky):
    """Its stream does these steps; those that give a quote tell it.

    Attributes:
        opened / closed: How many streams were.
    """

    def __init__(self, venue: FakeVenue, *steps: Step) -> None:
        super().__init__(venue)
        self.capabilities = replace(self.capabilities, quote_stream=True)
        self._steps = steps
        self.opened = self.closed = 0

    async def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        self.opened += 1
        try:
            for step in self._steps:
                quote = await step()
                if quote is not None:
                    yield quote
        finally:
            self.closed += 1


async def begin() -> None:
    stream_begun()


async def tell() -> Quote:
    return SEVEN


async def for_ever() -> None:
    await asyncio.Event().wait()


async def breaks() -> None:
    raise AWAY


async def all_of(broker: Guarded, *contracts: Contract) -> list[Quote]:
    return [quote async for quote in broker.stream_quotes(contracts)]


def test_its_quotes_are_the_adapters_and_it_ends_as_that_one_does(venue: FakeVenue, time: Time) -> None:
    flaky, counted = Streaming(venue, begin, tell, tell), Counted()
    broker = watched(flaky, time, MemoryState(), counted)
    assert asyncio.run(all_of(broker)) == [SEVEN, SEVEN]
    broker.close()
    assert counted.rows == ["stream_quotes answered 1 0"]
    assert (flaky.opened, flaky.closed) == (1, 1)


def test_a_first_quote_is_a_beginning_as_well(venue: FakeVenue, time: Time) -> None:
    assert asyncio.run(all_of(guard(Streaming(venue, tell), time))) == [SEVEN]


def test_one_that_never_begins_is_given_up_and_counts_against_the_broker(venue: FakeVenue, time: Time) -> None:
    flaky, counted, store = Streaming(venue, for_ever), Counted(), MemoryState()
    broker = watched(flaky, time, store, counted, stream_seconds=0.01)
    for _ in range(3):
        with pytest.raises(BrokerUnavailable, match=r"fake: stream_quotes did not begin within 0\.01 s"):
            asyncio.run(all_of(broker))
    assert flaky.closed == 3
    with pytest.raises(BrokerUnavailable) as caught:
        asyncio.run(all_of(broker))
    assert caught.value.code == CIRCUIT_OPEN
    assert flaky.opened == 3  # the broker was not asked once more
    broker.close()
    assert counted.rows == ["stream_quotes CONNECTION_ERROR 3 0"]


def test_one_that_follows_more_contracts_has_more_time(venue: FakeVenue, time: Time) -> None:
    broker = guard(Streaming(venue, for_ever), time, stream_seconds=0.01, item_seconds=0.02)
    with pytest.raises(BrokerUnavailable, match=r"within 0\.05 s"):
        asyncio.run(all_of(broker, make_contract("101"), make_contract("102")))


def test_while_the_breaker_is_open_none_begins_and_one_that_begins_closes_it(venue: FakeVenue, time: Time) -> None:
    store, flaky = MemoryState(), Streaming(venue, begin, tell)
    flaky.troubles = [AWAY] * 3
    with pytest.raises(BrokerUnavailable):
        watched(flaky, time, store).quotes([])
    with pytest.raises(BrokerUnavailable, match="left alone") as caught:
        asyncio.run(all_of(watched(flaky, time, store)))
    assert (caught.value.code, flaky.opened) == (CIRCUIT_OPEN, 0)
    time.now += 30
    assert asyncio.run(all_of(watched(flaky, time, store))) == [SEVEN]
    assert watched(flaky, time, store).quotes([]) == {}


def test_a_quiet_one_is_no_failure(venue: FakeVenue, time: Time) -> None:
    async def wait_and_see() -> list[Quote]:
        market = asyncio.Event()

        async def until_the_market_moves() -> None:
            await market.wait()

        broker = guard(Streaming(venue, begin, until_the_market_moves, tell), time, stream_seconds=0.01)
        reading = asyncio.create_task(all_of(broker))
        done, _ = await asyncio.wait({reading}, timeout=0.1)
        assert not done
        market.set()
        return await reading

    assert asyncio.run(wait_and_see()) == [SEVEN]


def test_it_may_be_told_in_a_task_of_the_adapters_own(venue: FakeVenue, time: Time) -> None:
    async def in_a_task() -> None:
        await asyncio.create_task(begin())
        await asyncio.wait({asyncio.create_task(for_ever())}, timeout=0.05)

    broker = guard(Streaming(venue, in_a_task, tell), time, stream_seconds=0.02)
    assert asyncio.run(all_of(broker)) == [SEVEN]


def test_one_that_breaks_later_is_noted_as_that(venue: FakeVenue, time: Time) -> None:
    flaky, counted = Streaming(venue, begin, tell, breaks), Counted()
    broker = watched(flaky, time, MemoryState(), counted)
    with pytest.raises(BrokerUnavailable, match="connection refused"):
        asyncio.run(all_of(broker))
    broker.close()
    assert counted.rows == ["stream_quotes answered 1 0", "stream_quotes CONNECTION_ERROR 1 0"]


def test_who_closes_it_closes_the_adapters(venue: FakeVenue, time: Time) -> None:
    flaky = Streaming(venue, begin, tell, for_ever)

    async def first() -> tuple[Quote, int]:
        async with aclosing(guard(flaky, time).stream_quotes([])) as stream:  # type: ignore[type-var]
            quote = await anext(stream)
        return quote, flaky.closed  # at once, and not when the loop ends

    assert asyncio.run(first()) == (SEVEN, 1)


def test_one_that_is_cancelled_before_it_began_is_closed_and_counts_for_nothing(venue: FakeVenue, time: Time) -> None:
    flaky, counted = Streaming(venue, for_ever), Counted()
    broker = watched(flaky, time, MemoryState(), counted)

    async def cancel() -> None:
        reading = asyncio.create_task(all_of(broker))
        while not flaky.opened:
            await asyncio.wait({reading}, timeout=0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(cancel())
    broker.close()
    assert flaky.closed == 1
    assert counted.rows == []


def test_a_mirrors_stream_begins_for_both(venue: FakeVenue, time: Time) -> None:
    counted = Counted()
    mirror = guard(Streaming(venue, begin, lambda: asyncio.sleep(0.05), tell), time, stream_seconds=0.02)

    class Mirroring(Streaming):
        def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
            return mirror.stream_quotes(contracts)

    broker = watched(Mirroring(venue), time, MemoryState(), counted, stream_seconds=0.02)
    assert asyncio.run(all_of(broker)) == [SEVEN]


def test_while_the_connection_is_lost_none_begins(venue: FakeVenue, time: Time) -> None:
    flaky = Streaming(venue, begin, tell)
    flaky.troubles = [BrokerUnavailable("the connection broke"), AWAY, AWAY]
    broker = guard(flaky, time)
    with pytest.raises(BrokerUnavailable):
        broker.quotes([])
    with pytest.raises(BrokerUnavailable, match="the connection is lost"):
        asyncio.run(all_of(broker))
    assert broker.quotes([]) == {}
    assert asyncio.run(all_of(broker)) == [SEVEN]
