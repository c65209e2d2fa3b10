import heapq
import multiprocessing
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest

from include.brokers.share import Share, Taken
from include.brokers.slots import Limit
from include.errors import Transient
from include.storage.database import open_database, upgrade
from include.storage.shared_states import DatabaseSharedState
from tests.fakes.shared_state import MemoryState

NINE = Limit(9, 1.0)
T = TypeVar("T")


class Time:
    """Moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def store() -> MemoryState:
    return MemoryState()


def taken(share: Share, count: int = 1) -> Taken | None:
    found = share.take(count)
    return found if isinstance(found, Taken) else None


def test_alone_it_has_all_slots_and_a_slot_comes_back_a_window_after_its_answer(clock: Time) -> None:
    share = Share(Limit(2, 1.0), clock=clock)
    first = taken(share)
    assert first
    assert taken(share)
    assert share.take() == 1.0  # both are in use: none can be ready within a window
    clock.now += 0.3
    share.give_back(first)
    assert share.take() == pytest.approx(1.0)
    clock.now += 1.0
    assert taken(share)


def test_a_share_grows_as_it_is_needed_and_then_asks_once_a_second(clock: Time, store: MemoryState) -> None:
    share = Share(Limit(40, 1.0), store, "x", clock=clock)
    held: list[Taken] = []
    while len(held) < 40:
        found = share.take()
        if isinstance(found, Taken):
            held.append(found)
        else:
            clock.now += found
    assert clock.now == pytest.approx(1000.2)  # 10, then 20 after a tenth of a second, then the rest after another
    assert store.changes == 3
    for each in held:
        share.give_back(each)
    clock.now += 1.0
    for _ in range(20):
        assert taken(share)
    assert store.changes == 4


def test_who_had_enough_soon_asks_for_more_where_others_hold_some(clock: Time, store: MemoryState) -> None:
    other, share = (Share(Limit(40, 60.0), store, "x", clock=clock) for _ in range(2))
    assert taken(other)
    assert taken(share)  # ten slots each
    clock.now += 1.0
    assert taken(other)
    assert taken(share)  # both looked again, and wanted nothing
    clock.now += 0.2
    assert [share.take(1) for _ in range(8)][-1].count == 1  # type: ignore[union-attr]
    assert share.take() == pytest.approx(0.1)  # not at its next look, in 0.8 seconds
    clock.now += 0.1
    assert taken(share)


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


@pytest.mark.parametrize(("count", "slots"), [(1, 9), (2, 9), (4, 9), (3, 1)])
def test_together_they_keep_the_limit_and_use_it(store: MemoryState, clock: Time, count: int, slots: int) -> None:
    sent = rush([Share(Limit(slots, 1.0), store, "x", clock=clock) for _ in range(count)], clock, 60.0)
    everything = [moment for one in sent for moment in one]
    assert busiest(everything, 1.0) <= slots
    assert len(everything) >= 60 * slots * (0.9 if slots > 1 else 0.8)
    assert min(map(len, sent)) >= 0.75 * len(everything) / count  # and nobody starves


def test_a_minutes_limit_is_kept_and_used_by_two(store: MemoryState, clock: Time) -> None:
    limit = Limit(20, 61.0)
    sent = rush([Share(limit, store, "x", clock=clock) for _ in range(2)], clock, 1200.0)
    everything = [moment for one in sent for moment in one]
    assert busiest(everything, 60.0) <= 20
    assert len(everything) >= 0.9 * 20 * 1200 / 61
    assert min(map(len, sent)) >= 0.4 * len(everything)


@pytest.mark.parametrize("slots", [9, 300])
@pytest.mark.parametrize("seconds", [0.2, 3.0, 3600.0])
def test_a_clock_that_is_set_back_costs_a_few_seconds_and_never_the_limit(
    store: MemoryState, clock: Time, seconds: float, slots: int
) -> None:
    def wall() -> float:
        return clock() - (seconds if clock.now >= 1010.0 else 0.0)

    sent = rush([Share(Limit(slots, 1.0), store, "x", clock=wall, steady=clock) for _ in range(2)], clock, 30.0)
    everything = [moment for one in sent for moment in one]
    assert busiest(everything, 1.0) <= slots
    assert all(sum(1 for moment in one if moment >= 1015.0) >= 0.4 * 15 * slots for one in sent)


def test_who_looks_first_after_a_clock_was_set_back_takes_no_slots_that_are_in_use(store: MemoryState, clock: Time) -> None:
    ahead = [3600.0]

    def wall() -> float:
        return clock() + ahead[0]

    idle, other = (Share(Limit(40, 1.0), store, "x", clock=wall, steady=clock) for _ in range(2))
    first = taken(idle)
    assert first
    ahead[0] = 0.0
    for _ in range(40):
        clock.now += 0.1
        other.take(40)  # until those of the other one have expired
    assert not idle.holds(first)
    clock.now += 1.5
    assert idle.take(look=False) > 0  # it may not use those that it still remembers and that are ready by now
    idle.give_back(first)


def test_a_process_that_starts_after_the_clock_was_set_back_does_not_wait_for_the_old_time(
    store: MemoryState, clock: Time
) -> None:
    clock.now += 3600
    dead, left = (Share(Limit(4, 1.0), store, "x", clock=clock) for _ in range(2))
    slot = taken(left)
    assert slot
    left.give_back(slot)
    assert taken(dead)
    left.close()
    clock.now -= 3600
    share, waited = Share(Limit(4, 1.0), store, "x", clock=clock), 0.0
    while not (found := taken(share, 4)):
        clock.now += 0.1
        waited += 0.1
    assert found
    assert 3.0 < waited < 6.0  # until what the dead one held expires, and a window


class Forgetful(MemoryState):
    """Writes what it is told, and does not always get round to saying so."""

    mute = False

    def change(self, name: str, work: Callable[[Any], tuple[Any, T]]) -> T:
        answer = super().change(name, work)
        if self.mute:
            raise Transient("the connection was lost while it committed")
        return answer


def test_slots_that_were_given_back_without_an_answer_are_not_used_by_two(clock: Time) -> None:
    store = Forgetful()
    first, second = (Share(NINE, store, "x", clock=clock) for _ in range(2))
    while not (all_of_them := taken(first, 9)):
        clock.now += 0.1
    first.give_back(all_of_them, used=False)
    taken(second, 4)
    clock.now += 1.0
    first.look()  # its part is less than it holds
    clock.now += 0.1
    store.mute = True
    with pytest.raises(Transient):
        first.look()  # gives back what is over
    store.mute = False
    mine = [first.take(look=False) for _ in range(9)]
    others = second.take(4)
    count = sum(each.count for each in [*mine, others] if isinstance(each, Taken))
    assert count <= 9
    for each in mine:
        if isinstance(each, Taken):
            first.give_back(each)
    clock.now += 2.0
    first.look()
    second.look()
    assert first.outlook().held + second.outlook().held <= 9
    assert first.outlook().held >= 4


def test_a_process_that_asks_now_and_then_takes_little_from_the_others(store: MemoryState, clock: Time) -> None:
    limit = Limit(100, 61.0)
    light, heavy = (Share(limit, store, "x", clock=clock) for _ in range(2))
    asked = count = 0
    for _ in range(60):
        if slot := taken(light):
            light.give_back(slot)
            asked += 1
        count += len(rush([heavy], clock, 20.0)[0])
    assert asked == 60
    assert count >= 0.8 * 100 * 1200 / 61


def test_a_process_that_comes_later_waits_two_seconds_at_most(store: MemoryState, clock: Time) -> None:
    first = Share(NINE, store, "x", clock=clock)
    rush([first], clock, 5.0)
    second = Share(NINE, store, "x", clock=clock)
    sent = rush([first, second], clock, 2.0)
    assert len(sent[1]) >= 4


def test_a_process_that_died_gives_its_slots_back_by_expiry(store: MemoryState, clock: Time) -> None:
    rush([Share(NINE, store, "x", clock=clock)], clock, 2.0)
    assert len(rush([Share(NINE, store, "x", clock=clock)], clock, 4.6)[0]) == 9  # 3 s to expire, a window, what was on its way


def test_a_process_that_stood_still_uses_nothing_that_is_others_now(store: MemoryState, clock: Time) -> None:
    slow, other = (Share(NINE, store, "x", clock=clock) for _ in range(2))
    rush([slow], clock, 2.0)
    clock.now += 10
    rush([other], clock, 2.0)
    assert not taken(slow)
    assert busiest([moment for one in rush([slow, other], clock, 10.0) for moment in one], 1.0) <= 9


def test_what_expired_is_not_used_before_the_others_were_asked(store: MemoryState, clock: Time) -> None:
    share = Share(NINE, store, "x", clock=clock)
    assert taken(share)
    clock.now += 2.9
    assert isinstance(share.take(look=False), Taken)
    share = Share(NINE, store, "y", clock=clock)
    assert taken(share)
    clock.now += 3.0
    assert not isinstance(share.take(look=False), Taken)


def test_answers_that_come_after_their_slots_expired_add_none(store: MemoryState, clock: Time) -> None:
    share = Share(Limit(2, 1.0), store, "x", clock=clock)
    sent: list[Taken] = []
    while len(sent) < 2:
        found = share.take()
        if isinstance(found, Taken):
            sent.append(found)
        else:
            clock.now += found
    assert all(share.holds(each) for each in sent)
    clock.now += 10.0  # both are on their way still
    assert not any(share.holds(each) for each in sent)
    again = taken(share)
    assert again
    for each in (*sent, again):
        share.give_back(each)
    clock.now += 1.0
    count = 0
    for _ in range(9):
        count += taken(share) is not None
        clock.now += 0.01
    assert count <= 2


def test_closing_lets_the_next_one_begin_at_once(store: MemoryState, clock: Time) -> None:
    first, second = (Share(NINE, store, "x", clock=clock) for _ in range(2))
    slot = taken(first)
    assert slot
    first.close()
    assert taken(second)
    first.give_back(slot)  # late: the slot is not its own any more
    first.close()
    assert taken(second)


def test_a_store_that_does_not_answer_lets_nothing_be_sent(store: MemoryState, clock: Time) -> None:
    share = Share(NINE, store, "x", clock=clock)
    store.away = True
    with pytest.raises(Transient):
        share.take()


def _send(url: str, path: str) -> None:
    with open_database(url) as database, open(path, "w", encoding="utf-8") as file:
        share = Share(Limit(20, 0.5), DatabaseSharedState(database), "x")
        for _ in range(60):
            while not isinstance(found := share.take(), Taken):
                time.sleep(found)
            file.write(f"{time.time()}\n")
            share.give_back(found)
        share.close()


def test_several_processes_keep_one_limit_through_the_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'polybroker.db'}"
    upgrade(url)
    context = multiprocessing.get_context("spawn")
    paths = [tmp_path / f"{n}.txt" for n in range(3)]
    processes = [context.Process(target=_send, args=(url, str(path))) for path in paths]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    sent = [[float(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in paths]
    assert busiest([moment for one in sent for moment in one], 0.5) <= 20
    assert [len(one) for one in sent] == [60, 60, 60]


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


def longest_wait(moments: list[float], begin: float, end: float) -> float:
    times = [begin, *moments, end]
    return max(later - earlier for earlier, later in pairwise(times))


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
