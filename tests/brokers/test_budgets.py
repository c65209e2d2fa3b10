import heapq
import multiprocessing
import time
from pathlib import Path

import pytest

from include.brokers.budgets import Budgets, Share
from include.brokers.slots import Limit
from include.errors import Transient
from include.storage.database import open_database, upgrade
from include.storage.shared_states import DatabaseSharedState
from tests.fakes.shared_state import MemoryState

NINE = Limit(9, 1.0)


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


def taken(share: Share) -> bool:
    return share.take() == 0.0


def test_alone_it_has_all_slots_and_a_slot_comes_back_a_window_after_its_answer(clock: Time) -> None:
    share = Share(Limit(2, 1.0), clock=clock)
    assert taken(share)
    assert taken(share)
    assert share.take() == 1.0  # both are in use: none can be ready within a window
    clock.now += 0.3
    share.give_back()
    assert share.take() == pytest.approx(1.0)
    clock.now += 1.0
    assert taken(share)


def test_a_share_grows_as_it_is_needed_and_then_asks_once_a_second(clock: Time, store: MemoryState) -> None:
    share = Share(Limit(40, 1.0), store, "x", clock=clock)
    count = 0
    while count < 40:
        pause = share.take()
        count += not pause
        clock.now += pause
    assert clock.now == pytest.approx(1000.2)  # 10, then 20 after a tenth of a second, then the rest after another
    assert store.changes == 3
    for _ in range(40):
        share.give_back()
    clock.now += 1.0
    for _ in range(20):
        assert taken(share)
    assert store.changes == 4


def rush(processes: list[Share], clock: Time, seconds: float) -> list[list[float]]:
    """When each process sent, all of them sending as fast as they may, each message answered after 20 ms."""
    sent: list[list[float]] = [[] for _ in processes]
    wake = [(clock.now, n, "take") for n in range(len(processes))]
    end = clock.now + seconds
    while wake:
        clock.now, n, what = heapq.heappop(wake)
        if clock.now > end:
            return sent
        if what == "answer":
            processes[n].give_back()
            continue
        pause = processes[n].take()
        if pause:
            heapq.heappush(wake, (clock.now + pause, n, "take"))
        else:
            sent[n].append(clock.now)
            heapq.heappush(wake, (clock.now + 0.02, n, "answer"))
            heapq.heappush(wake, (clock.now + 0.001, n, "take"))
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


def test_a_process_that_asks_now_and_then_takes_little_from_the_others(store: MemoryState, clock: Time) -> None:
    limit = Limit(100, 61.0)
    light, heavy = (Share(limit, store, "x", clock=clock) for _ in range(2))
    asked = count = 0
    for _ in range(60):
        if taken(light):
            light.give_back()
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
    assert share.take(look=False) == 0.0
    share = Share(NINE, store, "y", clock=clock)
    assert taken(share)
    clock.now += 3.0
    assert share.take(look=False) > 0.0


def test_answers_that_come_after_their_slots_expired_add_none(store: MemoryState, clock: Time) -> None:
    share = Share(Limit(2, 1.0), store, "x", clock=clock)
    sent = 0
    while sent < 2:
        pause = share.take()
        sent += not pause
        clock.now += pause
    clock.now += 10.0  # both are on their way still
    assert taken(share)
    share.give_back()
    share.give_back()
    share.give_back()
    clock.now += 1.0
    count = 0
    for _ in range(9):
        count += taken(share)
        clock.now += 0.01
    assert count <= 2


def test_closing_lets_the_next_one_begin_at_once(store: MemoryState, clock: Time) -> None:
    first, second = (Share(NINE, store, "x", clock=clock) for _ in range(2))
    assert taken(first)
    first.close()
    assert taken(second)
    first.give_back()  # late: the slot is not its own any more
    first.close()
    assert taken(second)


def test_a_store_that_does_not_answer_lets_nothing_be_sent(store: MemoryState, clock: Time) -> None:
    share = Share(NINE, store, "x", clock=clock)
    store.away = True
    with pytest.raises(Transient):
        share.take()


def test_budgets_are_apart_by_login_endpoint_and_source(store: MemoryState, clock: Time) -> None:
    one = Limit(1, 1.0)
    budgets, live = Budgets(store, "alpaca-paper", clock=clock), Budgets(store, "alpaca-live", clock=clock)
    shares = [
        budgets.share("key", "requests", one),
        budgets.share("other key", "requests", one),
        budgets.share("key", "data", one),
        live.share("key", "requests", one),
    ]
    assert [taken(share) for share in shares] == [True] * 4
    assert budgets.share("key", "requests", one) is shares[0]
    assert not any("key" in name for name in store.documents)


def test_client_ids_are_held_by_one_process_each(store: MemoryState, clock: Time) -> None:
    first, second, third = (Budgets(store, "ibkr-paper", clock=clock) for _ in range(3))
    assert first.client_id("gateway:4002", [11, 12]) == 11
    assert first.client_id("gateway:4002", [11, 12]) == 11
    assert second.client_id("gateway:4002", [11, 12]) == 12
    assert third.client_id("another:4002", [11, 12]) == 11
    assert third.client_id("gateway:4002", [1]) == 1
    first.close()
    assert third.client_id("gateway:4002", [11, 12]) == 11
    second.close()
    third.close()


def test_whoever_finds_no_free_client_id_waits_for_one(store: MemoryState, clock: Time) -> None:
    first, second = (Budgets(store, "ibkr-paper", clock=clock) for _ in range(2))
    first.client_id("gateway:4002", [1])
    waited: list[float] = []
    with pytest.raises(Transient, match=r"other tasks hold every client id of this login \(1\)"):
        second.client_id("gateway:4002", [1], sleep=waited.append)
    assert sum(waited) == pytest.approx(30)

    def ends(seconds: float) -> None:
        first.close()

    assert second.client_id("gateway:4002", [1], sleep=ends) == 1
    second.close()


def test_the_client_id_of_a_process_that_died_is_free_a_minute_later(store: MemoryState, clock: Time) -> None:
    dead, second = (Budgets(store, "ibkr-paper", clock=clock) for _ in range(2))
    dead.client_id("gateway:4002", [1])

    def pause(seconds: float) -> None:
        clock.now += 3 * seconds

    assert second.client_id("gateway:4002", [1], sleep=pause) == 1
    assert clock.now >= 1060
    second.close()
    dead.close()


def _send(url: str, path: str) -> None:
    with open_database(url) as database, open(path, "w", encoding="utf-8") as file:
        share = Share(Limit(20, 0.5), DatabaseSharedState(database), "x")
        for _ in range(60):
            while pause := share.take():
                time.sleep(pause)
            file.write(f"{time.time()}\n")
            share.give_back()
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
