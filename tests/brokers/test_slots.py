from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from include.brokers.slots import Limit, Slots, Wish, released, settle

TEN = Limit(10, 1.0)
FIVE = [[100.9, 1], [101.0, 1], [101.1, 1], [101.2, 1], [101.3, 1]]


def test_the_first_is_given_what_it_wants_up_to_all() -> None:
    document, grant = settle(None, "a", TEN, 100.0, Wish(0, 4))
    assert (grant.slots.rows, grant.share, grant.until) == ([[0.0, 4]], 10, 103.0)
    document, grant = settle(document, "a", TEN, 101.0, Wish(4, 99))
    assert grant.slots.count == 6
    assert document["free"] == []


def test_who_holds_all_gives_half_to_the_second() -> None:
    document, _ = settle(None, "a", TEN, 100.0, Wish(0, 10))
    document, grant = settle(document, "b", TEN, 100.1, Wish(0, 10))
    assert (grant.slots.rows, grant.share) == ([], 5)
    document, grant = settle(document, "a", TEN, 100.2, Wish(10, 10))
    assert grant.share == 5
    document, grant = settle(document, "a", TEN, 100.3, Wish(10, 10, returned=Slots(FIVE)))
    assert grant.slots.rows == []
    document, grant = settle(document, "b", TEN, 100.4, Wish(0, 10))
    assert grant.slots.rows == FIVE  # they may be used when their last message is a window old


def test_who_wants_no_more_keeps_what_it_has_and_the_rest_is_for_the_others() -> None:
    document, _ = settle(None, "light", TEN, 100.0, Wish(0, 2))
    document, _ = settle(document, "light", TEN, 100.0, Wish(2, 0))
    document, grant = settle(document, "heavy", TEN, 100.1, Wish(0, 10))
    assert (grant.slots.count, grant.share) == (8, 8)


def test_a_single_slot_goes_round() -> None:
    one = Limit(1, 1.0)
    document, grant = settle(None, "a", one, 100.0, Wish(0, 1, need=1))
    assert grant.slots.count == 1
    document, grant = settle(document, "b", one, 100.1, Wish(0, 1, need=1))
    assert (grant.slots.count, grant.share) == (0, 0)  # a comes first until it is served
    document, grant = settle(document, "a", one, 100.2, Wish(1, 1, need=1, served=True))
    assert grant.share == 0
    document, grant = settle(document, "a", one, 100.3, Wish(1, 1, need=1, returned=Slots([[101.2, 1]])))
    assert grant.slots.rows == []
    document, grant = settle(document, "b", one, 100.4, Wish(0, 1, need=1))
    assert grant.slots.rows == [[101.2, 1]]


def test_who_died_gives_its_slots_back_by_expiry() -> None:
    document, _ = settle(None, "dead", TEN, 100.0, Wish(0, 10))
    _, grant = settle(document, "b", TEN, 102.9, Wish(0, 10))
    assert grant.slots.rows == []
    _, grant = settle(document, "b", TEN, 103.0, Wish(0, 10))
    assert grant.slots.rows == [[104.5, 10]]  # its last message may have been sent at 103, and be on its way for half a second


def test_who_stood_still_for_too_long_is_told_that_its_slots_are_gone() -> None:
    document, _ = settle(None, "slow", TEN, 100.0, Wish(0, 10))
    document, _ = settle(document, "b", TEN, 103.0, Wish(0, 10))
    after, grant = settle(document, "slow", TEN, 102.9, Wish(10, 10, returned=Slots([[102.0, 1]])))
    assert grant.until == float("-inf")
    assert grant.slots.rows == []
    assert after == document


def test_slots_that_a_process_never_heard_of_rest_for_a_window() -> None:
    document, _ = settle(None, "a", TEN, 100.0, Wish(0, 6))
    document, grant = settle(document, "a", TEN, 100.5, Wish(4, 1))
    assert grant.slots.rows == [[0.0, 1]]
    assert document["free"] == [[0.0, 3], [101.5, 2]]
    assert document["holders"]["a"]["slots"] == 5


OF_ANOTHER_VERSION = {"free": [0.0] * 9, "holders": {"old": {"slots": 1, "since": 99.0, "wanted": 0, "until": 102.0}}}


@pytest.mark.parametrize("document", [OF_ANOTHER_VERSION, {**OF_ANOTHER_VERSION, "free": []}, {"free": 3}, [], "x", {}])
def test_what_nobody_can_read_is_begun_anew_after_a_window(document: Any) -> None:
    after, grant = settle(document, "a", TEN, 100.0, Wish(0, 4))
    assert grant.slots.rows == [[101.0, 4]]
    assert list(after["holders"]) == ["a"]
    assert released(document, "old", TEN, 100.0, Slots()) == {"free": [[101.0, 10]], "holders": {}}


def test_leaving_gives_everything_back() -> None:
    document, _ = settle(None, "a", TEN, 100.0, Wish(0, 10))
    document = released(document, "a", TEN, 100.5, Slots([[100.1, 7]]))  # three are in use
    assert document == {"free": [[100.1, 7], [101.5, 3]], "holders": {}}
    assert released(document, "a", TEN, 100.6, Slots([[1.0, 1]])) == document  # twice does nothing


@pytest.mark.parametrize(("slots", "free"), [(12, [[0.0, 6], [101.0, 2]]), (8, [[0.0, 4]])])
def test_a_limit_that_was_changed(slots: int, free: list[list[float]]) -> None:
    document, _ = settle(None, "a", TEN, 100.0, Wish(0, 4))
    document, _ = settle(document, "a", Limit(slots, 1.0), 100.0, Wish(4, 0))
    assert document["free"] == free


def test_a_heavy_request_is_given_all_it_needs_when_it_is_its_turn() -> None:
    document: Any = None
    for name in "abcd":
        document, grant = settle(document, name, TEN, 100.0, Wish(0, 5, need=5))
    assert (grant.slots.count, grant.share) == (0, 0)  # a and b have five each
    document, grant = settle(document, "a", TEN, 100.2, Wish(5, 5, need=5, served=True))
    assert grant.share == 0
    document, _ = settle(document, "a", TEN, 101.1, Wish(5, 5, need=5, returned=Slots([[101.2, 5]])))
    document, grant = settle(document, "d", TEN, 101.2, Wish(0, 5, need=5))
    assert grant.share == 0  # c waits as long, and its name comes first
    document, grant = settle(document, "c", TEN, 101.3, Wish(0, 5, need=5))
    assert grant.slots.rows == [[101.2, 5]]


def test_who_wants_nothing_keeps_nothing_from_a_request_that_weighs_all() -> None:
    document, _ = settle(None, "light", TEN, 100.0, Wish(0, 2))
    document, _ = settle(document, "light", TEN, 100.0, Wish(2))
    document, grant = settle(document, "heavy", TEN, 100.1, Wish(0, 10, need=10))
    assert (grant.slots.count, grant.share) == (8, 10)
    _, grant = settle(document, "light", TEN, 100.2, Wish(2))
    assert grant.share == 0


def test_many_slots_are_kept_by_about_when_they_are_ready_never_too_early() -> None:
    assert Limit(200, 1.0).after_window(100.001) == 101.001
    assert Limit(201, 1.0).after_window(100.001) == pytest.approx(101.005)
    assert Limit(201, 1.0).after_window(100.0) == pytest.approx(101.0)


class Processes(RuleBasedStateMachine):
    """Processes that take, give back, stand still and die: nobody ever holds more than there is, and nothing is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.document, self.limit = 100.0, None, Limit(7, 1.0)
        self.held: dict[str, int] = {}
        self.until: dict[str, float] = {}

    names = st.sampled_from(["a", "b", "c"])

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.5, 4.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(name=names, wanted=st.integers(0, 9), giving=st.integers(0, 9), need=st.integers(0, 7), served=st.booleans())
    def settles(self, name: str, wanted: int, giving: int, need: int, served: bool) -> None:
        if self.until.get(name, 0) <= self.now:
            self.held[name] = 0  # what expired is not its own
            document: Any = self.document
            if document and name in document["holders"] and document["holders"][name]["until"] > self.now:
                return
        mine = self.held.setdefault(name, 0)
        returned = Slots([[self.now + 1.0, min(giving, mine)]] if min(giving, mine) else [])
        wish = Wish(mine, wanted, need if wanted else 0, served, returned)
        self.document, grant = settle(self.document, name, self.limit, self.now, wish)
        kept = mine - returned.count
        assert kept + grant.slots.count <= max(grant.share, kept)
        self.held[name], self.until[name] = kept + grant.slots.count, grant.until

    @precondition(lambda self: self.held)
    @rule(name=names)
    def leaves(self, name: str) -> None:
        if self.until.get(name, 0) > self.now:
            self.document = released(self.document, name, self.limit, self.now, Slots([[self.now + 1.0, self.held.pop(name)]]))
            self.until.pop(name)

    @invariant()
    def the_sum_holds(self) -> None:
        alive = sum(slots for name, slots in self.held.items() if self.until.get(name, 0) > self.now)
        assert alive <= self.limit.slots
        if self.document is not None:
            document: Any = self.document
            free = sum(count for _, count in document["free"])
            assert free + sum(each["slots"] for each in document["holders"].values()) == self.limit.slots


TestProcesses = Processes.TestCase
