"""Pacing that holds at the receiver: a slot comes back one window after the answer, not after the sending."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

MARGIN_SECONDS = 0.005  # timers may fire a clock tick early


class Pacer:
    """At most `limit` messages in any window, as the venue sees them: `async with pacer:` around a request and its answer.

    The venue sees a message between its sending and its answer. So if message n + limit leaves a window after the answer of
    message n, the venue cannot see both in one window, whatever the jitter between.
    """

    def __init__(self, limit: int, window_seconds: float = 1.0) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._line = asyncio.Lock()
        self._window = window_seconds + MARGIN_SECONDS

    async def __aenter__(self) -> None:
        async with self._line:  # one at a time waits for a slot: whoever goes ahead waits for that one only
            await self._slots.acquire()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._give_back()

    @asynccontextmanager
    async def ahead(self) -> AsyncIterator[None]:
        """The same before all who stand in line: for a message that another, slower pacing has let through already."""
        await self._slots.acquire()
        try:
            yield
        finally:
            self._give_back()

    def _give_back(self) -> None:
        asyncio.get_running_loop().call_later(self._window, self._slots.release)
