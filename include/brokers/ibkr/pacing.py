"""Pacing that holds at the receiver: a slot comes back one window after the answer, not after the sending."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

from include.brokers.budgets import Share
from include.brokers.slots import Limit

MARGIN_SECONDS = 0.005  # timers may fire a clock tick early


def whole(limit: int, window_seconds: float = 1.0) -> Limit:
    """At most `limit` messages in any window, with a margin."""
    return Limit(limit, window_seconds + MARGIN_SECONDS)


class Pacer:
    """At most `limit` messages in any window, as the venue sees them: `async with pacer:` around a request and its answer.

    The venue sees a message between its sending and its answer. So if message n + limit leaves a window after the answer of
    message n, the venue cannot see both in one window, whatever the jitter between.

    Args:
        limit: Messages in a window.
        window_seconds: Its length.
        share: This process's part of the limit, where others use it too; None: all of it.
        burst: How many messages may go at once, before they are spread evenly over the window: an order behind many others
            waits for its turn among them, not for the next window. None: all of them.
    """

    def __init__(self, limit: int, window_seconds: float = 1.0, share: Share | None = None, burst: int | None = None) -> None:
        self._share = share or Share(whole(limit, window_seconds))
        self._gap = 0.0 if burst is None else window_seconds / limit
        self._ahead = (burst or 0) * self._gap
        self._due = -math.inf
        self._line, self._next = asyncio.Lock(), asyncio.Lock()
        self._looking: asyncio.Future[None] | None = None

    async def __aenter__(self) -> None:
        async with self._line:  # one at a time waits for a slot: whoever goes ahead waits for that one only
            await self._take()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._share.give_back()

    @asynccontextmanager
    async def ahead(self) -> AsyncIterator[None]:
        """The same before all who stand in line: for a message that another, slower pacing has let through already."""
        await self._take()
        try:
            yield
        finally:
            self._share.give_back()

    async def _take(self) -> None:
        async with self._next:  # in the order of asking
            while (pause := await self._try()) > 0:
                await asyncio.sleep(pause)
            now = asyncio.get_running_loop().time()
            self._due = max(self._due, now - self._ahead) + self._gap  # the generic cell rate algorithm, ITU-T I.371
            if self._due > now:
                await asyncio.sleep(self._due - now)

    async def _try(self) -> float:
        """What `Share.take` says. Looking into the database goes on beside it: messages wait for it only where they must."""
        if self._looking is None and self._share.asks_others():
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._share.look))
        pause = self._share.take(look=False)
        if self._looking is None:
            return pause
        if pause:
            await asyncio.wait({self._looking}, timeout=pause)
        if not self._looking.done():
            return pause and 0.0005
        looked, self._looking = self._looking, None
        error = looked.exception()
        if error is not None and pause:
            raise error
        return pause and 0.0005
