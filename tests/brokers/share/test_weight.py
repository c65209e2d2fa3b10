"""Requests that take several slots at once."""

import pytest

from include.brokers.share import Share
from include.brokers.slots import Limit
from tests.brokers.share.fakes import Time, busiest, longest_wait, rush, taken
from tests.fakes.shared_state import MemoryState


@pytest.mark.parametrize(
    ("slots", "weights"), [(10, [5, 5, 5, 5]), (10, [9, 1, 1, 1]), (7, [7, 7, 7]), (10, [6, 1, 3]), (12, [4] * 6)]
)
def test_requests_of_any_weight_are_served_in_every_process(
    store: MemoryState, clock: Time, slots: int, weights: list[int]
) -> None:
    sent = rush([Share(Limit(slots, 1.0), store, "x", clock=clock) for _ in weights], clock, 60.0, weights)
    assert busiest([moment for one in sent for moment in one], 1.0) <= slots
    turns = [len(one) / weight for one, weight in zip(sent, weights, strict=True)]
    assert min(turns) >= 5
    assert max(longest_wait(one, clock.now - 60.0, clock.now) for one in sent) <= 4.0 * len(weights)
    assert sum(map(len, sent)) >= 60 * slots * 0.5


def test_a_weight_is_taken_whole_or_not_at_all(clock: Time) -> None:
    share = Share(Limit(10, 1.0), clock=clock)
    assert taken(share, 7)
    assert taken(share, 4) is None
    assert taken(share, 3)


def test_what_was_not_used_is_ready_at_once(clock: Time) -> None:
    share = Share(Limit(10, 1.0), clock=clock)
    slots = taken(share, 10)
    assert slots
    share.give_back(slots, used=False)
    assert taken(share, 10)


def test_who_asks_for_nothing_any_more_does_not_stand_in_the_way_of_a_heavy_request(store: MemoryState, clock: Time) -> None:
    light, heavy = (Share(Limit(10, 60.0), store, "x", clock=clock) for _ in range(2))
    assert taken(light)
    assert rush([heavy], clock, 200.0, [10]) != [[]]  # its slots expire, and rest for a window


def test_a_large_limit_is_a_small_document(store: MemoryState, clock: Time) -> None:
    share = Share(Limit(1200, 60.0), store, "x", clock=clock)
    (sent,) = rush([share], clock, 119.0, [3])
    share.close()
    assert busiest(sent[::3], 60.0) <= 400
    assert len(sent) == 2 * 1200
    assert len(store.documents["x"]) < 6000
