"""The circuit breaker of a broker: who failed too often in a row is left alone for a while, by all processes.

Only what says that nobody answers counts: `BrokerUnavailable` and `OutcomeUnknown`. A broker that refuses, or asks for fewer
requests, is there. `closed` -> `open` after `failures` within `window_seconds` -> `half_open` with one probe, once `open_seconds`
are over -> `closed` by any answer, or `open` again for twice as long.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from include.brokers.shared_state import SharedState
from include.errors import BrokerUnavailable, OutcomeUnknown, PolybrokerError, RateLimited, Terminal, Unsupported

log = logging.getLogger(__name__)
CIRCUIT_OPEN = "CIRCUIT_OPEN"
PREFIX = "breaker:"
CLOCKS_APART_SECONDS = 1.0  # of two machines, at most
ALWAYS = frozenset({"find_order", "cancel"})  # what makes an account safer is never held back; it shows as well who is there


class Phase(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class BreakerSettings:
    """When it opens, and for how long.

    Attributes:
        failures / window_seconds: So many in a row, the first not longer ago than this.
        open_seconds / longest_open_seconds: Nobody asks for so long; doubled by each probe that fails, up to the longest.
        probe_seconds: A probe whose outcome nobody has heard of by then is given up.
    """

    failures: int = 5
    window_seconds: float = 300.0
    open_seconds: float = 30.0
    longest_open_seconds: float = 120.0
    probe_seconds: float = 120.0


@dataclass(frozen=True)
class Circuit:
    """What is kept of one broker. Times in seconds since the epoch.

    Attributes:
        failures: In a row, since `since`.
        openings: How often it opened since it was closed.
        until: Open: until then nobody asks; half open: until then the probe may take.
        reason: The last failure: method and codes. No words of the broker: whatever they quote would be kept.
    """

    phase: Phase = Phase.CLOSED
    failures: int = 0
    since: float = 0.0
    openings: int = 0
    until: float = 0.0
    reason: str = ""

    @classmethod
    def of(cls, document: Any) -> "Circuit":
        """Out of a kept document; None is a closed one."""
        return cls(**{**document, "phase": Phase(document["phase"])}) if document else cls()

    def failed(self, now: float, reason: str, settings: BreakerSettings) -> "Circuit":
        """After a call that nobody answered."""
        if self.phase is Phase.OPEN:
            return self  # a call from before, or one that was let through: the pause has begun already
        fresh = not self.failures or now - self.since > settings.window_seconds
        failures, since = (1, now) if fresh else (self.failures + 1, self.since)
        if self.phase is Phase.CLOSED and failures < settings.failures:
            return replace(self, failures=failures, since=since, reason=reason)
        pause = min(settings.open_seconds * 2.0**self.openings, settings.longest_open_seconds)
        return Circuit(Phase.OPEN, failures, since, self.openings + 1, now + pause, reason)

    def probed(self, now: float, settings: BreakerSettings) -> "Circuit | None":
        """With a probe under way; None where none may be sent now."""
        latest = now + max(settings.longest_open_seconds, settings.probe_seconds) + CLOCKS_APART_SECONDS
        if self.phase is Phase.CLOSED or now < self.until <= latest:  # nobody writes a later end: the clock was set back
            return None
        return replace(self, phase=Phase.HALF_OPEN, until=now + settings.probe_seconds)


class Breaker:
    """The breaker of one broker, as one process sees it. Where its store does not answer, it does not stand in the way.

    Args:
        store: Shared by all processes.
        source: What it is about (`Broker.source`): a broker in one environment.
        clock: Seconds since the epoch, the same for all processes.
    """

    def __init__(
        self,
        store: SharedState,
        source: str,
        *,
        settings: BreakerSettings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._source, self._clock = store, source, clock
        self._settings = settings or BreakerSettings()
        self._clean = True  # nothing stood against the broker when last looked
        self._probing = False

    def check(self, method: str) -> None:
        """Nothing where the broker may be asked now.

        Raises:
            BrokerUnavailable: It may not (code `CIRCUIT_OPEN`): nothing was sent.
        """
        try:
            circuit = Circuit.of(self._store.read(PREFIX + self._source))
            self._clean = circuit == Circuit()
            if circuit.phase is Phase.CLOSED or method in ALWAYS or self._probing or self._take_probe():
                return
        except PolybrokerError as error:
            log.warning("the breaker of %s cannot be read, so %s is not held: %s", self._source, method, error)
            return
        left = max(circuit.until - self._clock(), 0.0)
        words = (
            f"{self._source} failed {circuit.failures} times in a row and is left alone for {left:.0f} s more: {circuit.reason}"
        )
        raise BrokerUnavailable(words, code=CIRCUIT_OPEN)

    def answered(self) -> None:
        """The broker answered, whatever it said."""
        self._probing = False
        if not self._clean:
            self._clean = self._changed(lambda circuit: Circuit())

    def failed(self, method: str, error: PolybrokerError) -> None:
        """A call ended with an error: nobody answered, or the broker did, or (a fault of the input) it was never asked."""
        if isinstance(error, (RateLimited, Terminal)) and not isinstance(error, Unsupported):
            self.answered()
        if not isinstance(error, (BrokerUnavailable, OutcomeUnknown)):
            return
        self._probing = self._clean = False
        now, reason = self._clock(), " ".join(filter(None, [method, error.code, error.broker_code]))
        self._changed(lambda circuit: circuit.failed(now, reason, self._settings))

    def _take_probe(self) -> bool:
        def work(document: Any) -> tuple[Any, bool]:
            probed = Circuit.of(document).probed(self._clock(), self._settings)
            return (document, False) if probed is None else (asdict(probed), True)

        self._probing = self._store.change(PREFIX + self._source, work)
        return self._probing

    def _changed(self, change: Callable[[Circuit], Circuit]) -> bool:
        try:
            self._store.change(PREFIX + self._source, lambda document: (asdict(change(Circuit.of(document))), None))
        except PolybrokerError as error:
            log.warning("the breaker of %s cannot be written: %s", self._source, error)
            return False
        return True
