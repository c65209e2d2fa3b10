"""Alpaca's request limit: so many a minute per key, told in every answer."""

import math
import time
from collections.abc import Callable
from datetime import timedelta

WINDOW_SECONDS = 60


class Limiter:
    """Counts requests in one-minute windows.

    Args:
        requests_per_minute: Alpaca's documented 200.
        clock: Seconds since the epoch.
    """

    def __init__(self, requests_per_minute: int = 200, clock: Callable[[], float] = time.time) -> None:
        self.requests_per_minute = requests_per_minute
        self._clock = clock
        self._window = clock()
        self._count = 0

    def take(self) -> bool:
        """Count one request; False when it is one too many."""
        now = self._clock()
        if now - self._window >= WINDOW_SECONDS:
            self._window, self._count = now, 0
        self._count += 1
        return self._count <= self.requests_per_minute

    def seconds_left(self) -> float:
        """Until the next window begins; not negative."""
        return max(self._window + WINDOW_SECONDS - self._clock(), 0.0)

    def headers(self, skew: timedelta = timedelta(0)) -> dict[str, str]:
        """The `X-RateLimit-*` headers as of the last `take`, written by a clock that is `skew` ahead."""
        return {
            "X-RateLimit-Limit": str(self.requests_per_minute),
            "X-RateLimit-Remaining": str(max(self.requests_per_minute - self._count, 0)),
            "X-RateLimit-Reset": str(math.ceil(self._window + WINDOW_SECONDS + skew.total_seconds())),
        }
