"""Several things at once on the loop."""

import asyncio

import pytest

from include.brokers.ibkr.loop_thread import gather


def test_results_stand_in_order() -> None:
    async def late(value: int, turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return value

    assert asyncio.run(gather([late(1, 5), late(2, 0), late(3, 2)])) == [1, 2, 3]
    assert asyncio.run(gather([])) == []


def test_the_first_failure_ends_the_rest() -> None:
    ended = []

    async def patient() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("patient")

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(gather([patient(), failing(), patient()]))
    assert ended == ["patient", "patient"]
