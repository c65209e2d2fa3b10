"""The circuit breaker of a broker: who failed too often in a row is left alone for a while, by all processes.

Only what says that nobody answers counts: `BrokerUnavailable` and `OutcomeUnknown`. A broker that refuses, or asks for fewer
requests, is there. `closed` -> `open` after `failures` within `window_seconds` -> `half_open` with one probe, once `open_seconds`
are over -> `closed` by any answer, or `open` again for twice as long. Who may wait (a read) waits for what the probe of another
call finds out; who may not (an order) is refused at once.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from include.brokers.shared_state import SharedState
from include.domain.event import Event
from include.errors import BrokerUnavailable, OutcomeUnknown, PolybrokerError, RateLimited, Terminal, Unsupported

log = logging.getLogger(__name__)
CIRCUIT_OPEN = "CIRCUIT_OPEN"
PREFIX = "breaker:"
OPENED, CLOSED = "{broker}.breaker.opened", "{broker}.breaker.closed"
LOOK_SECONDS = 0.25  # between two looks at how the probe of another went
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
        tired = self.phase is Phase.CLOSED and now - self.since > settings.window_seconds
        fresh = not self.failures or tired
        failures, since = (1, now) if fresh else (self.failures + 1, self.since)
        if self.phase is Phase.CLOSED and failures < settings.failures:
            return replace(self, failures=failures, since=since, reason=reason)
        pause = min(settings.open_seconds * 2.0**self.openings, settings.longest_open_seconds)
        return Circuit(Phase.OPEN, failures, since, self.openings + 1, now + pause, reason)

    def holds(self, now: float, settings: BreakerSettings) -> bool:
        """Whether its pause, or the probe of another call, is not over yet."""
        latest = now + max(settings.longest_open_seconds, settings.probe_seconds) + CLOCKS_APART_SECONDS
        return now < self.until <= latest  # nobody writes a later end: the clock was set back

    def probed(self, now: float, settings: BreakerSettings) -> "Circuit | None":
        """With a probe under way; None where none may be sent now."""
        if self.phase is Phase.CLOSED or self.holds(now, settings):
            return None
        return replace(self, phase=Phase.HALF_OPEN, until=now + settings.probe_seconds)

    def let_go(self, now: float) -> "Circuit":
        """After a probe that found out nothing: the next call may be one."""
        return replace(self, phase=Phase.OPEN, until=now) if self.phase is Phase.HALF_OPEN else self


class EventStore(Protocol):
    """Where openings and closings are kept (`include/storage/broker_events.py`)."""

    def add(self, event: Event) -> None:
        """Keep one. Raises `Transient` where the store does not answer."""


class Breaker:
    """The breaker of one broker, as one process sees it. Where its store does not answer, it does not stand in the way.

    Args:
        store: Shared by all processes.
        source: What it is about (`Broker.source`): a broker in one environment.
        clock: Seconds since the epoch, the same for all processes.
        sleep: Between two looks at how a probe went.
        events: Hears when it opens and when it is closed; None: nobody does.
    """

    def __init__(
        self,
        store: SharedState,
        source: str,
        *,
        settings: BreakerSettings | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        events: EventStore | None = None,
    ) -> None:
        self._store, self._source, self._clock, self._sleep = store, source, clock, sleep
        self._settings, self._events = settings or BreakerSettings(), events
        self._clean = True  # nothing stood against the broker when last looked
        self._probing = False

    def check(self, method: str, patience_seconds: float = 0.0) -> None:
        """Nothing where the broker may be asked now.

        Args:
            method: Of the port.
            patience_seconds: How long to wait for what the probe of another call finds out.

        Raises:
            BrokerUnavailable: It may not (code `CIRCUIT_OPEN`): nothing was sent.
        """
        looks = max(int(patience_seconds / LOOK_SECONDS), 0)  # counted, because the clock of the processes may be set meanwhile
        circuit = self._standing(method)
        for _ in range(looks):
            if circuit is None or circuit.phase is not Phase.HALF_OPEN:
                break
            self._sleep(LOOK_SECONDS)
            circuit = self._standing(method)
        if circuit is not None:
            raise BrokerUnavailable(self._words(circuit, looks * LOOK_SECONDS), code=CIRCUIT_OPEN)

    def _standing(self, method: str) -> Circuit | None:
        """What holds a call; None where it may go."""
        try:
            circuit = _kept(self._store.read(PREFIX + self._source))
            self._clean = circuit == Circuit()
            if circuit.phase is Phase.CLOSED or method in ALWAYS or self._probing:
                return None
            return circuit if circuit.holds(self._clock(), self._settings) else self._take_probe()
        except PolybrokerError as error:
            log.warning("the breaker of %s cannot be read, so %s is not held: %s", self._source, method, error)
            return None

    def _words(self, circuit: Circuit, waited_seconds: float) -> str:
        failed = f"{self._source} failed {circuit.failures} times in a row"
        if circuit.phase is Phase.OPEN:
            left = max(circuit.until - self._clock(), 0.0)
            return f"{failed} and is left alone for {left:.0f} s more: {circuit.reason}"
        if waited_seconds:
            return f"{failed} ({circuit.reason}); whether it is back was not found out within {waited_seconds:.0f} s: try again"
        return f"{failed} ({circuit.reason}); another call is finding out whether it is back, nothing is sent until then: retry"

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
            self.let_go()
            return
        self._probing = self._clean = False
        now, reason = self._clock(), " ".join(filter(None, [method, error.code, error.broker_code]))
        self._changed(lambda circuit: circuit.failed(now, reason, self._settings))

    def let_go(self) -> None:
        """A call ended in a way that says nothing of the broker: if it was the probe, the next call is one."""
        if self._probing:
            self._probing, now = False, self._clock()
            self._changed(lambda circuit: circuit.let_go(now))

    def _take_probe(self) -> Circuit | None:
        """None where this call is the probe now, or needs to be none; else what holds it: another one was quicker."""

        def work(document: Any) -> tuple[Any, Circuit]:
            circuit = _kept(document)
            probed = circuit.probed(self._clock(), self._settings)
            self._probing = probed is not None
            return (document, circuit) if probed is None else (asdict(probed), circuit)

        circuit = self._store.change(PREFIX + self._source, work)
        return None if self._probing or circuit.phase is Phase.CLOSED else circuit

    def _changed(self, change: Callable[[Circuit], Circuit]) -> bool:
        def work(document: Any) -> tuple[Any, tuple[Circuit, Circuit]]:
            before = _kept(document)
            after = change(before)
            return asdict(after), (before, after)

        try:
            before, after = self._store.change(PREFIX + self._source, work)
            self._tell(before, after)
        except PolybrokerError as error:
            log.warning("the breaker of %s cannot be written: %s", self._source, error)
            return False
        return True

    def _tell(self, before: Circuit, after: Circuit) -> None:
        """An event where it opened or was closed; a probe that failed in between is none."""
        if self._events is None or (before.phase is Phase.CLOSED) == (after.phase is Phase.CLOSED):
            return
        opened = before.phase is Phase.CLOSED
        circuit = after if opened else before
        body = {
            "source": self._source,
            "failures": circuit.failures,
            "openings": circuit.openings,
            "failing_since": datetime.fromtimestamp(circuit.since, UTC).isoformat(timespec="seconds"),
            "reason": circuit.reason,
        }
        topic = (OPENED if opened else CLOSED).format(broker=self._source.rpartition("-")[0])
        self._events.add(Event(topic=topic, time=datetime.fromtimestamp(self._clock(), UTC), body=body))


def _kept(document: Any) -> Circuit:
    """The kept circuit; a closed one where nobody can read it (another version wrote it): it does not stand in the way."""
    try:
        return Circuit.of(document)
    except (KeyError, TypeError, ValueError):
        return Circuit()
