"""91x: streams as everybody opens them, through what stands around the adapter."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from include.brokers.breaker import CIRCUIT_OPEN, Breaker, BreakerSettings
from include.brokers.guarded import Guarded
from include.brokers.measures import Measures
from include.domain.health import ANSWERED, CallCount
from include.errors import BrokerUnavailable
from tests.conformance.base import Cases, order_id
from tests.conformance.cases import needs, over
from tests.conformance.harness import Ability
from tests.fakes.shared_state import MemoryState

PATIENCE = 20.0


class Noted:
    """What was counted, as (method, code), as it happens."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def add(self, counts: Sequence[CallCount]) -> None:
        self.rows += [(row.method, row.code) for row in counts for _ in range(row.calls)]


class Streams(Cases):
    def guarded(self) -> tuple[Guarded, Noted, Breaker]:
        """The connected broker as `open_broker` gives it, what is counted of it, and its breaker (one failure opens it)."""
        noted = Noted()
        breaker = Breaker(MemoryState(), self.broker.source, settings=BreakerSettings(failures=1))
        measures = Measures(noted, self.broker.name, self.broker.source)
        return Guarded(self.broker, breaker=breaker, measures=measures), noted, breaker

    def stream(self, broker: Guarded, flag: str) -> AsyncIterator[Any]:
        """Of orders, or of quotes of a contract whose price stands still: one at most is told, how it stands."""
        return broker.stream_orders() if flag == "order_stream" else broker.stream_quotes([self.stock])

    @over("flag", ["quote_stream", "order_stream"])
    def test_c910_quiet_streams(self, flag: str) -> None:
        """A stream has begun when the venue confirmed it, counts as answered, and may be quiet then"""
        broker, noted, _ = self.guarded()

        async def begin() -> None:
            async with aclosing(self.stream(broker, flag)) as stream:  # type: ignore[type-var]
                word = asyncio.ensure_future(anext(stream))
                async with asyncio.timeout(PATIENCE):
                    while not noted.rows:
                        await asyncio.wait({word}, timeout=0.02)
                        broker._keep_measures()
                if word.done():  # how it stands, no failure
                    assert word.result()
                    word = asyncio.ensure_future(anext(stream))
                await asyncio.wait({word}, timeout=0.2)
                broker._keep_measures()
                assert not word.done() or word.exception() is None
                word.cancel()
                await asyncio.gather(word, return_exceptions=True)

        asyncio.run(begin())
        method = {"quote_stream": "stream_quotes", "order_stream": "stream_orders"}[flag]
        assert noted.rows == [(method, ANSWERED)]

    @needs(flag="order_stream")
    def test_c911_tells_what_follows(self) -> None:
        """What happens after it began is told, however long it was quiet."""
        broker, noted, _ = self.guarded()

        async def follow() -> str:
            async with aclosing(broker.stream_orders()) as stream:  # type: ignore[type-var]
                first = asyncio.ensure_future(anext(stream))
                async with asyncio.timeout(PATIENCE):
                    while not noted.rows:
                        await asyncio.wait({first}, timeout=0.02)
                        broker._keep_measures()
                    await asyncio.to_thread(self.send)
                    return (await first).client_order_id

        assert asyncio.run(follow()) == order_id(1)

    @over("flag", ["quote_stream", "order_stream"])
    @needs(ability=Ability.STOP)
    def test_c912_nobody_answers(self, flag: str) -> None:
        """A stream that nobody answers is `BrokerUnavailable`, is counted as that, and opens the breaker."""
        broker, noted, breaker = self.guarded()
        self.venue.stop()
        with pytest.raises(BrokerUnavailable):
            asyncio.run(asyncio.wait_for(_first(self.stream(broker, flag)), PATIENCE))
        broker._keep_measures()
        assert [code for _, code in noted.rows] == ["CONNECTION_ERROR"]
        with pytest.raises(BrokerUnavailable) as caught:
            breaker.check("quotes")
        assert caught.value.code == CIRCUIT_OPEN

    @over("flag", ["quote_stream", "order_stream"])
    @needs(ability=Ability.REQUEST_LOG)
    def test_c913_behind_an_open_breaker(self, flag: str) -> None:
        """While the breaker is open no stream begins, and the venue hears nothing of it."""
        broker, _, breaker = self.guarded()
        breaker.failed("quotes", BrokerUnavailable("nobody answered"))
        asked = len(self.venue.requests())
        with pytest.raises(BrokerUnavailable) as caught:
            asyncio.run(_first(self.stream(broker, flag)))
        assert caught.value.code == CIRCUIT_OPEN
        assert len(self.venue.requests()) == asked


async def _first(stream: AsyncIterator[Any]) -> Any:
    return await anext(stream)
