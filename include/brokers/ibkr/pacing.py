"""Pacing that holds at the receiver: a slot comes back one window after the answer, not after the sending."""

import asyncio
from types import TracebackType

MARGIN_SECONDS = 0.005  # timers may fire a clock tick early


class Pacer:
    """At most `limit` messages in any window, as the venue sees them: `async with pacer:` around a request and its answer.

    The venue sees a message between its sending and its answer. So if message n + limit leaves a window after the answer of
    message n, the venue cannot see both in one window, whatever the jitter between.
    """

    def __init__(self, limit: int, window_seconds: float = 1.0) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._window = window_seconds + MARGIN_SECONDS

    async def __aenter__(self) -> None:
        await self._slots.acquire()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.get_running_loop().call_later(self._window, self._slots.release)
