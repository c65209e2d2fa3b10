"""An event loop in a thread of its own, for a library that must live inside `asyncio.run` while its callers are synchronous."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Starts at once and runs until `close`.

    Args:
        prepare: Awaited on the loop first; what it raises is raised here.
    """

    def __init__(self, prepare: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(prepare)), name="ibkr-loop", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and give its result, from any other thread."""
        return self.start(work).result()

    def start(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Run a coroutine on the loop without waiting for it, from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[[], None]) -> None:
        """Call something on the loop and wait until it has returned, from any other thread."""

        async def called() -> None:
            function()

        self.run(called())

    def close(self, last: Callable[[], None]) -> None:
        """Call `last` on the loop, then end it and the thread."""
        self._loop.call_soon_threadsafe(last)
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _live(self, prepare: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            await prepare()
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        await self._stop.wait()


async def gather(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order; the first failure cancels the rest and is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
