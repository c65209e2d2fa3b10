"""Counting calls: latency, outcome and code of each, added up by the hour before they are kept."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from include.domain.health import CallCount
from include.errors import PolybrokerError

log = logging.getLogger(__name__)
FLUSH_SECONDS = 60.0


class CallStore(Protocol):
    """Where counts are kept (`include/storage/call_counts.py`)."""

    def add(self, counts: Sequence[CallCount]) -> None:
        """Add to what is kept already of the same hour, method and code. Raises `Transient` where the store does not answer."""


class Measures:
    """What one process counts of one broker. Kept once a minute and at the end; a process that dies loses at most that minute.

    Args:
        store: Where it is kept.
        broker: Its name.
        source: The broker in one environment.
        now: Aware UTC.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        store: CallStore,
        broker: str,
        source: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._broker, self._source = store, broker, source
        self._now, self.clock = now, clock
        self._counts: dict[tuple[datetime, str, str], CallCount] = {}
        self._kept = clock()

    def count(self, method: str, code: str, seconds: float) -> None:
        """One call more: its outcome (see `CallCount.code`) and how long it took."""
        moment = self._now()
        hour = moment - timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
        known = self._counts.get((hour, method, code)) or CallCount(self._source, self._broker, hour, method, code, 0, 0.0, 0.0)
        self._counts[hour, method, code] = replace(
            known,
            calls=known.calls + 1,
            seconds=known.seconds + seconds,
            slowest_seconds=max(known.slowest_seconds, seconds),
        )
        if self.clock() - self._kept >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Keep what was counted. Where the store does not answer it is counted on: no call fails for its measurement."""
        self._kept = self.clock()
        if not self._counts:
            return
        try:
            self._store.add(list(self._counts.values()))
        except PolybrokerError as error:
            log.warning("calls at %s could not be counted: %s", self._source, error)
            return
        self._counts.clear()
