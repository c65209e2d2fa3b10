import pytest

from benchmarks.paper import DATABASE, JOURNAL, MEMORY, commits_per_second, measure


@pytest.mark.parametrize("how", [MEMORY, DATABASE, JOURNAL])
def test_every_way_of_keeping_the_account_fills_every_order(how: str) -> None:
    assert measure(how, 1, orders=20, resting=5) > 0


def test_two_processes_share_one_database() -> None:
    assert measure(DATABASE, 2, orders=5) > 0


def test_a_bare_database_commits() -> None:
    assert commits_per_second(0.01) > 0
