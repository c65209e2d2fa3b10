import json
from pathlib import Path

import pytest

from include.errors import InputError
from include.steps.fetch_screens import fetch_screens, load_screens
from include.storage.artifacts import read_json
from tests.screening.exports import APPLE, export, row, screen
from tests.screening.test_old_universe import DOCUMENT
from tests.steps.screening_runs import resolved, tree


def test_a_screen_is_kept_with_its_history(tmp_path: Path) -> None:
    run = resolved(tmp_path, export(tmp_path / "screens", rows=[APPLE, row(ticker="NVDA", price="NaN")], trade="Short"))
    uri = fetch_screens(run, "good_ones")
    assert uri == f"{run.folder}/screens/good_ones.json"
    found = read_json(uri)
    assert {name: found[name] for name in ("key", "name", "kind", "dated", "synthetic", "file")} == {
        "key": "good_ones",
        "name": "good ones",
        "kind": "uncle_stock",
        "dated": "2025-09-16",
        "synthetic": False,
        "file": "good_ones_current_screen.csv",
    }
    assert found["rows"] == [
        {
            "ticker": "AAPL",
            "isin": "US0378331005",
            "name": "Apple Inc",
            "currency": "USD",
            "market": "US",
            "asset_class": "stock",
            "sector": "Technology",
            "country": "United States",
            "price": 230.5,
            "price_180d_change": "9.09%",
            "pair": None,
            "line": 5,
        }
    ]
    assert found["rejected"] == [
        {
            "file": "good_ones_current_screen.csv",
            "line": 6,
            "ticker": "NVDA",
            "field": "price",
            "value": "NaN",
            "reason": "expected a price above 0 in the listing's currency",
        }
    ]
    assert found["history"]["direction"] == "short"


def test_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    run = resolved(tmp_path, export(tmp_path / "screens"))
    fetch_screens(run, "good_ones")
    before = tree(tmp_path / "data")
    fetch_screens(run, "good_ones")
    assert tree(tmp_path / "data") == before


def test_a_screen_without_backtest(tmp_path: Path) -> None:
    (tmp_path / "s" / "2025-09-17").mkdir(parents=True)
    (tmp_path / "s" / "2025-09-17" / "x_current_screen.csv").write_bytes(screen(APPLE))
    history = read_json(fetch_screens(resolved(tmp_path, tmp_path / "s"), "x"))["history"]
    assert (history["direction"], history["quarterly_data"]) == ("long", [])


def test_an_old_universe(tmp_path: Path) -> None:
    file = tmp_path / "universe.json"
    file.write_text(json.dumps(DOCUMENT))
    found = read_json(fetch_screens(resolved(tmp_path, file), "good_ones"))
    assert (found["kind"], found["dated"], found["file"]) == ("universe_json", "2025-09-18", "universe.json")
    assert ([r["ticker"] for r in found["rows"]], found["history"]["direction"]) == (["AAPL"], "short")
    assert "quantity" not in found["rows"][0]


def test_no_such_screen(tmp_path: Path) -> None:
    run = resolved(tmp_path, export(tmp_path / "screens"))
    with pytest.raises(InputError, match=r"^run.json: expected a screen out of good_ones \(found 'other'\)$"):
        fetch_screens(run, "other")


def test_files_that_changed_fail_and_leave_the_earlier_result(tmp_path: Path) -> None:
    folder = export(tmp_path / "screens")
    run = resolved(tmp_path, folder)
    fetch_screens(run, "good_ones")
    before = tree(tmp_path / "data")
    export(folder, rows=[APPLE])
    with pytest.raises(InputError, match="expected the file as it was when the run was resolved"):
        fetch_screens(run, "good_ones")
    assert tree(tmp_path / "data") == before


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "expected at least one row, the screen is empty"),
        ([row(currency="XXX")], "expected at least one usable row, all 1 are rejected; the first: unknown currency: "
         "expected an ISO 4217 code that markets.yaml has (found 'XXX')"),
    ],
)  # fmt: skip
def test_a_screen_that_cannot_be_used_fails(tmp_path: Path, rows: list[str], message: str) -> None:
    export(tmp_path / "screens", "fine", day="16 Sep 2025")
    export(tmp_path / "screens", "bad", rows=rows, day="16 Sep 2025")
    run = resolved(tmp_path, tmp_path / "screens")
    with pytest.raises(InputError) as error:
        fetch_screens(run, "bad")
    assert str(error.value).endswith(message)
    assert str(error.value).startswith(f"{tmp_path}/screens/bad_current_screen.csv")


def test_a_screen_is_never_dropped(tmp_path: Path) -> None:
    run = resolved(tmp_path, export(export(tmp_path / "screens", "one"), "two"))
    fetch_screens(run, "one")
    with pytest.raises(InputError, match="screens/two.json: expected a readable file: FileNotFoundError$"):
        load_screens(run)
