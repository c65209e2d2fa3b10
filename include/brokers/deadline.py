"""A bound for a call that may never end: it runs in a thread of its own, which is left behind when it does not answer in time."""

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Hung(Exception):
    """The call did not end in time; it may still be running."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` gives or raises, `BaseException`s included.

    Args:
        seconds: How long it may take; positive.
        work: Runs in another thread, with the context variables of this one.

    Raises:
        Hung: It took longer. Its thread is a daemon: it does not keep the process from ending.
    """
    call = _Call(work)
    thread = threading.Thread(target=contextvars.copy_context().run, args=(call.run,), name="broker-call", daemon=True)
    thread.start()
    if not call.ended.wait(seconds):
        raise Hung(f"no end within {seconds:g} s")
    return call.outcome()


class _Call(Generic[T]):
    """One call and what became of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.ended = threading.Event()
        self._work = work
        self._error: BaseException | None = None
        self._result: list[T] = []

    def run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:
            self._error = error
        finally:
            self.ended.set()

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]
