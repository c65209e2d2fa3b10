import json
from pathlib import Path

import pytest

from include.domain.run import Run
from include.errors import InputError
from include.steps.build_universe import build_universe
from include.steps.fetch_screens import fetch_screens
from include.storage.artifacts import read_json, write_json
from include.storage.latest import set_latest
from include.storage.run_folder import RunFolder
from tests.screening.exports import APPLE, TOYOTA, export, row
from tests.steps.screening_runs import resolved, tree


def built(run: Run) -> dict[str, object]:
    for source in run.screens:
        fetch_screens(run, source.key)
    document: dict[str, object] = read_json(build_universe(run))
    return document


def gate(run: Run) -> list[str]:
    reasons: list[str] = read_json(RunFolder(run.folder).input_gate)["reasons"]
    return reasons


def test_the_universe(tmp_path: Path) -> None:
    export(export(tmp_path / "s", "a"), "b", rows=[TOYOTA])
    run = resolved(tmp_path, tmp_path / "s")
    document = built(run)
    assert list(document) == ["metadata", "screens", "all_stocks", "rejected"]
    assert {key: screen["count"] for key, screen in document["screens"].items()} == {"a": 2, "b": 1}  # type: ignore[attr-defined]
    assert document["all_stocks"]["7203.T"]["screens"] == ["a", "b"]  # type: ignore[index]
    assert document["metadata"]["created_at"] == "2025-09-18T20:30:00+00:00"  # type: ignore[index]
    assert gate(run) == []
    before = tree(tmp_path / "data")
    build_universe(run)
    assert tree(tmp_path / "data") == before


def test_too_many_rejected_rows_want_an_approval(tmp_path: Path) -> None:
    run = resolved(tmp_path, export(tmp_path / "s", rows=[APPLE, row(ticker="X", price="0")]))
    built(run)
    assert gate(run) == ["1 of 2 rows are rejected (50.0%, allowed 5%)"]
    relaxed = resolved(tmp_path, tmp_path / "s", run_id="r2", max_rejected_pct=50)
    built(relaxed)
    assert gate(relaxed) == []


@pytest.mark.parametrize("got_as_far_as", ["universe", "stage"])
def test_membership_against_the_run_before(tmp_path: Path, got_as_far_as: str) -> None:
    first = resolved(tmp_path, export(tmp_path / "s"), run_id="first", as_of="2025-09-17")
    document = built(first)
    if got_as_far_as == "universe":
        write_json(RunFolder(first.folder).universe, document)
        Path(tmp_path, "data/runs/2025-09-17/first/stages/build_universe.json").unlink()
    set_latest((tmp_path / "data").as_uri(), first.folder)
    export(tmp_path / "s", rows=[APPLE, row(ticker="NVDA", isin="null")])
    second = resolved(tmp_path, tmp_path / "s", run_id="second")
    built(second)
    assert gate(second) == ["membership changed by 50.0% against the last run (allowed 20%): 1 joined, 1 left, 2 before"]


def test_a_run_before_that_got_nowhere(tmp_path: Path) -> None:
    first = resolved(tmp_path, export(tmp_path / "s"), run_id="first", as_of="2025-09-17")
    set_latest((tmp_path / "data").as_uri(), first.folder)
    second = resolved(tmp_path, tmp_path / "s", run_id="second")
    built(second)
    assert second.previous == first.folder
    assert gate(second) == []


@pytest.mark.parametrize("let_through", [False, True])
def test_a_change_is_asked_about_until_a_person_has_let_it_through(tmp_path: Path, let_through: bool) -> None:
    data = (tmp_path / "data").as_uri()
    first = resolved(tmp_path, export(tmp_path / "s"), run_id="first", as_of="2025-09-16")
    built(first)
    set_latest(data, first.folder)
    export(tmp_path / "s", rows=[APPLE, row(ticker="NVDA", isin="null")])
    second = resolved(tmp_path, tmp_path / "s", run_id="second", as_of="2025-09-17")
    built(second)
    if let_through:
        write_json(RunFolder(second.folder).execution_report, {})
    set_latest(data, second.folder)
    third = resolved(tmp_path, tmp_path / "s", run_id="third")
    built(third)
    asked = ["membership changed by 50.0% against the last run (allowed 20%): 1 joined, 1 left, 2 before"]
    assert gate(second) == asked
    assert gate(third) == ([] if let_through else asked)


def test_a_run_that_got_nowhere_is_passed_over(tmp_path: Path) -> None:
    data = (tmp_path / "data").as_uri()
    first = resolved(tmp_path, export(tmp_path / "s"), run_id="first", as_of="2025-09-16")
    built(first)
    set_latest(data, first.folder)
    set_latest(data, resolved(tmp_path, tmp_path / "s", run_id="failed", as_of="2025-09-17").folder)
    export(tmp_path / "s", rows=[APPLE, row(ticker="NVDA", isin="null")])
    third = resolved(tmp_path, tmp_path / "s", run_id="third")
    built(third)
    assert len(gate(third)) == 1


def test_an_old_export_that_is_allowed_is_no_reason_but_its_age_is_printed(tmp_path: Path) -> None:
    export(tmp_path / "s", rows=[row(calculated="1 Sep 2025")], day="1 Sep 2025")
    run = resolved(tmp_path, tmp_path / "s", max_screen_age_days=500)
    document = built(run)
    assert gate(run) == []
    assert document["metadata"]["screen_ages_days"] == {"good_ones": 17}  # type: ignore[index]


def test_an_export_that_is_too_old_is_asked_about(tmp_path: Path) -> None:
    export(tmp_path / "s", rows=[row(calculated="1 Sep 2025")], day="1 Sep 2025")
    run = resolved(tmp_path, tmp_path / "s", max_screen_age_days=16)
    built(run)
    assert gate(run) == ["the export of good_ones is 17 days old (allowed 16)"]


def test_a_missing_screen_fails_and_leaves_the_earlier_universe(tmp_path: Path) -> None:
    run = resolved(tmp_path, export(tmp_path / "s"))
    built(run)
    (tmp_path / "data/runs/2025-09-18/r1/screens/good_ones.json").write_text('{"key": 1}')
    before = tree(tmp_path / "data")
    with pytest.raises(InputError, match=r"screens/good_ones.json, field 'key': Input should be a valid string \(found 1\)$"):
        build_universe(run)
    assert tree(tmp_path / "data") == before


@pytest.mark.parametrize("location", ["uncle_stock", "uncle_stock/universe.json"])
def test_the_real_input(tmp_path: Path, shared_data: Path, location: str) -> None:
    run = resolved(tmp_path, shared_data / location)
    document = built(run)
    old = json.loads((shared_data / "uncle_stock" / "universe.json").read_bytes())
    metadata = document["metadata"]
    assert (metadata["total_stocks"], metadata["unique_stocks"], document["rejected"]) == (501, 438, [])  # type: ignore[index]
    stocks = document["all_stocks"]
    assert set(stocks) == set(old["all_stocks"])  # type: ignore[call-overload]
    for ticker, before in old["all_stocks"].items():
        now = stocks[ticker]  # type: ignore[index]
        assert now["price"] == before["price"]
        assert now["price_180d_change"] == before["price_180d_change"]
        assert sorted(now["screens"]) == sorted(before["screens"])
        assert now["instrument_id"] == (f"ticker:{ticker}" if before["isin"] == "null" else f"isin:{before['isin']}")
        assert not {"rank", "final_target", "quantity", "eur_price"} & set(now)
    assert gate(run) == []
    whole = b"".join(tree(tmp_path / "data").values())
    assert b"unclestock.com" not in whole
    assert b"API usage" not in whole
