import asyncio
import time

import pytest

from include.brokers.budgets import Share
from include.brokers.ibkr.pacing import Pacer
from include.brokers.slots import Limit
from include.errors import Transient
from tests.fakes.shared_state import MemoryState


def test_who_goes_ahead_waits_for_one_in_line_at_most() -> None:
    order: list[str] = []

    async def in_line(pacer: Pacer, name: str) -> None:
        async with pacer:
            order.append(name)

    async def ahead(pacer: Pacer) -> None:
        async with pacer.ahead():
            order.append("ahead")

    async def all_of_them() -> None:
        pacer = Pacer(1, window_seconds=0.0)
        async with pacer:
            waiting = [asyncio.ensure_future(in_line(pacer, name)) for name in ("first", "second", "third")]
            await asyncio.sleep(0)  # they stand in line now
            waiting.append(asyncio.ensure_future(ahead(pacer)))
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)

    asyncio.run(all_of_them())
    assert order == ["first", "ahead", "second", "third"]


def test_a_limit_that_is_shared_is_kept_by_all_loops_together() -> None:
    store = MemoryState()
    sent: list[float] = []

    async def ask(pacer: Pacer) -> None:
        async with pacer:
            sent.append(time.monotonic())

    async def process() -> None:
        pacer = Pacer(10, share=Share(Limit(10, 0.2), store, "x"))
        await asyncio.gather(*(ask(pacer) for _ in range(30)))

    async def both() -> None:
        await asyncio.gather(process(), process())

    asyncio.run(both())
    assert len(sent) == 60
    sent.sort()
    assert max(sum(1 for each in sent if first <= each < first + 0.2) for first in sent) <= 10


def test_nothing_is_sent_while_the_others_cannot_be_asked() -> None:
    store = MemoryState()
    store.away = True

    async def ask() -> None:
        async with Pacer(10, share=Share(Limit(10, 0.2), store, "x")):
            raise AssertionError("sent")

    with pytest.raises(Transient, match="the database is locked"):
        asyncio.run(ask())


def test_messages_go_on_with_what_is_held_while_the_database_does_not_answer() -> None:
    store, times = MemoryState(), iter(range(10_000))

    async def ask() -> int:
        share = Share(Limit(8, 0.0), store, "x", clock=lambda: 1000.0 + next(times) / 100)
        pacer = Pacer(8, share=share)
        async with pacer:
            store.away = True
        for sent in range(1000):  # noqa: B007
            try:
                async with pacer:
                    pass
            except Transient:
                break
        return sent

    assert 10 < asyncio.run(ask()) < 300  # three seconds of this clock, then its slots are others'
