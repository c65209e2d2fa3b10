"""A queue whose places are futures, so that threads and event loops can stand in it together."""

import threading
from collections import deque
from concurrent.futures import Future


class Line:
    """One at a time, in the order of asking. Thread-safe; it never waits itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Future[None]] = deque()
        self._taken = False

    def join(self) -> "Future[None]":
        """A place, done when it is one's turn; whatever comes of it must `leave`."""
        place: Future[None] = Future()
        with self._lock:
            if self._taken:
                self._waiting.append(place)
            else:
                self._taken = True
                place.set_result(None)
        return place

    def leave(self, place: "Future[None]") -> None:
        """The turn is over, or whoever waited waits no more."""
        with self._lock:
            if not place.done():
                self._waiting.remove(place)
            elif self._waiting:
                self._waiting.popleft().set_result(None)
            else:
                self._taken = False
