"""Pacing: fewer requests than Alpaca allows, without being told off first."""

import threading
import time
from collections.abc import Callable

from include.brokers.budgets import Share
from include.brokers.slots import Limit

MAX_WAIT_SECONDS = 60.0
MARGIN_SECONDS = 1.0  # between sending a request and its arrival


def whole(requests_per_minute: int) -> Limit:
    """The limit of a key, to be shared by all processes that use it."""
    return Limit(requests_per_minute, 60 + MARGIN_SECONDS)


class Pacer:
    """A token bucket that also listens to the broker's own count, which other processes of the same key use up too.

    In any 60 seconds it lets at most `requests_per_minute` requests through, `burst` of them at once.

    Args:
        requests_per_minute: Positive.
        burst: 1 to `requests_per_minute`; the rest is spread evenly over the minute.
        share: This process's part of the limit, where others use the key too; None: all of it.
        clock: Monotonic seconds.
        wall_clock: Seconds since the epoch, as the broker's reset times are given.
        sleep: Waits a number of seconds.
    """

    def __init__(
        self,
        requests_per_minute: int,
        burst: int,
        share: Share | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._capacity = float(min(burst, requests_per_minute))
        # What the full bucket lets through at once is missing from the steady rate: the sum in a minute stays within the limit.
        self._per_second = max((requests_per_minute - self._capacity) / 60, requests_per_minute / 600)
        self._tokens = self._capacity
        self._clock, self._wall_clock, self._sleep = clock, wall_clock, sleep
        self._updated = clock()
        self._lock = threading.Lock()
        self._share = share

    def wait(self) -> None:
        """Return when the next request may be sent.

        Raises:
            Transient: The limit is shared, and what the others use cannot be read: nothing may be sent.
        """
        with self._lock:
            now = self._clock()
            self._tokens = min(self._capacity, self._tokens + (now - self._updated) * self._per_second)
            self._updated = now
            self._tokens -= 1
            missing = -self._tokens
        if missing > 0:
            self._sleep(min(missing / self._per_second, MAX_WAIT_SECONDS))
        if self._share is not None:
            while (pause := self._share.take()) > 0:
                self._sleep(pause)
            self._share.give_back()

    def observe(self, remaining: str | None, reset: str | None) -> None:
        """Take in the `X-RateLimit-*` headers of an answer; missing or odd ones are ignored.

        Args:
            remaining: Requests left in the broker's current minute.
            reset: When that minute ends, in seconds since the epoch.
        """
        try:
            left, ends = float(remaining or ""), float(reset or "")
        except ValueError:
            return
        if left > 0:
            return
        with self._lock:
            pause = min(max(ends - self._wall_clock(), 0.0), MAX_WAIT_SECONDS)
            self._tokens = min(self._tokens, -pause * self._per_second)
