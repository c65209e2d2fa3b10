"""How long a broker is waited for: how often a read is repeated, after which pauses, and how long one call may take."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from include.errors import PolybrokerError, RateLimited


@dataclass(frozen=True)
class Policy:
    """How patient it is.

    Attributes:
        attempts: Of one read, the first one included.
        total_seconds: No attempt begins later than this after the first.
        first_pause_seconds / longest_pause_seconds: Between attempts: doubled each time, up to the longest; half is jitter.
        call_seconds: One call may take this long, and
        stream_seconds: a stream until it has begun;
        item_seconds: as much longer for each instrument or contract that it is about.
        probe_seconds: A read waits so long, within `total_seconds`, for what the breaker's probe of another call finds out.
    """

    attempts: int = 3
    total_seconds: float = 60.0
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 15.0
    call_seconds: float = 180.0
    stream_seconds: float = 90.0
    item_seconds: float = 5.0
    probe_seconds: float = 30.0

    def pause(self, attempt: int, error: BaseException | None, chance: float) -> float:
        """Seconds before the next attempt of a read: doubling with jitter; what the broker asks for where it asks for more.

        Args:
            attempt: That failed, from 1.
            error: Of it.
            chance: From 0 to 1, for the jitter.
        """
        longest = min(self.first_pause_seconds * 2.0 ** (attempt - 1), self.longest_pause_seconds)
        wanted = longest * (1 + chance) / 2
        return max(wanted, _retry_after(error)) if isinstance(error, RateLimited) else wanted


@dataclass(frozen=True)
class Surroundings:
    """Time and chance, for tests to set."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = field(default=random.random)


def _retry_after(error: PolybrokerError) -> float:
    """Seconds that the broker wants to be left alone; 0 where it told none that can be read."""
    try:
        return max(float(error.context.get("retry_after", 0)), 0.0)
    except ValueError:
        return 0.0
