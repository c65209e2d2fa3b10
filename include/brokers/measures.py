"""Counting calls: latency, outcome and codes of each, added up by the hour before they are kept."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from include.domain.health import CallCount
from include.errors import PolybrokerError

log = logging.getLogger(__name__)
FLUSH_SECONDS = 60.0
_CODE = re.compile(r"[\w./:+-]{0,40}")  # what brokers call a code
NO_CODE = "(words)"  # in its place where a broker sent a sentence: it may quote what is nobody's business


class CallStore(Protocol):
    """Where counts are kept (`include/storage/call_counts.py`)."""

    def add(self, counts: Sequence[CallCount]) -> None:
        """Add to what is kept already of the same hour, method and codes. Raises `Transient` where the store does not answer."""


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
        self._counts: dict[tuple[datetime, str, str, str], CallCount] = {}
        self._kept = clock()

    def count(self, method: str, code: str, seconds: float, broker_code: str = "") -> None:
        """One call more: its outcome (see `CallCount.code`), how long it took, and what the broker calls its error."""
        own = broker_code if _CODE.fullmatch(broker_code) else NO_CODE
        moment = self._now()
        hour = moment - timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
        none = CallCount(self._source, self._broker, hour, method, code, 0, 0.0, 0.0, own)
        known = self._counts.get((hour, method, code, own), none)
        self._counts[hour, method, code, own] = replace(
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
