"""`polybroker handles check` on files in a temporary folder: no account, no database."""

from pathlib import Path

import pytest

from include.errors import InputError
from tests.cli.conftest import Polybroker
from tests.cli.test_map_lists import KITE


@pytest.fixture
def folder(project: Path, tmp_path: Path) -> Path:
    (tmp_path / "kite.csv").write_text(KITE)
    (tmp_path / "right.csv").write_text("ticker,name,market,native_id\nINFY.NS,Infosys,XNSE,408065\n")
    (tmp_path / "wrong.csv").write_text("# tokens\n408065,BAJFINANCE,BAJAJ FINANCE,NSE\n1,INFY,INFOSYS,NSE\n")
    (tmp_path / "nowhere.csv").write_text("ticker,market,native_id\nINFY,MARS,408065\n")
    return tmp_path


def check(polybroker: Polybroker, folder: Path, handles: str) -> tuple[int, str]:
    result = polybroker("handles", "check", "--list", f"zerodha={folder / 'kite.csv'}", "--handles", folder / handles)
    if isinstance(result.error, InputError):
        raise result.error
    return result.code, " ".join(result.text.split())


def test_a_list_that_is_right(polybroker: Polybroker, folder: Path) -> None:
    code, text = check(polybroker, folder, "right.csv")
    assert code == 0
    assert text.endswith("1 of 1 rows are what they say, 0 are refused")


def test_refused_rows_tell_what_their_ids_really_are(
    polybroker: Polybroker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, text = check(polybroker, folder, "wrong.csv")
    assert code == 1
    assert "408065 │ BAJFINANCE, BAJAJ FINANCE, NSE │ INFY, INFOSYS, NSE (stock) │ symbol_mismatch, name_mismatch" in text
    assert "not_listed" in text
    assert text.endswith("0 of 2 rows are what they say, 2 are refused")


@pytest.mark.parametrize(
    ("handles", "message"),
    [
        ("none.csv", "none.csv: expected a list of handles"),
        ("nowhere.csv", "nowhere.csv.*row 2, field 'market': expected a market of markets.yaml"),
    ],
)
def test_what_cannot_be_checked(polybroker: Polybroker, folder: Path, handles: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(polybroker, folder, handles)


def test_the_help_shows_how(polybroker: Polybroker) -> None:
    text = " ".join(polybroker("handles", "check", "--help").text.split())
    assert "polybroker handles check --list zerodha=instruments.csv --handles tokens.csv" in text
