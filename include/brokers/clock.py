"""How far a broker's clock and this machine's are apart, and where that is kept.

Budgets need the machines' clocks within about half a second of one another, and signed requests are refused by a broker whose
clock differs too much (Binance: 5 s). A broker that tells its time shows both.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

PREFIX = "clock:"
SAMPLES = 3
QUICK = timedelta(seconds=0.25)  # an exchange this short is exact enough


def utc_now() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


def measure(ask: Callable[[], datetime], now: Callable[[], datetime] = utc_now) -> timedelta:
    """How far the broker's clock is ahead of ours; negative where it is behind.

    The broker told its time somewhere between our sending and the answer, so it is taken for the middle. An exchange that took
    long (it may have waited for its turn) says little: it is tried again, and the shortest of three counts.

    Args:
        ask: Gives the broker's time. What it raises is raised.
        now: Ours.
    """
    best: tuple[timedelta, timedelta] | None = None
    for _ in range(SAMPLES):
        sent = now()
        told = ask()
        took = now() - sent
        if best is None or took < best[0]:
            best = took, told - (sent + took / 2)
        if took <= QUICK:
            break
    assert best is not None
    return best[1]


@dataclass(frozen=True)
class Skew:
    """What was measured last of one source.

    Attributes:
        seconds: How far its clock was ahead of ours.
        allowed_seconds: More than this is too much (`max_clock_skew_seconds` of the broker's YAML).
        at: When, as ISO 8601 in UTC.
    """

    seconds: float
    allowed_seconds: float
    at: str

    @classmethod
    def of(cls, document: Any) -> "Skew | None":
        """Out of a kept document; None where there is none."""
        return cls(**document) if document else None

    @property
    def is_too_much(self) -> bool:
        """Whether somebody should look after the clock."""
        return abs(self.seconds) > self.allowed_seconds

    @property
    def document(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @property
    def words(self) -> str:
        """For people."""
        found = f"its clock is {abs(self.seconds):.1f} s {'ahead of' if self.seconds >= 0 else 'behind'} this machine's"
        wrong = f", more than {self.allowed_seconds:g} s: check the time synchronization (NTP) of this machine"
        return found + (wrong if self.is_too_much else "")
