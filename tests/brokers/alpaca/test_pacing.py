"""The pacer keeps a minute's limit, and believes the broker's own count."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.brokers.alpaca.pacing import Pacer, whole
from include.brokers.budgets import Share
from tests.fakes.shared_state import MemoryState


class Clock:
    """Time that only passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pacer(clock: Clock, per_minute: int, burst: int) -> Pacer:
    return Pacer(per_minute, burst, clock=clock, wall_clock=clock, sleep=clock.sleep)


def test_the_burst_goes_at_once_and_the_rest_in_time() -> None:
    clock = Clock()
    paced = pacer(clock, 190, 60)
    for _ in range(60):
        paced.wait()
    assert clock.slept == []
    paced.wait()
    assert clock.slept == [pytest.approx(60 / 130)]


@given(
    per_minute=st.integers(10, 300),
    burst=st.integers(1, 400),
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.1, 5.0, 61.0]), min_size=20, max_size=600),
)
def test_no_minute_ever_holds_more_than_the_limit(per_minute: int, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    paced = pacer(clock, per_minute, burst)
    recent: deque[float] = deque()
    # A full bucket and no steady rest would be a standstill, so a tenth of the limit always trickles: allow for it.
    allowed = per_minute + (per_minute / 10 if burst > per_minute * 0.9 else 0) + 1
    for pause in pauses:
        clock.now += pause
        paced.wait()
        recent.append(clock.now)
        while recent[0] <= clock.now - 60:
            recent.popleft()
        assert len(recent) <= allowed


def test_the_brokers_own_count_stops_it() -> None:
    clock = Clock()
    paced = pacer(clock, 190, 60)
    paced.observe("0", str(clock.now + 12))
    paced.wait()
    assert clock.slept == [pytest.approx(12 + 60 / 130, abs=0.01)]


@pytest.mark.parametrize(
    ("remaining", "reset"), [(None, None), ("0", None), (None, "2000"), ("many", "2000"), ("5", "2000"), ("0", "900")]
)
def test_headers_that_say_nothing_stop_nothing(remaining: str | None, reset: str | None) -> None:
    clock = Clock()
    paced = pacer(clock, 190, 60)
    paced.observe(remaining, reset)
    paced.wait()
    assert sum(clock.slept) < 1


def test_a_reset_far_away_waits_a_minute_at_most() -> None:
    clock = Clock()
    paced = pacer(clock, 190, 60)
    paced.observe("0", "99999999999")
    paced.wait()
    assert clock.slept == [60]


def test_two_processes_of_one_key_keep_its_limit_together() -> None:
    clock, store = Clock(), MemoryState()
    pacers = [
        Pacer(20, 20, Share(whole(20), store, "key", clock=clock), clock=clock, wall_clock=clock, sleep=clock.sleep)
        for _ in range(2)
    ]
    for turn in range(20):
        pacers[turn % 2].wait()
    used = clock.now - 1000.0
    assert used < 2  # each takes more slots as it needs them
    pacers[0].wait()
    assert 60 <= clock.now - 1000.0 <= 62
