import asyncio
import time

import pytest

from include.brokers.budgets import Budgets
from include.brokers.pacing import Pacer
from include.domain.pacing import Pacing
from include.errors import Transient
from tests.fakes.shared_state import MemoryState


def one_limit(allowed: int, seconds: float) -> Pacing:
    limits = {"slow": {"allowed": 1, "seconds": seconds * 10}, "requests": {"allowed": allowed, "seconds": seconds}}
    return Pacing.model_validate({"limits": limits, "weights": {"*": {"requests": 1}, "both": {"slow": 1, "requests": 1}}})


def test_what_a_slower_limit_let_through_waits_for_one_in_line_at_most() -> None:
    order: list[str] = []

    async def ask(pacer: Pacer, endpoint: str, name: str) -> None:
        async with pacer.request(endpoint):
            order.append(name)

    async def all_of_them() -> None:
        pacer = Pacer(one_limit(1, 0.01))
        async with pacer.request():
            waiting = [asyncio.ensure_future(ask(pacer, "*", name)) for name in ("first", "second", "third")]
            await asyncio.sleep(0)  # they stand in line now
            waiting.append(asyncio.ensure_future(ask(pacer, "both", "ahead")))
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)

    asyncio.run(all_of_them())
    assert order == ["first", "ahead", "second", "third"]


def test_a_limit_that_is_shared_is_kept_by_all_loops_together() -> None:
    store = MemoryState()
    sent: list[float] = []

    async def ask(pacer: Pacer) -> None:
        async with pacer.request():
            sent.append(time.monotonic())

    async def process() -> None:
        pacer = Pacer(one_limit(10, 0.2), Budgets(store, "toy"), "key")
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
        async with Pacer(one_limit(10, 0.2), Budgets(store, "toy")).request():
            raise AssertionError("sent")

    with pytest.raises(Transient, match="the database is locked"):
        asyncio.run(ask())


def test_requests_go_on_with_what_is_held_while_the_database_does_not_answer() -> None:
    store, times = MemoryState(), iter(range(10_000))

    async def ask() -> int:
        budgets = Budgets(store, "toy", clock=lambda: 1000.0 + next(times) / 100)
        pacer = Pacer(one_limit(8, 0.0001), budgets)
        async with pacer.request():
            store.away = True
        for sent in range(1000):  # noqa: B007
            try:
                async with pacer.request():
                    pass
            except Transient:
                break
        return sent

    assert 10 < asyncio.run(ask()) < 300  # three seconds of this clock, then its slots are others'


def test_whoever_stops_waiting_holds_nothing_up() -> None:
    async def stop() -> None:
        pacer = Pacer(one_limit(1, 0.2))
        async with pacer.request():
            pass
        waiting = asyncio.ensure_future(pacer.request("both").__aenter__())
        behind = asyncio.ensure_future(pacer.request().__aenter__())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.wait_for(behind, 5)
        assert pacer._gates["slow"].share.outlook().used == 0

    asyncio.run(stop())
