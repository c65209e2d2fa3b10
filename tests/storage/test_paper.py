import pytest

from include.errors import Transient
from include.storage.database import Database
from include.storage.paper import DatabaseAccountStore


def test_versions_count_up(database: Database) -> None:
    store = DatabaseAccountStore(database)
    assert store.load("p") is None
    assert store.save("p", {"cash": {"EUR": "100.00"}}, 0) == 1
    assert store.save("p", {"cash": {"EUR": "90.00"}}, 1) == 2
    assert store.load("p") == (2, {"cash": {"EUR": "90.00"}})
    assert store.load("q") is None


@pytest.mark.parametrize("expected_version", [0, 1, 3])
def test_who_comes_late_writes_nothing(database: Database, expected_version: int) -> None:
    store = DatabaseAccountStore(database)
    store.save("p", {"n": 1}, 0)
    store.save("p", {"n": 2}, 1)
    with pytest.raises(Transient, match=f"paper account p: version {expected_version} was overtaken"):
        store.save("p", {"n": 3}, expected_version)
    assert store.load("p") == (2, {"n": 2})
