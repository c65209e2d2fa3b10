import multiprocessing

import pytest

from include.storage.database import Database, open_database
from include.storage.shared_states import DatabaseSharedState


@pytest.fixture
def states(database: Database) -> DatabaseSharedState:
    return DatabaseSharedState(database)


def test_a_document_is_made_and_changed(states: DatabaseSharedState) -> None:
    assert states.read("a") is None
    assert states.change("a", lambda body: ({"n": 1}, body)) is None
    assert states.change("a", lambda body: ({"n": body["n"] + 1}, body["n"])) == 1
    assert states.read("a") == {"n": 2}
    assert states.read("b") is None


def test_a_change_that_fails_changes_nothing(states: DatabaseSharedState) -> None:
    states.change("a", lambda body: ({"n": 1}, None))
    with pytest.raises(ZeroDivisionError):
        states.change("a", lambda body: ({"n": 1 // 0}, None))
    assert states.read("a") == {"n": 1}


def test_documents_by_how_their_names_begin(states: DatabaseSharedState) -> None:
    for name in ("x:b", "x:a", "xy", "x%c"):
        states.change(name, lambda body: (1, None))
    states.change("x:empty", lambda body: (None, None))
    assert states.all("x:") == {"x:a": 1, "x:b": 1}
    assert states.all("x%") == {"x%c": 1}


def _count_up(url: str, times: int) -> None:
    with open_database(url) as database:
        for _ in range(times):
            DatabaseSharedState(database).change("counter", lambda body: ((body or 0) + 1, None))


def test_processes_change_it_one_after_the_other(states: DatabaseSharedState, url: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count_up, args=(url, 20)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert states.read("counter") == 60
