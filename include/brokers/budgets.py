"""A process's part of what all processes of a login share: slots of its rate limits, and a client id.

With a store they are leased through it (`include/brokers/slots.py`); without one this process has all of them.
"""

import hashlib
import heapq
import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from include.brokers.shared_state import SharedState
from include.brokers.slots import SHORTEST_TTL_SECONDS, Limit, released, settle
from include.errors import PolybrokerError, Transient

log = logging.getLogger(__name__)
RENEW_SECONDS = SHORTEST_TTL_SECONDS / 3
FIRST_BLOCK = 12  # at most: what opening a broker takes
POLL_SECONDS = 0.1
ID_TTL_SECONDS = 60.0
ID_WAIT_SECONDS = 30.0


class Share:
    """The slots of one limit that this process holds. Thread-safe; it never sleeps itself.

    Args:
        limit: The whole.
        state: Shared by all processes; None: all slots are this process's own.
        name: Of the limit's document.
        clock: Seconds since the epoch, the same for all processes (without `state`: any).
    """

    def __init__(
        self,
        limit: Limit,
        state: SharedState | None = None,
        name: str = "",
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._limit, self._state, self._name = limit, state, name
        self._clock = clock or (time.monotonic if state is None else time.time)
        self._lock = threading.Lock()
        self._holder = uuid.uuid4().hex
        self._idle = [self._clock()] * limit.slots if state is None else []
        self._in_use = self._forgotten = 0
        self._looking = False
        self._share = limit.slots
        self._until = math.inf if state is None else -math.inf
        self._next_look = math.inf if state is None else -math.inf
        self._block = min(max(limit.slots // 4, 1), FIRST_BLOCK)
        self._short = True

    def asks_others(self) -> bool:
        """Whether `look` would look into the store now, which may take a while."""
        with self._lock:
            return not self._looking and self._is_due(self._clock())

    def look(self) -> None:
        """Give back and take through the store, where it is time to. Slots are taken and given back meanwhile.

        Raises:
            Transient: The store does not answer.
        """
        with self._lock:
            now = self._clock()
            if self._looking or not self._is_due(now):
                return
            self._looking = True
            held, wanted, returned = self._offer(now)
        try:
            assert self._state is not None
            grant = self._state.change(
                self._name,
                lambda document: settle(document, self._holder, self._limit, now, held=held, wanted=wanted, returned=returned),
            )
        except BaseException:
            with self._lock:
                self._looking = False
                self._idle = sorted([*self._idle, *returned])  # nothing was changed: they are still its own
            raise
        with self._lock:
            for ready in grant.ready:
                heapq.heappush(self._idle, ready)
            self._share, self._until, self._next_look = grant.share, grant.until, now + RENEW_SECONDS
            self._looking = self._short = False

    def take(self, *, look: bool = True) -> float:
        """Take a slot: 0 when taken, else the seconds after which to try again.

        Args:
            look: Look into the store first where it is time to; False: somebody else does.

        Raises:
            Transient: The store does not answer: nothing may be sent.
        """
        if look:
            self.look()
        with self._lock:
            now = self._clock()
            if self._idle and self._idle[0] <= now < self._until:
                heapq.heappop(self._idle)
                self._in_use += 1
                return 0.0
            self._short = True
            return self._pause(now)

    def give_back(self) -> None:
        """The message of a slot was answered: it may be used again a window from now."""
        with self._lock:
            if self._forgotten:
                self._forgotten -= 1  # of a time whose slots are others' now
                return
            self._in_use -= 1
            heapq.heappush(self._idle, self._clock() + self._limit.window_seconds)

    def close(self) -> None:
        """Let the others have the slots."""
        with self._lock:
            if self._state is None or self._until < self._clock():
                return
            limit, returned, now = self._limit, list(self._idle), self._clock()
            self._forget()
            holder, self._holder = self._holder, uuid.uuid4().hex
            self._state.change(self._name, lambda document: (released(document, holder, limit, now, returned), None))

    def _is_due(self, now: float) -> bool:
        if now >= self._until or now >= self._next_look:
            return True
        wants = not self._idle or self._idle[0] > now
        held = len(self._idle) + self._in_use
        polled = now >= self._next_look - RENEW_SECONDS + POLL_SECONDS
        return polled and ((wants and held < self._share) or (held > self._share and bool(self._idle)))

    def _offer(self, now: float) -> tuple[int, int, list[float]]:
        """(slots held, how many more are wanted, those that are given back), for the next look."""
        if now >= self._until:
            self._forget()
            self._holder = uuid.uuid4().hex
        held = len(self._idle) + self._in_use
        over = max(min(held - self._share, len(self._idle)), 0)
        self._idle.sort()
        returned = [self._idle.pop() for _ in range(over)]
        self._block = min(self._block * 2, self._limit.slots) if self._short and held else self._block
        return held, self._block if self._short else 0, returned

    def _forget(self) -> None:
        self._forgotten += self._in_use
        self._in_use, self._idle, self._share, self._until, self._short = 0, [], self._limit.slots, -math.inf, True

    def _pause(self, now: float) -> float:
        """Until a slot may be ready: one in use cannot be within a window, one of others can at any time."""
        pause = self._idle[0] - now if self._idle else self._limit.window_seconds
        if self._state is not None:
            pause = min(pause, max(self._next_look - now, POLL_SECONDS))
            if len(self._idle) + self._in_use < self._share:
                pause = min(pause, POLL_SECONDS)
        return max(pause, 0.0005)


class Budgets:
    """What one open broker may use up of its login's limits; closed with it.

    Args:
        state: Shared by all processes.
        source: The broker in one environment.
    """

    def __init__(self, state: SharedState, source: str, *, clock: Callable[[], float] = time.time) -> None:
        self._state, self._source, self._clock = state, source, clock
        self._shares: dict[str, Share] = {}
        self._ids: dict[str, _HeldId] = {}

    def share(self, login: str, endpoint: str, limit: Limit) -> Share:
        """The part of a limit; the same one when asked again.

        Args:
            login: Whose limit it is, e.g. the key or the address; only a hash of it is kept.
            endpoint: The class of requests that it is about.
            limit: The whole.
        """
        name = self._name("budget", login, endpoint)
        if name not in self._shares:
            self._shares[name] = Share(limit, self._state, name, clock=self._clock)
        return self._shares[name]

    def client_id(self, login: str, ids: Sequence[int], *, sleep: Callable[[float], None] = time.sleep) -> int:
        """One of these ids that no other process holds; kept until `close`, the same one when asked again.

        Raises:
            Transient: Others hold all of them, also after some waiting.
        """
        name = self._name("client", login, ",".join(map(str, ids)))
        if name not in self._ids:
            self._ids[name] = _HeldId(self._state, self._name("clients", login, ""), ids, self._clock, sleep)
        return self._ids[name].client_id

    def close(self) -> None:
        """Give everything back; what cannot be given back expires."""
        for give_back in (*(each.close for each in self._shares.values()), *(each.close for each in self._ids.values())):
            try:
                give_back()
            except PolybrokerError as error:
                log.warning("a part of %s's budget is left to expire: %s", self._source, error)
        self._shares.clear()
        self._ids.clear()

    def _name(self, kind: str, login: str, what: str) -> str:
        return f"{kind}:{self._source}:{hashlib.sha256(login.encode()).hexdigest()[:12]}:{what}"


class _HeldId:
    """A client id, held until it is closed: a thread renews it. A process that died loses it a minute later."""

    def __init__(
        self, state: SharedState, name: str, ids: Sequence[int], clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._state, self._name, self._clock = state, name, clock
        self._token, self._closed = uuid.uuid4().hex, threading.Event()
        self.client_id = self._first(ids, sleep)
        threading.Thread(target=self._renew, name="client-id", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        self._state.change(self._name, lambda held: ({key: row for key, row in held.items() if row[0] != self._token}, None))

    def _first(self, ids: Sequence[int], sleep: Callable[[float], None]) -> int:
        waited = 0.0
        while (found := self._state.change(self._name, lambda held: self._take(held or {}, ids))) is None:
            if waited >= ID_WAIT_SECONDS:
                raise Transient(f"other tasks hold every client id of this login ({', '.join(map(str, ids))})")
            sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        return found

    def _take(self, held: dict[str, Any], ids: Sequence[int]) -> tuple[Any, int | None]:
        now = self._clock()
        kept = {key: row for key, row in held.items() if row[1] > now}
        free = next((each for each in ids if str(each) not in kept), None)
        return (kept if free is None else {**kept, str(free): [self._token, now + ID_TTL_SECONDS]}), free

    def _renew(self) -> None:
        while not self._closed.wait(ID_TTL_SECONDS / 3):
            try:
                self._state.change(self._name, lambda held: (self._renewed(held or {}), None))
            except PolybrokerError as error:
                log.warning("client id %d could not be renewed: %s", self.client_id, error)

    def _renewed(self, held: dict[str, Any]) -> dict[str, Any]:
        if held.get(str(self.client_id), [self._token])[0] != self._token:
            return held  # lost while this process stood still: the broker refuses whoever comes second
        return {**held, str(self.client_id): [self._token, self._clock() + ID_TTL_SECONDS]}
