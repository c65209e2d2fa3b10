from pathlib import Path

import pytest

from include.errors import BrokerUnavailable, InputError
from include.steps.fetch_accounts import fetch_accounts, read_snapshot
from include.storage.artifacts import write_bytes, write_json
from include.storage.run_folder import RunFolder
from tests.allocation.documents import RUN_AFTER, run, snapshot
from tests.allocation.fakes import MemoryBroker, MemorySnapshots


def test_a_snapshot_is_stamped_written_and_kept(tmp_path: Path) -> None:
    one, store, broker = run(tmp_path), MemorySnapshots(), MemoryBroker(snapshot(session="x"))
    uri = fetch_accounts(one, "one", broker, store)
    assert uri == RunFolder(one.folder).account("one")
    assert read_snapshot(uri) == snapshot()
    assert broker.asked == [("2026-03-04", RUN_AFTER)]
    assert store.rows == {("one", "2026-03-04", "test"): snapshot()}


def test_a_second_try_reads_nothing_anew(tmp_path: Path) -> None:
    one, store = run(tmp_path), MemorySnapshots()
    fetch_accounts(one, "one", MemoryBroker(snapshot(equity="1")), store)
    later = MemoryBroker(snapshot(equity="2"))
    assert read_snapshot(fetch_accounts(one, "one", later, store)).equity == 1
    assert later.asked == []


def test_what_was_kept_before_a_crash_is_what_is_written(tmp_path: Path) -> None:
    one, store = run(tmp_path), MemorySnapshots()
    store.save(snapshot(equity="1"), one.run_id)
    assert read_snapshot(fetch_accounts(one, "one", MemoryBroker(snapshot(equity="2")), store)).equity == 1


def test_a_stand_in_is_replaced(tmp_path: Path) -> None:
    one = run(tmp_path)
    write_json(RunFolder(one.folder).account("one"), snapshot(equity="1", frozen=True))
    found = read_snapshot(fetch_accounts(one, "one", MemoryBroker(snapshot(equity="2")), MemorySnapshots()))
    assert (found.equity, found.frozen) == (2, False)


def test_an_account_that_cannot_be_read_raises_and_writes_nothing(tmp_path: Path) -> None:
    store = MemorySnapshots()
    with pytest.raises(BrokerUnavailable, match="no answer"):
        fetch_accounts(run(tmp_path), "one", MemoryBroker(error=BrokerUnavailable("no answer")), store)
    assert list(tmp_path.iterdir()) == []
    assert store.rows == {}


def test_an_answer_for_another_account_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable, match="memory answered for account other, not one"):
        fetch_accounts(run(tmp_path), "one", MemoryBroker(snapshot("other")), MemorySnapshots())


def test_an_account_the_run_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json, field 'portfolios': expected an account of this run \(found 'two'\)"):
        fetch_accounts(run(tmp_path), "two", MemoryBroker(snapshot()), MemorySnapshots())


def test_a_file_that_is_no_snapshot_is_named(tmp_path: Path) -> None:
    one = run(tmp_path)
    write_bytes(RunFolder(one.folder).account("one"), b'{"account_id": "one"}')
    with pytest.raises(InputError, match=r"accounts/one\.json, field 'broker': Field required"):
        fetch_accounts(one, "one", MemoryBroker(snapshot()), MemorySnapshots())
