from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from include.errors import Transient
from include.storage.database import Database
from include.storage.leases import lease
from tests.fakes.orders import Clock

START = datetime(2026, 1, 6, 12, 0, tzinfo=UTC)


def test_one_holder_at_a_time(database: Database) -> None:
    clock = Clock(START)
    with lease(database, "orders:a", "one", 60, now=clock.now):
        with (
            pytest.raises(Transient, match=r"'orders:a' is held by one until 2026-01-06T12:01:00\+00:00"),
            lease(database, "orders:a", "one", 60, now=clock.now),
        ):
            pytest.fail("two hold it")
        with lease(database, "orders:b", "two", 60, now=clock.now):
            pass
    with lease(database, "orders:a", "two", 60, now=clock.now):
        pass


def test_given_back_after_an_error(database: Database) -> None:
    clock = Clock(START)
    with pytest.raises(KeyError), lease(database, "x", "one", 60, now=clock.now):
        raise KeyError
    with lease(database, "x", "two", 60, now=clock.now):
        pass


def test_a_dead_holder_is_followed_when_its_time_is_over(database: Database) -> None:
    clock = Clock(START)
    dead = lease(database, "x", "dead", 60, now=clock.now)  # never left: its process is gone
    dead.__enter__()
    with pytest.raises(Transient), lease(database, "x", "two", 60, wait_seconds=59, now=clock.now, wait=clock.wait):
        pytest.fail("too early")
    assert clock.time == START + timedelta(seconds=59)
    with lease(database, "x", "two", 60, wait_seconds=5, now=clock.now, wait=clock.wait):
        assert clock.time == START + timedelta(seconds=60)


def test_renewing_keeps_it_and_a_lost_one_says_so(database: Database) -> None:
    clock = Clock(START)
    with lease(database, "x", "one", 60, now=clock.now) as held:
        clock.wait(50)
        held.renew()
        clock.wait(50)
        with pytest.raises(Transient, match="held by one"), lease(database, "x", "two", 60, now=clock.now):
            pytest.fail("it was renewed")
        clock.wait(50)
        with (
            lease(database, "x", "two", 60, now=clock.now),
            pytest.raises(Transient, match="lease 'x' was lost to another process"),
        ):
            held.renew()


def test_the_one_who_lost_it_does_not_give_back_the_others(database: Database) -> None:
    clock = Clock(START)
    first = lease(database, "x", "one", 60, now=clock.now)
    first.__enter__()
    clock.wait(61)
    with lease(database, "x", "two", 60, now=clock.now) as held:
        first.__exit__(None, None, None)
        held.renew()


def test_of_many_at_once_one_gets_it(database: Database) -> None:
    clock = Clock(START)
    tries = [lease(database, "x", str(number), 60, now=clock.now) for number in range(6)]

    def take(number: int) -> bool:
        try:
            tries[number].__enter__()
        except Transient:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(take, range(6))) == [False] * 5 + [True]


def test_the_real_clock_is_the_default(database: Database) -> None:
    with lease(database, "x", "one", 60) as held:
        held.renew()
        with pytest.raises(Transient), lease(database, "x", "two", 60):
            pytest.fail("two hold it")
