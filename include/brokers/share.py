"""The slots of one limit that this process holds (`include/brokers/slots.py`)."""

import math
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from include.brokers.shared_state import SharedState
from include.brokers.slots import ON_ITS_WAY_SECONDS, SHORTEST_TTL_SECONDS, Grant, Limit, Slots, Wish, released, settle

RENEW_SECONDS = SHORTEST_TTL_SECONDS / 3
FIRST_BLOCK = 12  # at most: what opening a broker takes
POLL_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.0  # where nobody knows when those in use come back


@dataclass(frozen=True)
class Taken:
    """Slots in use.

    Attributes:
        life: In which life of the share: what a process loses because it stood still is not its own to give back.
    """

    count: int
    life: int


@dataclass(frozen=True)
class Outlook:
    """What a process has before it: slots in use or not ready again, those that are, and seconds until the next ones are."""

    used: int
    ready: int
    next_seconds: float | None

    @property
    def held(self) -> int:
        """All of them."""
        return self.used + self.ready


class Share:
    """A process's slots. Thread-safe; it never sleeps itself.

    Args:
        limit: The whole.
        state: Shared by all processes; None: all slots are this process's own.
        name: Of the limit's document.
        clock: Seconds since the epoch, the same for all processes (without `state`: any); None: the system's.
        steady: Seconds that nobody sets back; None: `clock` is, or the system's.
    """

    def __init__(
        self,
        limit: Limit,
        state: SharedState | None = None,
        name: str = "",
        *,
        clock: Callable[[], float] | None = None,
        steady: Callable[[], float] | None = None,
    ) -> None:
        self._limit, self._state, self._name = limit, state, name
        self._clock = clock or (time.monotonic if state is None else time.time)
        self._steady = steady or clock or time.monotonic
        self._ahead = -math.inf  # of `steady`, at most so far
        self._lock = threading.Lock()
        self._holder = uuid.uuid4().hex
        self._idle = Slots([[self._clock(), limit.slots]] if state is None else [])
        self._in_use = self._life = self._need = 0
        self._looking = self._served = False
        self._asked = True  # at the last look, for more
        self._share = limit.slots
        self._until = math.inf if state is None else -math.inf
        self._next_look = math.inf if state is None else -math.inf
        self._block = min(max(limit.slots // 4, 1), FIRST_BLOCK)
        self._short = True

    def asks_others(self) -> bool:
        """Whether `look` would look into the store now, which may take a while."""
        with self._lock:
            return not self._looking and self._is_due(self._now())

    def look(self) -> None:
        """Give back and take through the store, where it is time to. Slots are taken and given back meanwhile.

        Where the store does not answer it may have written all the same: what was to be given back is not used any more.

        Raises:
            Transient: The store does not answer.
        """
        with self._lock:
            now = self._now()
            if self._looking or not self._is_due(now):
                return
            self._looking = True
            wish = self._wish(now)
        try:
            assert self._state is not None
            grant = self._state.change(self._name, lambda document: settle(document, self._holder, self._limit, now, wish))
        except BaseException:
            with self._lock:
                self._looking = False
                self._served = self._served or wish.served
            raise
        with self._lock:
            self._accept(grant, now)

    def take(self, count: int = 1, *, look: bool = True) -> Taken | float:
        """Take so many slots, all or none; where they are not ready: the seconds after which to try again.

        Args:
            count: At most as many as the limit has.
            look: Look into the store first where it is time to; False: somebody else does.

        Raises:
            Transient: The store does not answer: nothing may be sent.
        """
        if look:
            self.look()
        with self._lock:
            now = self._now()
            if self._is_sure(now) and self._idle.ready(now) >= count:
                self._idle.take(count)
                self._in_use += count
                self._need, self._served = 0, True
                return Taken(count, self._life)
            self._short, self._need = True, count
            return self._pause(now)

    def holds(self, taken: Taken) -> bool:
        """Whether slots that were taken are still this process's own: else they must not be used."""
        with self._lock:
            return self._is_sure(self._now()) and taken.life == self._life

    def give_back(self, taken: Taken, *, used: bool = True) -> None:
        """The request was answered: its slots may be used again a window from now. Not `used`: it was never sent."""
        with self._lock:
            if taken.life != self._life:
                return  # others' by now
            now = self._now()
            self._in_use -= taken.count
            self._idle.add(self._limit.after_window(now) if used else now, taken.count)

    def outlook(self) -> Outlook:
        """How it stands."""
        with self._lock:
            now = self._now()
            ready, following = self._idle.ready(now), self._idle.first_after(now)
            return Outlook(self._held() - ready, ready, None if following is None else following - now)

    def close(self) -> None:
        """Let the others have the slots."""
        with self._lock:
            now = self._now()
            if self._state is None or self._until < now:
                return
            limit, returned = self._limit, self._idle
            self._forget()
            holder, self._holder = self._holder, uuid.uuid4().hex
            self._state.change(self._name, lambda document: (released(document, holder, limit, now, returned), None))

    def _held(self) -> int:
        return self._idle.count + self._in_use

    def _now(self) -> float:
        """The clock. Where it was set back, slots rest for a window and are used only after a look: others may have them."""
        now = self._clock()
        ahead = now - self._steady()
        if ahead < self._ahead - ON_ITS_WAY_SECONDS:
            self._next_look, self._ahead = -math.inf, ahead
            self._idle = self._idle.not_after(self._limit.after_window(now))
        self._ahead = max(self._ahead, ahead)
        return now

    def _is_sure(self, now: float) -> bool:
        """Whether what it holds is its own."""
        return self._next_look > -math.inf and now < self._until

    def _is_due(self, now: float) -> bool:
        if now >= self._until or now >= self._next_look:
            return True
        if now < self._next_look - RENEW_SECONDS + POLL_SECONDS:
            return False
        held, wants = self._held(), self._idle.ready(now) < max(self._need, 1)
        return (wants and self._may_get_more()) or (held > self._share and self._idle.count > 0)

    def _may_get_more(self) -> bool:
        """Whether a look may bring what is wanted: who did not ask for more was told to keep what it had, as its share."""
        return not self._asked or self._held() < self._share or self._share < self._need

    def _wish(self, now: float) -> Wish:
        if now >= self._until:
            self._forget()
            self._holder = uuid.uuid4().hex
        held = self._held()
        returned = self._idle.take(held - self._share, last=True)
        if self._short and held:
            self._block = min(self._block * 2, self._limit.slots)
        wanted = max(self._block, self._need - held + returned.count) if self._short else 0
        need = max(self._need, 1) if self._short else 0
        served, self._served, self._asked = self._served, False, wanted > 0
        return Wish(held, wanted, need, served, returned)

    def _accept(self, grant: Grant, now: float) -> None:
        self._idle.merge(grant.slots)
        self._share, self._until, self._next_look = grant.share, grant.until, now + RENEW_SECONDS
        self._looking = self._short = False
        if (later := self._now()) < now - ON_ITS_WAY_SECONDS:  # set back while it looked
            self._next_look, self._idle = -math.inf, self._idle.not_after(self._limit.after_window(later))

    def _forget(self) -> None:
        self._life += 1
        self._in_use, self._idle, self._share, self._until, self._short = 0, Slots(), self._limit.slots, -math.inf, True

    def _pause(self, now: float) -> float:
        """Until the slots may be ready: one in use cannot be within a window, one of others can at any time."""
        when = self._idle.when(self._need)
        pause = min(self._limit.window_seconds, LONGEST_PAUSE_SECONDS) if when is None else when - now
        if self._state is not None:
            pause = min(pause, max(self._next_look - now, POLL_SECONDS))
            if self._may_get_more():
                pause = min(pause, POLL_SECONDS)
        return max(pause, 0.0005)
