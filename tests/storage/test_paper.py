import pytest

from include.storage.database import Database
from include.storage.paper import DatabaseAccountStore


def test_versions_count_up_and_rows_replace_each_other(database: Database) -> None:
    store = DatabaseAccountStore(database)
    assert (store.load("p"), store.version("p")) == (None, 0)
    assert store.save("p", {("cash", "EUR"): "100.00", ("order", "1"): {"quantity": "3"}}, 0, {"seed": 4})
    assert store.save("p", {("cash", "EUR"): "90.00", ("order", "1"): None, ("order", "2"): {"quantity": "5"}}, 1)
    rows = {("cash", "EUR"): "90.00", ("order", "1"): None, ("order", "2"): {"quantity": "5"}}
    assert store.load("p") == (2, {"seed": 4}, rows)
    assert store.version("p") == 2
    assert (store.load("q"), store.version("q")) == (None, 0)


def test_only_what_came_after_a_version_is_told(database: Database) -> None:
    store = DatabaseAccountStore(database)
    store.save("p", {("cash", "EUR"): "1", ("cash", "USD"): "2"}, 0, {})
    store.save("p", {("cash", "USD"): "3"}, 1, {"base": "EUR"})
    store.save("q", {("cash", "USD"): "7"}, 0, {})
    assert store.load("p", after=1) == (2, {"base": "EUR"}, {("cash", "USD"): "3"})
    assert store.load("p", after=2) == (2, {"base": "EUR"}, {})


@pytest.mark.parametrize("expected_version", [0, 1, 3])
def test_who_comes_late_writes_nothing(database: Database, expected_version: int) -> None:
    store = DatabaseAccountStore(database)
    store.save("p", {("n", "n"): 1}, 0)
    store.save("p", {("n", "n"): 2}, 1)
    assert not store.save("p", {("n", "n"): 3}, expected_version, {"new": True})
    assert store.load("p") == (2, {}, {("n", "n"): 2})
