import pytest

from include.brokers.budgets import Budgets
from include.brokers.share import Share, Taken
from include.brokers.slots import Limit
from include.errors import Transient
from tests.fakes.shared_state import MemoryState


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
    return isinstance(share.take(), Taken)


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


def test_a_client_id_is_not_lost_for_an_hour_where_the_clock_is_set_back_an_hour(store: MemoryState, clock: Time) -> None:
    dead, second = (Budgets(store, "ibkr-paper", clock=clock) for _ in range(2))
    dead.client_id("gateway:4002", [1])
    clock.now -= 3600

    def pause(seconds: float) -> None:
        clock.now += 3 * seconds

    assert second.client_id("gateway:4002", [1], sleep=pause) == 1
    second.close()
    dead.close()
