import multiprocessing
import time
from pathlib import Path

import pytest

from include.brokers.share import Share, Taken
from include.brokers.slots import Limit
from include.storage.database import open_database, upgrade
from include.storage.shared_states import DatabaseSharedState
from tests.brokers.share.fakes import NINE, Time, busiest, rush, taken
from tests.fakes.shared_state import MemoryState


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


def test_closing_lets_the_next_one_begin_at_once(store: MemoryState, clock: Time) -> None:
    first, second = (Share(NINE, store, "x", clock=clock) for _ in range(2))
    slot = taken(first)
    assert slot
    first.close()
    assert taken(second)
    first.give_back(slot)  # late: the slot is not its own any more
    first.close()
    assert taken(second)


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
