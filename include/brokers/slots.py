"""Dividing a rate limit among the processes that use it: who holds how many of its slots, as one small document.

A limit of 45 messages a second is 45 slots; each lets one message through, and may be used again a window after that message was
answered. Each process uses the slots it holds and no others, so the sum holds whatever each of them does, and a slot that is
held costs no look into the database. What a process holds expires soon: one that died gives its slots back by that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHORTEST_TTL_SECONDS = 3.0
ON_ITS_WAY_SECONDS = 0.5  # a message sent just before a slot expired may arrive this much later


@dataclass(frozen=True)
class Limit:
    """So many messages in any window of so many seconds."""

    slots: int
    window_seconds: float

    @property
    def ttl_seconds(self) -> float:
        """How long slots are held without a word. Slots that expire rest for a whole window, used or not: so not too soon."""
        return max(SHORTEST_TTL_SECONDS, self.window_seconds / 2)


@dataclass(frozen=True)
class Grant:
    """What a process is given.

    Attributes:
        ready: When each new slot may be used, seconds since the epoch.
        share: How many slots it should hold at most: what is over it gives back.
        until: Its slots are its own before this moment; minus infinity: they are others' already.
    """

    ready: tuple[float, ...]
    share: int
    until: float


def settle(
    document: Any, holder: str, limit: Limit, now: float, *, held: int, wanted: int, returned: Sequence[float] = ()
) -> tuple[Any, Grant]:
    """One process gives back and takes.

    Args:
        document: As it was left; None: nobody has any.
        holder: Who asks; one name is one life of one process.
        limit: The whole.
        now: Seconds since the epoch.
        held: How many slots it believes to hold, those it returns included.
        wanted: How many slots more it could use; it is given what is free, up to its share.
        returned: When each slot that it gives back may be used again.

    Returns:
        The new document, and what the holder is given.
    """
    free, holders = _reaped(document, limit, now)
    if held and holder not in holders:  # it stood still for too long
        return document, Grant((), limit.slots, -math.inf)
    mine = holders.setdefault(holder, {"slots": 0, "since": now, "wanted": 0, "until": now})
    mine["slots"] -= len(returned)
    if returned and not mine["slots"]:
        mine["since"] = now  # at the end of those who wait
    mine["wanted"], mine["until"] = wanted, now + limit.ttl_seconds
    free = sorted([*free, *returned])
    share = _shares(holders, limit.slots)[holder]
    count = max(min(share - mine["slots"], wanted, len(free)), 0)
    mine["slots"] += count
    return {"free": free[count:], "holders": holders}, Grant(tuple(free[:count]), share, mine["until"])


def released(document: Any, holder: str, limit: Limit, now: float, returned: Sequence[float]) -> Any:
    """The document after a process left: its slots are free again, those still in use a window from now."""
    free, holders = _reaped(document, limit, now)
    mine = holders.pop(holder, None)
    if mine is not None:
        free += [*returned, *[now + limit.window_seconds] * (mine["slots"] - len(returned))]
    return {"free": sorted(free), "holders": holders}


def _reaped(document: Any, limit: Limit, now: float) -> tuple[list[float], dict[str, dict[str, Any]]]:
    """(free slots, holders) without those whose time is over, and as many slots altogether as the limit has."""
    book = document or {"free": [0.0] * limit.slots, "holders": {}}
    free, holders = list(book["free"]), {}
    for name, each in book["holders"].items():
        if each["until"] > now:
            holders[name] = dict(each)
        else:
            free += [each["until"] + ON_ITS_WAY_SECONDS + limit.window_seconds] * each["slots"]
    missing = limit.slots - len(free) - sum(each["slots"] for each in holders.values())
    free += [now + limit.window_seconds] * missing  # the limit was raised; lowered: the last ones to be ready go
    return sorted(free)[: len(free) + min(missing, 0)] if missing < 0 else free, holders


def _shares(holders: dict[str, dict[str, Any]], slots: int) -> dict[str, int]:
    """Fair parts. Who wants no more keeps what it has, up to a fair part; the rest is for those who do, who have none first."""
    fair = slots // len(holders)
    shares = {name: min(each["slots"], fair) for name, each in holders.items() if not each["wanted"]}
    rest = slots - sum(shares.values())
    wanting = [name for name in holders if name not in shares]
    wanting.sort(key=lambda name: (holders[name]["slots"] > 0, holders[name]["since"], name))
    for place, name in enumerate(wanting):
        shares[name] = rest // len(wanting) + (1 if place < rest % len(wanting) else 0)
    return shares
