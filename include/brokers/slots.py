"""Dividing a rate limit among the processes that use it: who holds how many of its slots, as one small document.

A limit of 45 messages a second is 45 slots; a request takes as many as it weighs, and each may be used again a window after the
answer. Each process uses the slots it holds and no others, so the sum holds whatever each of them does, and a slot that is
held costs no look into the database. What a process holds expires soon: one that died gives its slots back by that.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SHORTEST_TTL_SECONDS = 3.0
ON_ITS_WAY_SECONDS = 0.5  # a message sent just before a slot expired may arrive this much later
_FIELDS = ("slots", "since", "wanted", "need", "until")  # of a holder
FINE_SLOTS = 200  # up to so many are kept apart; of more of them, those that are ready at about the same time are one row


@dataclass(frozen=True)
class Limit:
    """So many slots in any window of so many seconds."""

    slots: int
    window_seconds: float

    @property
    def ttl_seconds(self) -> float:
        """How long slots are held without a word. Slots that expire rest for a whole window, used or not: so not too soon."""
        return max(SHORTEST_TTL_SECONDS, self.window_seconds / 2)

    def after_window(self, now: float) -> float:
        """When a slot whose request was answered now may be used again; never too early."""
        ready = now + self.window_seconds
        grain = self.window_seconds / FINE_SLOTS
        return math.ceil(ready / grain) * grain if self.slots > FINE_SLOTS else ready


class Slots:
    """Some slots of a limit, as rows of (when they may be used, how many), the earliest first."""

    def __init__(self, rows: Iterable[Iterable[float]] = ()) -> None:
        self._rows = sorted((ready, int(count)) for ready, count in rows)

    @property
    def rows(self) -> list[list[float]]:
        """As plain JSON values."""
        return [[ready, count] for ready, count in self._rows]

    @property
    def count(self) -> int:
        """How many."""
        return sum(count for _, count in self._rows)

    def ready(self, now: float) -> int:
        """How many may be used."""
        return sum(count for ready, count in self._rows if ready <= now)

    def first_after(self, now: float) -> float | None:
        """When the next ones may be used that may not yet; None where there are none."""
        return next((ready for ready, _ in self._rows if ready > now), None)

    def when(self, count: int) -> float | None:
        """When so many may be used; None where there are fewer."""
        for ready, here in self._rows:
            count -= here
            if count <= 0:
                return ready
        return None

    def add(self, ready: float, count: int = 1) -> None:
        """So many more."""
        if count <= 0:
            return
        place = bisect_left(self._rows, (ready, 0))
        if place < len(self._rows) and self._rows[place][0] == ready:
            count += self._rows.pop(place)[1]
        self._rows.insert(place, (ready, count))

    def merge(self, others: "Slots") -> None:
        """All of the others as well."""
        for ready, count in others._rows:
            self.add(ready, count)

    def not_after(self, latest: float) -> "Slots":
        """The same ones, each ready at that moment at the latest."""
        return Slots((min(ready, latest), count) for ready, count in self._rows)

    def take(self, count: int, *, last: bool = False) -> "Slots":
        """Take out so many, or as many as there are: those that are ready first, or last."""
        taken = Slots()
        while count > 0 and self._rows:
            ready, here = self._rows.pop(-1 if last else 0)
            taken.add(ready, min(here, count))
            self.add(ready, here - count)
            count -= here
        return taken


@dataclass(frozen=True)
class Wish:
    """What a process tells of itself when it looks.

    Attributes:
        held: How many slots it believes to hold, those it returns included.
        wanted: How many slots more it could use.
        need: How many it must hold together: the weight of the request that waits; 0 where none does.
        served: Whether a request of it went out since its last look: then the others' turns come first.
        returned: What it gives back.
    """

    held: int = 0
    wanted: int = 0
    need: int = 0
    served: bool = False
    returned: Slots | None = None


@dataclass(frozen=True)
class Grant:
    """What a process is given.

    Attributes:
        slots: The new ones.
        share: How many slots it should hold at most: what is over it gives back.
        until: Its slots are its own before this moment; minus infinity: they are others' already.
    """

    slots: Slots
    share: int
    until: float


def settle(document: Any, holder: str, limit: Limit, now: float, wish: Wish) -> tuple[Any, Grant]:
    """One process gives back and takes.

    Args:
        document: As it was left; None: nobody has any.
        holder: Who asks; one name is one life of one process.
        limit: The whole.
        now: Seconds since the epoch.
        wish: What it has and wants; it is given what is free, up to its share.

    Returns:
        The new document, and what the holder is given.
    """
    free, holders = _reaped(document, limit, now)
    held = holders[holder]["slots"] if holder in holders else 0
    if wish.held > held:  # it stood still for too long
        return document, Grant(Slots(), limit.slots, -math.inf)
    mine = holders.setdefault(holder, {"since": now}) | {"slots": wish.held}
    free.add(limit.after_window(now), held - wish.held)  # of a look that it never heard the end of
    holders[holder] = mine
    if wish.returned is not None:
        mine["slots"] -= wish.returned.count
        free.merge(wish.returned)
    if wish.served:
        mine["since"] = now  # at the end of those who wait
    mine |= {"wanted": wish.wanted, "need": wish.need, "until": now + limit.ttl_seconds}
    share = _shares(holders, limit.slots)[holder]
    given = free.take(min(share - mine["slots"], wish.wanted))
    mine["slots"] += given.count
    return {"free": free.rows, "holders": holders}, Grant(given, share, mine["until"])


def released(document: Any, holder: str, limit: Limit, now: float, returned: Slots) -> Any:
    """The document after a process left: its slots are free again, those still in use a window from now."""
    free, holders = _reaped(document, limit, now)
    mine = holders.pop(holder, None)
    if mine is not None:
        free.merge(returned)
        free.add(limit.after_window(now), mine["slots"] - returned.count)
    return {"free": free.rows, "holders": holders}


def _reaped(document: Any, limit: Limit, now: float) -> tuple[Slots, dict[str, dict[str, Any]]]:
    """(free slots, holders) without those whose time is over, and as many slots altogether as the limit has.

    Nobody writes what is later than this, as long as the clocks agree: a clock was set back where something is.
    """
    kept, book = _read(document, limit, now)
    free, holders = kept.not_after(limit.after_window(now + ON_ITS_WAY_SECONDS)), {}
    for name, each in book.items():
        if each["until"] > now:
            holders[name] = each | {"until": min(each["until"], now + limit.ttl_seconds + ON_ITS_WAY_SECONDS)}
        else:
            free.add(limit.after_window(each["until"] + ON_ITS_WAY_SECONDS), each["slots"])
    missing = limit.slots - free.count - sum(each["slots"] for each in holders.values())
    free.add(limit.after_window(now), missing)  # the limit was raised
    free.take(-missing, last=True)  # or lowered: the last ones to be ready go
    return free, holders


def _read(document: Any, limit: Limit, now: float) -> tuple[Slots, dict[str, dict[str, Any]]]:
    """(free slots, holders); of what nobody can read (another version wrote it) all slots, a window from now, and no holders."""
    if document is None:
        return Slots([[0.0, limit.slots]]), {}
    try:
        free = Slots(document["free"])
        return free, {name: {field: each[field] for field in _FIELDS} for name, each in document["holders"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return Slots([[limit.after_window(now), limit.slots]]), {}


def _shares(holders: dict[str, dict[str, Any]], slots: int) -> dict[str, int]:
    """How many slots each should hold.

    Who wants no more keeps what it has, up to a fair part. Those who wait share the rest: a fair part each, where that is enough
    for every request that waits. Where it is not, whoever was served longest ago takes all that its request weighs, and then it
    is another's turn.
    """
    wanting = sorted(name for name in holders if holders[name]["wanted"])
    heaviest = max((holders[name]["need"] for name in wanting), default=0)
    fair = slots // len(holders)
    shares = {name: min(each["slots"], fair) for name, each in holders.items() if not each["wanted"]}
    if slots - sum(shares.values()) < heaviest:
        shares = dict.fromkeys(shares, 0)
    left = slots - sum(shares.values())
    if heaviest * len(wanting) > left:
        wanting.sort(key=lambda name: (holders[name]["since"], name))
    for place, name in enumerate(wanting):
        part = max(-(-left // (len(wanting) - place)), holders[name]["need"])
        shares[name] = part if part <= left else 0  # less than it needs would be of no use to it
        left -= shares[name]
    if wanting:
        shares[wanting[0]] += left
    return shares
