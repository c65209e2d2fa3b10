import asyncio

from include.brokers.ibkr.pacing import Pacer


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
