from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from include.brokers.slots import Limit, released, settle

TEN = Limit(10, 1.0)


def test_the_first_is_given_what_it_wants_up_to_all() -> None:
    document, grant = settle(None, "a", TEN, 100.0, held=0, wanted=4)
    assert (grant.ready, grant.share, grant.until) == ((0.0,) * 4, 10, 103.0)
    document, grant = settle(document, "a", TEN, 101.0, held=4, wanted=99)
    assert len(grant.ready) == 6
    assert document["free"] == []


def test_who_holds_all_gives_half_to_the_second() -> None:
    document, _ = settle(None, "a", TEN, 100.0, held=0, wanted=10)
    document, grant = settle(document, "b", TEN, 100.1, held=0, wanted=10)
    assert (grant.ready, grant.share) == ((), 5)
    document, grant = settle(document, "a", TEN, 100.2, held=10, wanted=10)
    assert grant.share == 5
    document, grant = settle(document, "a", TEN, 100.3, held=10, wanted=10, returned=[100.9, 101.0, 101.1, 101.2, 101.3])
    assert grant.ready == ()
    document, grant = settle(document, "b", TEN, 100.4, held=0, wanted=10)
    assert grant.ready == (100.9, 101.0, 101.1, 101.2, 101.3)  # they may be used when their last message is a window old


def test_who_wants_no_more_keeps_what_it_has_and_the_rest_is_for_the_others() -> None:
    document, _ = settle(None, "light", TEN, 100.0, held=0, wanted=2)
    document, _ = settle(document, "light", TEN, 100.0, held=2, wanted=0)
    document, grant = settle(document, "heavy", TEN, 100.1, held=0, wanted=10)
    assert (len(grant.ready), grant.share) == (8, 8)


def test_a_single_slot_goes_round() -> None:
    one = Limit(1, 1.0)
    document, grant = settle(None, "a", one, 100.0, held=0, wanted=1)
    assert len(grant.ready) == 1
    document, grant = settle(document, "b", one, 100.1, held=0, wanted=1)
    assert (len(grant.ready), grant.share) == (0, 1)
    document, grant = settle(document, "a", one, 100.2, held=1, wanted=1)
    assert grant.share == 0
    document, grant = settle(document, "a", one, 100.3, held=1, wanted=1, returned=[101.2])
    assert grant.ready == ()
    document, grant = settle(document, "b", one, 100.4, held=0, wanted=1)
    assert grant.ready == (101.2,)


def test_who_died_gives_its_slots_back_by_expiry() -> None:
    document, _ = settle(None, "dead", TEN, 100.0, held=0, wanted=10)
    _, grant = settle(document, "b", TEN, 102.9, held=0, wanted=10)
    assert grant.ready == ()
    _, grant = settle(document, "b", TEN, 103.0, held=0, wanted=10)
    assert grant.ready == (104.5,) * 10  # its last message may have been sent at 103, and be on its way for half a second


def test_who_stood_still_for_too_long_is_told_that_its_slots_are_gone() -> None:
    document, _ = settle(None, "slow", TEN, 100.0, held=0, wanted=10)
    document, _ = settle(document, "b", TEN, 103.0, held=0, wanted=10)
    after, grant = settle(document, "slow", TEN, 102.9, held=10, wanted=10, returned=[102.0])
    assert grant.until == float("-inf")
    assert grant.ready == ()
    assert after == document


def test_leaving_gives_everything_back() -> None:
    document, _ = settle(None, "a", TEN, 100.0, held=0, wanted=10)
    document = released(document, "a", TEN, 100.5, [100.1] * 7)  # three are in use
    assert document == {"free": [100.1] * 7 + [101.5] * 3, "holders": {}}
    assert released(document, "a", TEN, 100.6, [1.0]) == document  # twice does nothing


@pytest.mark.parametrize(("slots", "free"), [(12, [0.0] * 6 + [101.0] * 2), (8, [0.0] * 4)])
def test_a_limit_that_was_changed(slots: int, free: list[float]) -> None:
    document, _ = settle(None, "a", TEN, 100.0, held=0, wanted=4)
    document, _ = settle(document, "a", Limit(slots, 1.0), 100.0, held=4, wanted=0)
    assert document["free"] == free


class Processes(RuleBasedStateMachine):
    """Processes that take, give back, stand still and die: nobody ever holds more than there is, and nothing is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.document, self.limit = 100.0, None, Limit(7, 1.0)
        self.held: dict[str, list[float]] = {}
        self.until: dict[str, float] = {}

    names = st.sampled_from(["a", "b", "c"])

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.5, 4.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(name=names, wanted=st.integers(0, 9), giving=st.integers(0, 9))
    def settles(self, name: str, wanted: int, giving: int) -> None:
        if self.until.get(name, 0) <= self.now:
            self.held[name] = []  # what expired is not its own
            document: Any = self.document
            if document and name in document["holders"] and document["holders"][name]["until"] > self.now:
                return
        mine = self.held.setdefault(name, [])
        returned, kept = mine[:giving], mine[giving:]
        self.document, grant = settle(
            self.document, name, self.limit, self.now, held=len(mine), wanted=wanted, returned=[self.now + 1.0] * len(returned)
        )
        assert len(kept) + len(grant.ready) <= max(grant.share, len(kept))
        self.held[name], self.until[name] = [*kept, *grant.ready], grant.until

    @precondition(lambda self: self.held)
    @rule(name=names)
    def leaves(self, name: str) -> None:
        if self.until.get(name, 0) > self.now:
            self.document = released(self.document, name, self.limit, self.now, self.held.pop(name))
            self.until.pop(name)

    @invariant()
    def the_sum_holds(self) -> None:
        alive = sum(len(slots) for name, slots in self.held.items() if self.until.get(name, 0) > self.now)
        assert alive <= self.limit.slots
        if self.document is not None:
            document: Any = self.document
            assert len(document["free"]) + sum(each["slots"] for each in document["holders"].values()) == self.limit.slots


TestProcesses = Processes.TestCase
