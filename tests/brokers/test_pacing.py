"""Laws and manners of the pacer. Time only passes when somebody waits; the asyncio tests are in `test_pacing_async.py`."""

import heapq
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.brokers.budgets import Budgets
from include.brokers.pacing import MARGIN_SECONDS, Pacer, Passage, Wait, _at_once
from include.domain.pacing import Pacing
from include.errors import InputError, Transient
from tests.fakes.shared_state import MemoryState

TWO_LIMITS = Pacing.model_validate(
    {
        "limits": {"weight": {"allowed": 10, "seconds": 1}, "orders": {"allowed": 2, "seconds": 5}},
        "weights": {"*": {"weight": 1}, "heavy": {"weight": 10}, "order": {"weight": 2, "orders": 1}},
    }
)


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


def one_limit(allowed: int, seconds: float, at_once: int | None = None) -> Pacing:
    limit = {"allowed": allowed, "seconds": seconds, "at_once": at_once}
    return Pacing.model_validate({"limits": {"requests": limit}, "weights": {"*": {"requests": 1}}})


def make_pacer(clock: Clock, pacing: Pacing, budgets: Budgets | None = None) -> Pacer:
    return Pacer(pacing, budgets, "key", clock=clock, sleep=clock.sleep)


def send(pacer: Pacer, endpoint: str = "*", times: int = 1) -> None:
    with pacer.request(endpoint, times):
        pass


class World:
    """Processes that send requests one after another or together, and the broker that sees them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.seen: list[tuple[float, str]] = []
        self.asked = self.passed = 0
        self.order: list[str] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    def at(self, moment: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._number), what))

    def ask(self, pacer: Pacer, endpoint: str, arrives: float = 0.0, answered: float = 0.02, name: str = "") -> None:
        """Let a request wait for its turn; the broker sees it `arrives` seconds after it was sent."""
        passage = pacer.request(endpoint)
        self.asked += 1
        self._go_on(passage, passage.steps(_at_once), endpoint, arrives, answered, name)

    def _go_on(self, passage: Passage, steps: Iterator[Wait], endpoint: str, arrives: float, answered: float, name: str) -> None:
        def again() -> None:
            self._go_on(passage, steps, endpoint, arrives, answered, name)

        wait = next(steps, None)
        if wait is None:
            self.passed += 1
            self.order.append(name)
            self.seen.append((self.clock.now + min(arrives, answered), endpoint))
            self.at(self.clock.now + answered, lambda: passage.__exit__(None, None, None))
        elif wait.what is None:
            self.at(self.clock.now + (wait.seconds or 0.0), again)
        else:
            wait.what.add_done_callback(lambda _: self.at(self.clock.now, again))

    def run(self, until: float, passed: int = 10**9) -> None:
        """Go on to this moment, or until so many requests have passed."""
        while self._events and self._events[0][0] <= until and self.passed < passed:
            moment, _, what = heapq.heappop(self._events)
            self.clock.now = max(self.clock.now, moment)
            what()

    def busiest(self, pacing: Pacing, name: str) -> int:
        seen = sorted((moment, pacing.weights_of(endpoint).get(name, 0)) for moment, endpoint in self.seen)
        window = pacing.limits[name].seconds
        return max((sum(w for other, w in seen if first <= other < first + window) for first, _ in seen), default=0)


@st.composite
def pacings(draw: st.DrawFn) -> Pacing:
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    limits = {
        name: {
            "allowed": draw(st.integers(1, 12)),
            "seconds": draw(st.sampled_from([0.1, 1.0, 4.0])),
            "at_once": draw(st.none() | st.integers(1, 12)),
        }
        for name in names
    }
    weights: dict[str, dict[str, int]] = {}
    for endpoint in ("*", "x", "y"):
        chosen = [name for name in names if draw(st.booleans())]
        weights[endpoint] = {name: draw(st.integers(1, limits[name]["allowed"])) for name in chosen}
    return Pacing.model_validate({"limits": limits, "weights": weights})


requests = st.lists(
    st.tuples(st.sampled_from("*xy"), st.floats(0, 0.3), st.floats(0, 0.3), st.sampled_from([0.0, 0.0, 0.5, 3.5])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(pacing=pacings(), processes=st.lists(requests, min_size=1, max_size=4), shared=st.booleans())
def test_the_broker_never_sees_more_and_everyone_is_served_and_all_is_given_back(
    pacing: Pacing, processes: list[list[tuple[str, float, float, float]]], shared: bool
) -> None:
    world, store = World(), MemoryState()
    budgets = [Budgets(store, "toy", clock=world.clock) for _ in processes] if shared else []
    pacers = [make_pacer(world.clock, pacing, budgets[n] if shared else None) for n in range(len(processes) if shared else 1)]
    for n, wanted in enumerate(processes):
        moment = world.clock.now
        for endpoint, arrives, answered, pause in wanted:
            moment += pause
            pacer = pacers[n % len(pacers)]
            world.at(moment, partial(world.ask, pacer, endpoint, arrives, answered))
    world.run(until=1400.0, passed=sum(map(len, processes)))
    assert world.passed == sum(map(len, processes))
    world.run(until=world.clock.now + 0.3)  # the last answers
    for name, limit in pacing.limits.items():
        assert world.busiest(pacing, name) <= limit.allowed
    for each in budgets:
        each.close()
    for name in store.documents:
        document, allowed = store.read(name), pacing.limits[name.rsplit(":", 1)[1]].allowed
        assert all(each["until"] <= world.clock.now for each in document["holders"].values())
        assert (
            sum(number for _, number in document["free"]) + sum(each["slots"] for each in document["holders"].values()) == allowed
        )


def test_a_heavy_request_is_not_overtaken_by_light_ones_for_ever() -> None:
    world = World()
    pacer = make_pacer(world.clock, TWO_LIMITS)

    def light() -> None:
        world.ask(pacer, "*", name="light")
        if len(world.order) < 200:
            world.at(world.clock.now + 0.05, light)  # there is always one more

    light()
    world.at(1000.51, lambda: world.ask(pacer, "heavy", name="heavy"))
    world.run(until=1100.0)
    assert world.order.index("heavy") <= 11


def test_nor_by_light_ones_that_a_slower_limit_lets_go_ahead() -> None:
    pacing = Pacing.model_validate(
        {
            "limits": {"slow": {"allowed": 9, "seconds": 1}, "fast": {"allowed": 10, "seconds": 1}},
            "weights": {"*": {"fast": 1}, "heavy": {"fast": 10}, "both": {"slow": 1, "fast": 1}},
        }
    )
    world = World()
    pacer = make_pacer(world.clock, pacing)
    for _ in range(100):
        world.ask(pacer, "both", name="both")
    world.at(1000.01, lambda: world.ask(pacer, "heavy", name="heavy"))
    world.run(until=1100.0)
    assert world.order.index("heavy") <= 20


@pytest.mark.parametrize("alone", [True, False])
def test_nor_by_those_who_ask_beside_it(alone: bool) -> None:
    world = World()
    budgets = None if alone else Budgets(MemoryState(), "toy", clock=world.clock)
    pacer = make_pacer(world.clock, TWO_LIMITS, budgets)
    beside = pacer.beside()
    for _ in range(100):
        world.ask(pacer, "*", name="light")
    world.ask(beside, "heavy", name="heavy")
    world.run(until=1100.0)
    assert world.order.index("heavy") <= 20


def test_who_asks_beside_waits_for_one_in_line_and_not_for_all() -> None:
    world = World()
    pacer = make_pacer(world.clock, one_limit(10, 1))
    for _ in range(100):
        world.ask(pacer, "*", name="look-up")
    world.ask(pacer.beside(), "*", name="order")
    world.run(until=1100.0)
    assert world.order.index("order") == 11
    assert world.busiest(one_limit(10, 1), "requests") == 10  # and the limit is one


def test_four_processes_with_requests_of_half_the_limit_are_all_served() -> None:
    pacing = Pacing.model_validate({"limits": {"weight": {"allowed": 10, "seconds": 1}}, "weights": {"*": {"weight": 5}}})
    world, store = World(), MemoryState()
    for number in range(4):
        pacer = make_pacer(world.clock, pacing, Budgets(store, "toy", clock=world.clock))
        for _ in range(20):
            world.ask(pacer, "*", name=str(number))
    world.run(until=1100.0)
    assert world.busiest(pacing, "weight") == 10
    halfway = world.order[:40]
    assert min(halfway.count(name) for name in "0123") >= 8


def test_processes_that_take_two_limits_do_not_wait_for_each_other_in_a_circle() -> None:
    pacing = Pacing.model_validate(
        {
            "limits": {"a": {"allowed": 1, "seconds": 1}, "b": {"allowed": 1, "seconds": 1}},
            "weights": {"*": {"a": 1, "b": 1}, "other": {"b": 1, "a": 1}},
        }
    )
    world, store = World(), MemoryState()
    for endpoint in ("*", "other", "*"):
        pacer = make_pacer(world.clock, pacing, Budgets(store, "toy", clock=world.clock))
        for _ in range(5):
            world.ask(pacer, endpoint)
    world.run(until=1040.0)
    assert world.passed == 15


def test_the_burst_goes_at_once_and_the_rest_evenly_until_it_comes_back() -> None:
    clock = Clock()
    pacer = make_pacer(clock, one_limit(45, 1, at_once=11))
    moments = []
    for _ in range(100):
        send(pacer)
        moments.append(clock.now - 1000.0)
    assert moments[:11] == [0.0] * 11
    gaps = [later - earlier for earlier, later in pairwise(moments[11:])]
    assert max(gaps) <= 1 / 34 + 2 * MARGIN_SECONDS  # 34 in the rest of the second
    assert moments[45] == pytest.approx(1 + MARGIN_SECONDS, abs=0.03)
    assert moments[90] == pytest.approx(2 + 2 * MARGIN_SECONDS, abs=0.06)  # and no slot is left unused


def test_without_a_burst_all_go_at_once() -> None:
    clock = Clock()
    pacer = make_pacer(clock, one_limit(45, 1))
    for _ in range(45):
        send(pacer)
    assert clock.slept == []
    send(pacer)
    assert clock.now == pytest.approx(1001 + MARGIN_SECONDS)


def test_a_broker_that_asks_for_a_pause_gets_it_on_the_limits_of_that_endpoint() -> None:
    clock = Clock()
    pacer = make_pacer(clock, TWO_LIMITS)
    pacer.hold(7.0, "order")
    send(pacer)
    assert clock.now == 1007.0
    clock = Clock()
    pacer = make_pacer(clock, TWO_LIMITS)
    pacer.hold(7.0)
    send(pacer, "order")
    assert clock.now == 1007.0


def test_many_at_once_are_let_through_together() -> None:
    clock = Clock()
    pacer = make_pacer(clock, TWO_LIMITS)
    with pacer.request("order", times=2):
        assert clock.slept == []
    send(pacer, "order")
    assert clock.now == pytest.approx(1005 + MARGIN_SECONDS)
    with pytest.raises(InputError, match="expected at least 3: what 3 requests of order weigh together"):
        pacer.request("order", times=3)


def test_what_nothing_limits_waits_for_nothing() -> None:
    pacer = Pacer(Pacing())
    for _ in range(1000):
        send(pacer, "anything")
    assert pacer.per_second("anything") == float("inf")
    assert make_pacer(Clock(), TWO_LIMITS).per_second("order") == 0.4


def test_a_request_that_could_not_pass_all_limits_holds_none() -> None:
    clock, store = Clock(), MemoryState()
    budgets = Budgets(store, "toy", clock=clock)
    pacer = make_pacer(clock, TWO_LIMITS, budgets)
    send(pacer, "order")
    clock.now += 100.0
    reached: list[str] = []

    class HalfAway(MemoryState):
        def change(self, name: str, work: Callable[[Any], Any]) -> Any:
            reached.append(name.rsplit(":", 1)[1])
            self.away = name.endswith(":weight")
            return super().change(name, work)

    half = HalfAway()
    pacer = make_pacer(clock, TWO_LIMITS, Budgets(half, "toy", clock=clock))
    with pytest.raises(Transient, match="the database is locked"), pacer.request("order"):
        raise AssertionError("sent")
    assert reached == ["orders", "weight"]
    share = pacer._gates["orders"].share
    assert share.outlook().used == 0


def test_slots_that_were_lost_while_another_limit_was_waited_for_are_taken_anew() -> None:
    clock, store = Clock(), MemoryState()
    pacer = make_pacer(clock, TWO_LIMITS, Budgets(store, "toy", clock=clock))
    pacer._gates["weight"].hold(0.5)
    passage = pacer.request("order")
    steps = passage.steps(_at_once)
    assert next(steps) == Wait(None, 0.5)  # one of `orders` is held
    clock.now += 60.0  # the machine stood still
    other = make_pacer(clock, TWO_LIMITS, Budgets(store, "toy", clock=clock))
    with other.request("order", times=2):  # both are others' now
        clock.now += 0.02
    for wait in steps:
        clock.now += wait.seconds or 0.0
    document = next(store.read(name) for name in store.documents if name.endswith(":orders"))
    assert clock.now >= 1000.0 + 60.0 + 5.0
    assert sum(each["slots"] for each in document["holders"].values() if each["until"] > clock.now) <= 2


def test_logins_are_apart_and_an_address_is_not() -> None:
    clock, store = Clock(), MemoryState()
    for per, pause in (("login", 0.0), ("address", 1.0)):
        pacing = Pacing.model_validate({"limits": {per: {"allowed": 1, "seconds": 1, "per": per}}, "weights": {"*": {per: 1}}})
        before = clock.now
        for login in ("one", "two"):
            budgets = Budgets(store, "toy", clock=clock)
            send(Pacer(pacing, budgets, login, clock=clock, sleep=clock.sleep))
            budgets.close()
        assert clock.now - before == pytest.approx(pause, abs=0.1)


def test_threads_stand_in_one_line() -> None:
    pacer, sent = Pacer(one_limit(20, 0.05)), []

    def work() -> None:
        for _ in range(20):
            with pacer.request():
                sent.append(threading.get_ident())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 80
