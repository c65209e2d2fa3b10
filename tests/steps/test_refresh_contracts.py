from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.account import Environment
from include.domain.run import Run
from include.errors import BrokerUnavailable
from include.steps.refresh_contracts import refresh_contracts
from include.storage.artifacts import exists, read_bytes, read_json, read_table, write_bytes
from include.storage.contract_lists import ContractLists, read_metadata
from include.storage.run_folder import RunFolder
from tests.mapping.build import contract, instrument
from tests.steps.mapping_run import AFTER_CLOSE, ListingBroker, make_run

APPLE, MICROSOFT = contract("1", "AAPL", "APPLE INC", broker="alpaca"), contract("2", "MSFT", "MICROSOFT CORP", broker="alpaca")
WANTED = [instrument("AAPL", "Apple Inc.")]


def test_a_whole_list_is_streamed_and_kept_by_date(tmp_path: Path) -> None:
    run, lists, broker = make_run(tmp_path), ContractLists(tmp_path.as_uri()), ListingBroker([APPLE, MICROSOFT])
    uri = refresh_contracts(run, "alpaca", broker, WANTED, lists)
    assert uri == f"{run.folder}/brokers/alpaca/contracts.parquet"
    assert read_table(uri)["symbol"].to_pylist() == ["AAPL", "MSFT"]
    assert read_metadata(uri) == {
        "question": "everything",
        "source": broker.source,
        "fetched_at": "2026-11-20T21:30:00+00:00",
        "knows_isin": "false",
    }
    assert read_bytes(lists.uri(broker.source, AFTER_CLOSE)) == read_bytes(uri)


def test_cleared_and_run_again_gives_the_same_bytes(tmp_path: Path) -> None:
    run, lists, broker = make_run(tmp_path), ContractLists(tmp_path.as_uri()), ListingBroker([APPLE])
    before = read_bytes(refresh_contracts(run, "alpaca", broker, WANTED, lists))
    broker.listed.append(MICROSOFT)
    assert read_bytes(refresh_contracts(run, "alpaca", broker, WANTED, lists)) == before
    assert broker.asked == 1


@pytest.mark.parametrize(("hours", "asked"), [(23, 1), (24, 1), (25, 2)])
def test_another_run_asks_again_when_the_list_is_too_old(tmp_path: Path, hours: int, asked: int) -> None:
    lists, broker = ContractLists(tmp_path.as_uri()), ListingBroker([APPLE])
    refresh_contracts(make_run(tmp_path, "first"), "alpaca", broker, WANTED, lists)
    later = make_run(tmp_path, "second", run_after=AFTER_CLOSE + timedelta(hours=hours))
    uri = refresh_contracts(later, "alpaca", broker, WANTED, lists)
    assert broker.asked == asked
    fetched = AFTER_CLOSE + timedelta(hours=hours if asked == 2 else 0)
    assert (read_metadata(uri) or {})["fetched_at"] == fetched.isoformat()


def test_a_backfill_uses_kept_lists_and_adds_none(tmp_path: Path) -> None:
    lists, broker = ContractLists(tmp_path.as_uri()), ListingBroker([APPLE])
    earlier = AFTER_CLOSE - timedelta(days=30)
    uri = refresh_contracts(make_run(tmp_path, "backfill", is_backfill=True, run_after=earlier), "alpaca", broker, WANTED, lists)
    assert exists(uri)
    assert not exists(lists.uri(broker.source, earlier))
    refresh_contracts(make_run(tmp_path, "daily"), "alpaca", broker, WANTED, lists)
    again = make_run(tmp_path, "again", is_backfill=True)
    assert read_bytes(refresh_contracts(again, "alpaca", broker, WANTED, lists)) == read_bytes(
        lists.uri(broker.source, AFTER_CLOSE)
    )
    assert broker.asked == 2


def test_a_kept_list_that_is_damaged_is_fetched_again(tmp_path: Path) -> None:
    lists, broker = ContractLists(tmp_path.as_uri()), ListingBroker([APPLE])
    write_bytes(lists.uri(broker.source, AFTER_CLOSE), b"half")
    uri = refresh_contracts(make_run(tmp_path), "alpaca", broker, WANTED, lists)
    assert read_table(uri).num_rows == 1


def test_a_list_of_another_source_is_not_taken_for_ours(tmp_path: Path) -> None:
    lists, sandbox, paper = ContractLists(tmp_path.as_uri()), ListingBroker([APPLE]), ListingBroker([MICROSOFT])
    paper.account = paper.account.model_copy(update={"environment": Environment.PAPER})
    refresh_contracts(make_run(tmp_path, "first"), "alpaca", sandbox, WANTED, lists)
    uri = refresh_contracts(make_run(tmp_path, "second"), "alpaca", paper, WANTED, lists)
    assert read_table(uri)["symbol"].to_pylist() == ["MSFT"]


@pytest.mark.parametrize("lists_all", [True, False])
def test_a_cleared_task_at_another_source_asks_that_one(tmp_path: Path, lists_all: bool) -> None:
    run, lists = make_run(tmp_path), ContractLists(tmp_path.as_uri())
    sandbox, paper = (ListingBroker([one], lists_all=lists_all) for one in (APPLE, APPLE.model_copy(update={"native_id": "9"})))
    paper.account = paper.account.model_copy(update={"environment": Environment.PAPER})
    refresh_contracts(run, "alpaca", sandbox, WANTED, lists)
    assert read_table(refresh_contracts(run, "alpaca", paper, WANTED, lists))["native_id"].to_pylist() == ["9"]


def test_an_empty_list_is_garbage(tmp_path: Path) -> None:
    run, lists = make_run(tmp_path), ContractLists(tmp_path.as_uri())
    with pytest.raises(BrokerUnavailable, match="garbage"):
        refresh_contracts(run, "alpaca", ListingBroker([]), WANTED, lists)
    assert not exists(f"{run.folder}/brokers/alpaca/contracts.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_broker_that_must_be_asked_answers_for_the_wanted(tmp_path: Path) -> None:
    run, lists = make_run(tmp_path), ContractLists(tmp_path.as_uri())
    broker = ListingBroker([APPLE, MICROSOFT], name="ibkr", lists_all=False, knows_isin=True)
    uri = refresh_contracts(run, "ibkr", broker, WANTED, lists)
    assert read_table(uri)["symbol"].to_pylist() == ["AAPL"]
    assert (read_metadata(uri) or {})["knows_isin"] == "true"
    refresh_contracts(run, "ibkr", broker, WANTED, lists)
    assert broker.asked == 1
    refresh_contracts(run, "ibkr", broker, [*WANTED, instrument("MSFT", "Microsoft Corp")], lists)
    assert broker.asked == 2
    assert read_table(uri)["symbol"].to_pylist() == ["AAPL", "MSFT"]


def test_knowing_none_of_them_is_an_answer(tmp_path: Path) -> None:
    broker = ListingBroker([], name="ibkr", lists_all=False, knows_isin=True)
    uri = refresh_contracts(make_run(tmp_path), "ibkr", broker, WANTED, ContractLists(tmp_path.as_uri()))
    assert read_table(uri).num_rows == 0


def changes_of(run: Run, broker: str = "alpaca") -> dict[str, Any]:
    told: dict[str, Any] = read_json(RunFolder(run.folder).list_changes(broker))
    return told


def test_a_fresh_list_is_compared_with_the_one_before_it(tmp_path: Path) -> None:
    lists, broker = ContractLists(tmp_path.as_uri()), ListingBroker([APPLE, MICROSOFT])
    first = make_run(tmp_path, "first")
    refresh_contracts(first, "alpaca", broker, WANTED, lists)
    assert (changes_of(first)["note"], changes_of(first)["rows"]) == ("the first list of this source", 2)
    assert "added" not in changes_of(first)
    broker.listed = [APPLE.model_copy(update={"tradable": False}), contract("3", "NEW", "NEW INC", broker="alpaca")]
    second = make_run(tmp_path, "second", run_after=AFTER_CLOSE + timedelta(hours=25))
    refresh_contracts(second, "alpaca", broker, WANTED, lists)
    told = changes_of(second)
    assert (told["broker"], told["source"], told["compared_with"]) == ("alpaca", broker.source, AFTER_CLOSE.isoformat())
    assert (told["rows_before"], told["rows"]) == (2, 2)
    assert [told[kind]["count"] for kind in ("added", "removed", "changed")] == [1, 1, 1]
    assert told["changed"]["first"][0]["changes"] == {"tradable": [True, False]}
    beside = read_json(lists.changes(broker.source, AFTER_CLOSE + timedelta(hours=25)))
    assert told == {"broker": "alpaca", "source": broker.source, **beside}


def test_a_run_that_takes_a_kept_list_says_what_that_list_changed_and_so_does_a_cleared_one(tmp_path: Path) -> None:
    lists, broker = ContractLists(tmp_path.as_uri()), ListingBroker([APPLE])
    refresh_contracts(make_run(tmp_path, "first"), "alpaca", broker, WANTED, lists)
    broker.listed.append(MICROSOFT)
    second = make_run(tmp_path, "second", run_after=AFTER_CLOSE + timedelta(hours=25))
    third = make_run(tmp_path, "third", run_after=AFTER_CLOSE + timedelta(hours=26))
    for run in (second, third):
        refresh_contracts(run, "alpaca", broker, WANTED, lists)
    assert changes_of(third) == changes_of(second)
    before = read_bytes(RunFolder(third.folder).list_changes("alpaca"))
    (tmp_path / "runs" / "2026-11-20" / "third" / "brokers" / "alpaca" / "contracts.parquet").unlink()
    refresh_contracts(third, "alpaca", broker, WANTED, lists)
    assert read_bytes(RunFolder(third.folder).list_changes("alpaca")) == before


def test_a_list_that_replaces_a_damaged_one_is_compared_anew(tmp_path: Path) -> None:
    lists, broker = ContractLists(tmp_path.as_uri()), ListingBroker([APPLE])
    refresh_contracts(make_run(tmp_path, "first"), "alpaca", broker, WANTED, lists)
    later = AFTER_CLOSE + timedelta(hours=25)
    write_bytes(lists.uri(broker.source, later), b"half")
    write_bytes(lists.changes(broker.source, later), b'{"note": "of the damaged one"}')
    second = make_run(tmp_path, "second", run_after=later)
    refresh_contracts(second, "alpaca", broker, WANTED, lists)
    assert changes_of(second)["rows"] == 1


def test_a_backfill_that_must_fetch_compares_nothing(tmp_path: Path) -> None:
    run, lists = make_run(tmp_path, is_backfill=True), ContractLists(tmp_path.as_uri())
    refresh_contracts(run, "alpaca", ListingBroker([APPLE]), WANTED, lists)
    assert (changes_of(run)["note"], changes_of(run)["rows"]) == ("a backfill keeps no list", 1)


def test_answers_are_compared_with_those_of_the_run_before(tmp_path: Path) -> None:
    lists = ContractLists(tmp_path.as_uri())
    broker = ListingBroker([APPLE, MICROSOFT], name="ibkr", lists_all=False, knows_isin=True)
    first = make_run(tmp_path, "first")
    refresh_contracts(first, "ibkr", broker, WANTED, lists)
    assert changes_of(first, "ibkr")["note"] == "asked per instrument: no list to compare"
    broker.listed = [APPLE.model_copy(update={"lot_size": Decimal(100)}), MICROSOFT]
    second = make_run(tmp_path, "second", previous=first.folder)
    refresh_contracts(second, "ibkr", broker, [*WANTED, instrument("MSFT", "Microsoft Corp")], lists)
    told = changes_of(second, "ibkr")
    assert (told["added"], told["removed"], told["changed"]["by_column"]) == (None, None, {"lot_size": 1})
    broker.account = broker.account.model_copy(update={"environment": Environment.PAPER})
    elsewhere = make_run(tmp_path, "third", previous=second.folder)
    refresh_contracts(elsewhere, "ibkr", broker, WANTED, lists)
    assert changes_of(elsewhere, "ibkr")["note"] == "asked per instrument: no list to compare"
