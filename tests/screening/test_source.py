import json
from datetime import date
from pathlib import Path

import pytest

from include.errors import InputError
from include.screening.source import digest, find_screens, read_source
from tests.screening.exports import APPLE, backtest, export, row, screen
from tests.screening.test_old_universe import DOCUMENT

DAY = date(2025, 9, 18)


def error(location: Path | str, as_of: date = DAY) -> str:
    with pytest.raises(InputError) as caught:
        find_screens(str(location), as_of)
    return str(caught.value)


def test_an_undated_folder(tmp_path: Path) -> None:
    export(export(tmp_path, "b ones"), "a_ones")
    (tmp_path / "notes.txt").write_text("x")
    found = find_screens(str(tmp_path), DAY)
    assert [(s.key, s.name, s.kind, s.dated, s.synthetic) for s in found] == [
        ("a_ones", "a ones", "uncle_stock", date(2025, 9, 16), False),
        ("b_ones", "b ones", "uncle_stock", date(2025, 9, 16), False),
    ]
    assert found[0].screen_uri == str(tmp_path / "a_ones_current_screen.csv")
    assert found[0].backtest_uri == str(tmp_path / "a_ones_backtest_results.csv")


def test_without_calculation_dates_the_backtest_dates_the_export(tmp_path: Path) -> None:
    export(tmp_path, rows=[row(calculated="")])
    assert find_screens(str(tmp_path), date(2025, 8, 20))[0].dated == date(2025, 8, 18)


def test_a_backtest_newer_than_the_rows_dates_the_export(tmp_path: Path) -> None:
    export(tmp_path, day="17 Sep 2025")
    assert find_screens(str(tmp_path), DAY)[0].dated == date(2025, 9, 17)


def test_the_newest_dated_folder_that_was_known(tmp_path: Path) -> None:
    for day in ("2025-09-10", "2025-09-12", "2025-09-19"):
        export(tmp_path / day)
    (tmp_path / "2025-99-99").mkdir()
    (tmp_path / "2025-09-18").mkdir()
    found = find_screens(str(tmp_path), DAY)
    assert [(s.dated, s.screen_uri) for s in found] == [
        (date(2025, 9, 12), str(tmp_path / "2025-09-12" / "good_ones_current_screen.csv"))
    ]


def test_a_dated_folder_needs_no_backtest(tmp_path: Path) -> None:
    (tmp_path / "2025-09-18").mkdir()
    (tmp_path / "2025-09-18" / "x_current_screen.csv").write_bytes(screen(APPLE))
    found = find_screens(str(tmp_path), DAY)[0]
    assert found.backtest_uri is None
    assert read_source(found) == (screen(APPLE), None)


def test_an_old_universe(tmp_path: Path) -> None:
    file = tmp_path / "universe.json"
    file.write_text(json.dumps(DOCUMENT))
    found = find_screens(str(file), DAY)
    assert [(s.key, s.kind, s.dated, s.backtest_uri) for s in found] == [("good_ones", "universe_json", DAY, None)]
    assert read_source(found[0]) == (json.dumps(DOCUMENT).encode(), None)


def test_the_hash_covers_both_files_and_where_one_ends(tmp_path: Path) -> None:
    found = find_screens(str(export(tmp_path)), DAY)[0]
    assert read_source(found) == (screen(*_rows()), backtest())
    assert digest([b"ab", b"c"]) != digest([b"a", b"bc"])


def _rows() -> tuple[str, str]:
    from tests.screening.exports import TOYOTA

    return APPLE, TOYOTA


@pytest.mark.parametrize("name", ["good_ones_current_screen.csv", "good_ones_backtest_results.csv"])
def test_a_file_that_changed_since(tmp_path: Path, name: str) -> None:
    found = find_screens(str(export(tmp_path)), DAY)[0]
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b" ")
    with pytest.raises(InputError) as caught:
        read_source(found)
    assert str(caught.value) == (
        f"{tmp_path}/good_ones_current_screen.csv: expected the file as it was when the run was resolved; "
        "clear resolve_run to take the new one"
    )


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    found = find_screens(str(export(tmp_path)), DAY)[0]
    (tmp_path / "good_ones_current_screen.csv").unlink()
    with pytest.raises(InputError, match="expected a readable file: FileNotFoundError$"):
        read_source(found)


def test_nothing_there(tmp_path: Path) -> None:
    assert error(tmp_path / "none") == (
        f"screens: expected a folder of screen exports, an old universe.json, or the word synthetic (found '{tmp_path}/none')"
    )
    assert error(tmp_path) == f"{tmp_path}: expected files named <screen>_current_screen.csv"


def test_a_scheme_that_nobody_knows() -> None:
    with pytest.raises(InputError, match=r"^screens: expected a path, or a URI that fsspec can open: .* \(found 'foo://x'\)$"):
        find_screens("foo://x", date(2025, 9, 17))


def test_only_the_future(tmp_path: Path) -> None:
    export(tmp_path / "flat")
    expected = (
        "expected a screen of 2025-09-15 or earlier, the oldest is of 2025-09-16: choose a later as_of or add an older export"
    )
    assert error(tmp_path / "flat", date(2025, 9, 15)) == f"{tmp_path}/flat/good_ones_current_screen.csv: {expected}"
    for day in ("2025-09-16", "2025-09-17"):
        export(tmp_path / "dated" / day)
    assert error(tmp_path / "dated", date(2025, 9, 15)) == f"{tmp_path}/dated: {expected}"


def test_folders_that_contradict_themselves(tmp_path: Path) -> None:
    export(tmp_path / "both" / "2025-09-16")
    export(tmp_path / "both")
    assert error(tmp_path / "both") == (
        f"{tmp_path}/both: expected exports either in the folder or in its dated sub-folders, found both"
    )
    export(tmp_path / "lost")
    (tmp_path / "lost" / "other_backtest_results.csv").write_bytes(backtest())
    assert error(tmp_path / "lost") == (
        f"{tmp_path}/lost/other_backtest_results.csv: expected other_current_screen.csv beside it: a screen is never dropped"
    )
    export(export(tmp_path / "same", "a b"), "a_b")
    assert error(tmp_path / "same") == f"{tmp_path}/same: expected file names that differ in letters or digits (found 'a_b')"


def test_an_undated_screen_without_a_backtest(tmp_path: Path) -> None:
    (tmp_path / "x_current_screen.csv").write_bytes(screen(APPLE))
    assert error(tmp_path) == (
        f"{tmp_path}/x_current_screen.csv: expected x_backtest_results.csv beside it, which says of what day the export is; "
        "or a sub-folder named YYYY-MM-DD"
    )


def test_a_name_of_nothing(tmp_path: Path) -> None:
    export(tmp_path, "__")
    assert error(tmp_path).endswith("expected a screen name with letters or digits (found '__')")


def test_the_real_export_is_of_its_newest_row(shared_data: Path) -> None:
    found = find_screens(str(shared_data / "uncle_stock"), DAY)
    assert [(s.key, s.name, s.dated) for s in found] == [
        ("Moat_Companies", "Moat Companies", date(2025, 9, 16)),
        ("TOR_Surplus", "TOR Surplus", date(2025, 9, 16)),
        ("quality_bloom", "quality bloom", date(2025, 9, 16)),
    ]
