"""Breakers of several processes, on one clock and one store."""

from collections.abc import Callable

from include.brokers.breaker import CIRCUIT_OPEN, PREFIX, Breaker, BreakerSettings, Circuit
from include.domain.event import Event
from include.errors import (
    BrokerUnavailable,
    PolybrokerError,
    Transient,
)
from tests.fakes.shared_state import MemoryState

SETTINGS = BreakerSettings(failures=3, window_seconds=100, open_seconds=30, longest_open_seconds=100, probe_seconds=20)
AWAY = BrokerUnavailable("connection refused")


class Heard:
    """Keeps events in a list.

    Attributes:
        away: True while it does not answer.
    """

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.away = False

    def add(self, event: Event) -> None:
        if self.away:
            raise Transient("the database is locked")
        self.told.append(event)


class World:
    """A clock, a store, and breakers of several processes on them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = MemoryState()
        self.events = Heard()
        self.meanwhile: dict[float, Callable[[], None]] = {}  # what other processes do, once somebody sleeps until then

    def process(self, source: str = "ibkr-paper") -> Breaker:
        return Breaker(self.store, source, settings=SETTINGS, clock=lambda: self.now, sleep=self.sleep, events=self.events)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in [each for each in self.meanwhile if each <= self.now]:
            self.meanwhile.pop(moment)()

    def probing(self) -> Breaker:
        """A process whose probe is under way."""
        self.fail(3)
        self.now += 30
        one = self.process()
        one.check("connect")
        return one

    def fail(self, times: int, error: PolybrokerError = AWAY) -> None:
        for _ in range(times):
            self.process().failed("quotes", error)

    @property
    def circuit(self) -> Circuit:
        return Circuit.of(self.store.read(PREFIX + "ibkr-paper"))


def asked(breaker: Breaker, method: str = "quotes") -> bool:
    try:
        breaker.check(method)
    except BrokerUnavailable as error:
        return error.code != CIRCUIT_OPEN
    return True
