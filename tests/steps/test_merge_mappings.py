from pathlib import Path

import pytest

from include.domain.run import Run
from include.errors import InputError
from include.settings import load_settings
from include.steps.merge_mappings import merge_mappings
from include.storage.artifacts import exists, read_bytes, read_json, write_json
from include.storage.run_folder import RunFolder
from tests.mapping.documents import hit, miss, stock, universe
from tests.steps.mapping_run import make_run

SETTINGS = load_settings()


def deliver(run: Run, broker: str, mappings: list[object]) -> dict[str, object]:
    uri = write_json(RunFolder(run.folder).mapping(broker), {"broker": broker, "mappings": mappings})
    return {"broker": broker, "uri": uri, "matched": 1, "total": 2}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = make_run(tmp_path)
    write_json(RunFolder(run.folder).universe, universe(stock("AAPL"), stock("NOPE")))
    return run


def test_all_delivered(run: Run) -> None:
    results = [deliver(run, broker, [hit("AAPL", broker), miss("NOPE", broker), hit("LEFT", broker)]) for broker in run.brokers]
    uri = merge_mappings(run, results, SETTINGS, {})
    document = read_json(uri)
    assert uri == f"{run.folder}/universe_mapped.json"
    assert document["metadata"]["created_at"] == "2026-11-20T21:30:00+00:00"
    assert document["metadata"]["brokers_included"] == ["alpaca", "ibkr", "paper"]
    assert document["metadata"]["brokers_unavailable"] == []
    assert list(document["all_stocks"]) == ["AAPL", "NOPE"]
    assert document["all_stocks"]["AAPL"]["broker_mappings"]["paper"]["conId"] == 265598  # it mirrors IBKR
    assert document["all_stocks"]["AAPL"]["execution_preference"] == ["alpaca", "ibkr", "paper"]
    old = read_json(RunFolder(run.folder).universe_with_ibkr)
    assert old["all_stocks"]["AAPL"]["ibkr_details"]["conId"] == 265598
    before = read_bytes(uri)
    merge_mappings(run, list(reversed(results)), SETTINGS, {})
    assert read_bytes(uri) == before


def test_who_did_not_deliver_is_unavailable_even_over_an_older_answer(run: Run) -> None:
    deliver(run, "ibkr", [hit("AAPL"), miss("NOPE")])
    uri = merge_mappings(run, [deliver(run, "alpaca", [hit("AAPL", "alpaca"), miss("NOPE", "alpaca")]), None], SETTINGS, {})
    document = read_json(uri)
    assert document["metadata"]["brokers_unavailable"] == ["ibkr", "paper"]
    assert document["all_stocks"]["AAPL"]["broker_mappings"]["ibkr"] == {
        "found": False,
        "status": "unavailable",
        "reason": "unavailable",
    }
    now_said = read_json(RunFolder(run.folder).mapping("ibkr"))["mappings"]
    assert [(row["ticker"], row["status"]) for row in now_said] == [("AAPL", "unavailable"), ("NOPE", "unavailable")]


def test_legacy_can_be_switched_off(tmp_path: Path) -> None:
    run = make_run(tmp_path, options={"write_legacy": False}, brokers=("ibkr",))
    write_json(RunFolder(run.folder).universe, universe(stock("AAPL")))
    merge_mappings(run, [deliver(run, "ibkr", [hit("AAPL")])], SETTINGS, {})
    assert not exists(RunFolder(run.folder).universe_with_ibkr)


def test_a_stranger_is_refused(run: Run) -> None:
    with pytest.raises(InputError, match=r"expected brokers out of alpaca, ibkr, paper \(found 'oanda'\)"):
        merge_mappings(run, [deliver(run, "oanda", [])], SETTINGS, {})
    assert not exists(RunFolder(run.folder).universe_mapped)


def test_without_a_universe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"universe.json"):
        merge_mappings(make_run(tmp_path), [], SETTINGS, {})
