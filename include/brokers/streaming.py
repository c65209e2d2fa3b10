"""How a stream begins: bounded in time, and told apart from a stream that has begun and is quiet."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from include.errors import BrokerUnavailable

T = TypeVar("T")
_begun: ContextVar[Callable[[], None] | None] = ContextVar("stream_begun", default=None)


class _End:
    """There is no further item."""


def stream_begun() -> None:
    """An adapter's stream calls this once the broker has confirmed it: from then on it may be quiet for as long as it likes.

    Before it, silence is a broker that does not answer. Call it in the stream's own task or one made in it; where nobody bounds
    the beginning it does nothing.
    """
    told = _begun.get()
    if told is not None:
        told()


async def follow(
    stream: AsyncIterator[T], seconds: float, on_begun: Callable[[], Awaitable[None]], words: str
) -> AsyncGenerator[T, None]:
    """The items of a stream. Closing it closes the stream.

    Args:
        stream: Of an adapter, not begun yet.
        seconds: Until it calls `stream_begun` or gives an item.
        on_begun: Awaited then, once.
        words: What it is, for the error.

    Raises:
        BrokerUnavailable: It did not begin in time.
    """
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    token = _begun.set(lambda: None if begun.done() else begun.set_result(None))
    first = asyncio.create_task(_next(stream))  # it takes a copy of the context
    _begun.reset(token)
    try:
        either: set[asyncio.Future[Any]] = {first, begun}
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if first.done():
            first.result()
        elif not begun.done():
            raise BrokerUnavailable(f"{words} did not begin within {seconds:g} s")
        await on_begun()
        stream_begun()  # for whoever bounds the stream that this one is part of
        item = await first
        while not isinstance(item, _End):
            yield item
            item = await _next(stream)
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


async def _next(stream: AsyncIterator[T]) -> T | _End:
    return await anext(stream, _End())
