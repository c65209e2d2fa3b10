"""Clocks that are set, processes that die or stand still, answers that are lost: never more than the limit."""

from collections.abc import Callable
from typing import Any

import pytest

from include.brokers.share import Share, Taken
from include.brokers.slots import Limit
from include.errors import Transient
from tests.brokers.share.fakes import NINE, T, Time, busiest, rush, taken
from tests.fakes.shared_state import MemoryState


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


def test_a_store_that_does_not_answer_lets_nothing_be_sent(store: MemoryState, clock: Time) -> None:
    share = Share(NINE, store, "x", clock=clock)
    store.away = True
    with pytest.raises(Transient):
        share.take()
