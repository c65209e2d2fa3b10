"""Processes that share a limit, on a clock that moves when somebody waits."""

import heapq
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from include.brokers.share import Share, Taken
from include.brokers.slots import Limit

NINE = Limit(9, 1.0)
T = TypeVar("T")


class Time:
    """Moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(share: Share, count: int = 1) -> Taken | None:
    found = share.take(count)
    return found if isinstance(found, Taken) else None


def rush(processes: list[Share], clock: Time, seconds: float, weights: Sequence[int] = ()) -> list[list[float]]:
    """When each process sent, all of them sending as fast as they may, each request answered after 20 ms.

    Args:
        weights: Of each process's requests, round and round; none: 1. A request of weight n is n times in the result.
    """
    sent: list[list[float]] = [[] for _ in processes]
    wake: list[tuple[float, int, int, Taken | None]] = [(clock.now, n, n, None) for n in range(len(processes))]
    end, number = clock.now + seconds, len(processes)
    while wake:
        clock.now, _, n, answered = heapq.heappop(wake)
        if clock.now > end:
            return sent
        if answered is not None:
            processes[n].give_back(answered)
            continue
        number += 2
        weight = weights[n] if weights else 1
        found = processes[n].take(weight)
        if isinstance(found, Taken):
            sent[n] += [clock.now] * weight
            heapq.heappush(wake, (clock.now + 0.02, number, n, found))
            heapq.heappush(wake, (clock.now + 0.001, number + 1, n, None))
        else:
            heapq.heappush(wake, (clock.now + found, number, n, None))
    return sent


def busiest(moments: list[float], window: float) -> int:
    moments = sorted(moments)
    return max(sum(1 for each in moments if first <= each < first + window) for first in moments)


def longest_wait(moments: list[float], begin: float, end: float) -> float:
    times = [begin, *moments, end]
    return max(later - earlier for earlier, later in pairwise(times))
