"""The pacer of all adapters: a request waits until its weight fits into every limit of the broker that it touches.

What takes how much of which limit is data (`pacing` in the broker's YAML, `include/domain/pacing.py`); an adapter only names its
endpoints, and puts `with pacer.request(endpoint):` (or `async with`) around a request and its answer. The broker sees a request
between its sending and its answer, so a slot that comes back one window after the answer cannot be seen twice in a window,
whatever the jitter between.
"""

import asyncio
import concurrent.futures
import math
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import closing
from copy import copy
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

from include.brokers.budgets import Budgets
from include.brokers.line import Line
from include.brokers.share import LONGEST_PAUSE_SECONDS, Share, Taken
from include.brokers.slots import Limit
from include.domain.pacing import ANY, Pacing, PacingLimit
from include.errors import InputError, PolybrokerError

MARGIN_SECONDS = 0.005  # timers may fire a clock tick early

Looked = PolybrokerError | None
Run = Callable[[Callable[[], None]], "Future[Looked]"]


@dataclass(frozen=True)
class Wait:
    """What a request waits for: this, or so many seconds, whichever is first; None: without end."""

    what: "Future[Any] | None"
    seconds: float | None


Steps = Generator[Wait, None, None]


class Gate:
    """One limit in this process: requests pass in the order of asking, each once all of its weight is there.

    Args:
        limit: As declared.
        share: This process's slots of it.
        clock: Monotonic seconds.
    """

    def __init__(self, limit: PacingLimit, share: Share, clock: Callable[[], float]) -> None:
        self.limit, self.share, self._clock = limit, share, clock
        self._due = -math.inf
        self._next = Line()
        self._looking: Future[Looked] | None = None

    def passing(self, way: "Way", taken: "list[tuple[Gate, Taken]]", tend: Callable[[], None]) -> Steps:
        """Wait, then take the slots and add them to `taken`.

        Args:
            way: Where to stand in line (the first of each line is one of those who are next), and what to take.
            taken: Not empty: a slower limit has let the request through already, so it does not stand in line once more, but
                waits for the one that is next. That one is never overtaken: the line goes on, whatever goes ahead.
            tend: Called before each try: keeps what is held of all limits, and gives the others their parts.
        """
        places: list[tuple[Line, Future[None]]] = []
        try:
            for each in [self._next] if taken else [way.line, self._next]:
                place = each.join()
                places.append((each, place))
                if not place.done():
                    yield Wait(place, None)
            tend()
            while isinstance(slots := self._try(way.weight), Wait):
                yield slots
                tend()
            taken.append((self, slots))
        finally:
            for each, place in reversed(places):
                each.leave(place)

    def hold(self, seconds: float) -> None:
        """Nothing passes for so long."""
        self._due = max(self._due, self._clock() + seconds)

    def tend(self, run: Run, *, wanted: bool) -> None:
        """Look into the database where it is time to: for more slots where some are wanted, else to keep or give back those held.

        Without it a request that waits for one limit would lose what it holds of another, or keep there what others wait for.
        """
        if not wanted and self._looking is not None and self._looking.done():
            self._looking = None  # whoever wants some sees why it failed
        if self._looking is None and (wanted or self.share.outlook().held) and self.share.asks_others():
            self._looking = run(self.share.look)

    def _try(self, weight: int) -> Taken | Wait:
        """Looking into the database goes on beside it: requests wait for it only where they must."""
        early = self._due - self._clock()
        if early > 0:
            return Wait(None, min(early, LONGEST_PAUSE_SECONDS))
        looked = self._looking if self._looking is not None and self._looking.done() else None
        taken = self.share.take(weight, look=False)
        if looked is not None:
            self._looking = None
        if isinstance(taken, Taken):
            self._due = self._clock() + self._gap(weight)
            return taken
        if looked is not None and (error := looked.result()) is not None:
            raise error
        return Wait(self._looking, taken)

    def _gap(self, weight: int) -> float:
        """Seconds until the next request: none while the burst lasts, then so that what is left lasts until more comes back."""
        limit, outlook = self.limit, self.share.outlook()
        at_once = limit.at_once or limit.allowed
        if outlook.used <= at_once or at_once >= limit.allowed:
            return 0.0
        gap = limit.seconds / (limit.allowed - at_once)
        if outlook.next_seconds is not None:
            gap = min(gap, outlook.next_seconds / (outlook.ready + weight))
        return gap * weight


class Pacer:
    """All limits of one login at a broker, in this process.

    Args:
        pacing: What the YAML declares.
        budgets: Where the limits are shared with other processes; None: this one is alone.
        login: Whose limits they are, e.g. the key; only a hash of it is kept.
        clock: Monotonic seconds.
        sleep: Waits a number of seconds, in a thread.
    """

    def __init__(
        self,
        pacing: Pacing,
        budgets: Budgets | None = None,
        login: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        for field, expected in pacing.faults():
            raise InputError(expected, field=f"pacing.{field}")
        self._pacing, self.sleep = pacing, sleep
        self._gates: dict[str, Gate] = {}
        self._lines = {name: Line() for name in pacing.limits}
        # The slowest first, everywhere: who waits for a fast limit holds only slower ones, so nobody waits in a circle.
        for name, limit in sorted(pacing.limits.items(), key=lambda item: (item[1].per_second, item[0])):
            whole, owner = Limit(limit.allowed, limit.seconds + MARGIN_SECONDS), login if limit.per == "login" else ""
            self._gates[name] = Gate(limit, budgets.share(owner, name, whole) if budgets else Share(whole, clock=clock), clock)

    def request(self, endpoint: str = ANY, times: int = 1) -> "Passage":
        """`with` or `async with` around a request and its answer.

        Args:
            endpoint: As the YAML's `weights` may name it.
            times: So many requests of it, let through together.

        Raises:
            InputError: They weigh more than a limit allows.
        """
        weights = {name: weight * times for name, weight in self._pacing.weights_of(endpoint).items()}
        for name, weight in weights.items():
            if weight > (allowed := self._pacing.limits[name].allowed):
                words = f"expected at least {weight}: what {times} requests of {endpoint} weigh together"
                raise InputError(words, field=f"pacing.limits.{name}.allowed", value=allowed)
        ways = [Way(gate, self._lines[name], weights[name]) for name, gate in self._gates.items() if name in weights]
        return Passage(ways, list(self._gates.values()), self.sleep)

    def beside(self) -> "Pacer":
        """The same limits with lines of its own: who asks through it waits for one of those in line here, not for all."""
        other = copy(self)
        other._lines = {name: Line() for name in self._lines}
        return other

    def hold(self, seconds: float, endpoint: str = ANY) -> None:
        """The broker asked for a pause: nothing passes the limits that this endpoint touches for so long."""
        for name in self._pacing.weights_of(endpoint):
            self._gates[name].hold(seconds)

    def per_second(self, endpoint: str = ANY) -> float:
        """How many of these requests a second fit, in the long run; infinity without a limit."""
        limits, weights = self._pacing.limits, self._pacing.weights_of(endpoint)
        return min((limits[name].per_second / weight for name, weight in weights.items()), default=math.inf)


@dataclass(frozen=True)
class Way:
    """A limit that a request must pass, where it stands in line, and what it takes."""

    gate: Gate
    line: Line
    weight: int


class Passage:
    """One request on its way through the limits: it holds the slots of all of them, or of none."""

    def __init__(self, ways: list[Way], gates: list[Gate], sleep: Callable[[float], None]) -> None:
        self._ways, self._gates, self._sleep = ways, gates, sleep
        self._taken: list[tuple[Gate, Taken]] = []

    def __enter__(self) -> None:
        with closing(self.steps(_at_once)) as steps:
            for wait in steps:
                if wait.what is None:
                    self._sleep(wait.seconds or 0.0)
                else:
                    concurrent.futures.wait([wait.what], wait.seconds)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._give_back(used=True)

    async def __aenter__(self) -> None:
        with closing(self.steps(_beside)) as steps:
            for wait in steps:
                if wait.what is None:
                    await asyncio.sleep(wait.seconds or 0.0)
                else:
                    await asyncio.wait({asyncio.wrap_future(wait.what)}, timeout=wait.seconds)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._give_back(used=True)

    def steps(self, run: Run) -> Steps:
        """Through all limits; once more where a slot was lost while another limit was waited for."""
        try:
            while True:
                for way in self._ways:
                    yield from way.gate.passing(way, self._taken, partial(self._tend, way.gate, run))
                if all(gate.share.holds(taken) for gate, taken in self._taken):
                    return
                self._give_back(used=False)
        except BaseException:
            self._give_back(used=False)
            raise

    def _tend(self, wanted: Gate, run: Run) -> None:
        for gate in self._gates:
            gate.tend(run, wanted=gate is wanted)

    def _give_back(self, *, used: bool) -> None:
        for gate, taken in self._taken:
            gate.share.give_back(taken, used=used)
        self._taken.clear()


def _at_once(work: Callable[[], None]) -> "Future[Looked]":
    """Run it here; its error as its result."""
    done: Future[Looked] = Future()
    _finish(work, done)
    return done


def _beside(work: Callable[[], None]) -> "Future[Looked]":
    """The same in a thread of its own."""
    done: Future[Looked] = Future()
    threading.Thread(target=_finish, args=(work, done), name="budget", daemon=True).start()
    return done


def _finish(work: Callable[[], None], done: "Future[Looked]") -> None:
    try:
        work()
    except PolybrokerError as error:
        done.set_result(error)
    except BaseException as error:
        done.set_exception(error)
        raise
    else:
        done.set_result(None)
