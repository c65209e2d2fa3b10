"""`polybroker identities`: from CSV files to a table, what it says, and what is wrong with it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from include.cli.app import app
from include.errors import InputError
from include.storage.artifacts import read_table
from tests.cli.conftest import Result
from tests.identity.build import APPLE, MICROSOFT, TOYOTA

HEADER = "isin,ticker,currency,name"


def identities(*words: object) -> Result:
    found = CliRunner().invoke(app, ["identities", *(str(word) for word in words)])
    return Result(found.exit_code, found.output, found.exception)


def csv(folder: Path, name: str, *lines: str) -> Path:
    file = folder / name
    file.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    return file


def made(folder: Path, *sources: str, day: str = "2026-01-05") -> tuple[Path, Result]:
    out = folder / "identities.parquet"
    words = [word for source in sources for word in ("--from", source)]
    return out, identities("build", "--out", out, *words, "--date", day, "--asset-class", "stock")


def test_a_table_is_built_added_to_and_searched(tmp_path: Path) -> None:
    first = csv(tmp_path, "a.csv", f"{APPLE},AAPL,USD,Apple Inc", "US0378331006,BAD,USD,Bad Inc")
    second = csv(tmp_path, "b.csv", f"{TOYOTA},7203.T,JPY,Toyota Motor Corp")
    out, result = made(tmp_path, f"exchange={first}", f"mine={second}")
    assert result.error is None, result
    assert result.text.splitlines() == [
        f"refused: {first}, line 3, isin 'US0378331006': expected a number with a right check digit",
        "exchange: 1 rows taken, 1 refused",
        "mine: 1 rows taken, 0 refused",
        f"{out}: 2 statements, 2 of them new; 1 rows refused",
    ]
    before = out.read_bytes()
    _, again = made(tmp_path, f"exchange={first}")
    assert again.text.splitlines()[-1] == f"{out}: 2 statements, 0 of them new; 1 rows refused"
    assert out.read_bytes() == before
    _, later = made(tmp_path, f"exchange={first}", day="2026-02-05")
    assert later.text.splitlines()[-1] == f"{out}: 3 statements, 1 of them new; 1 rows refused"
    assert sorted(read_table(out.as_uri())["isin"].to_pylist()) == [TOYOTA, APPLE, APPLE]
    shown = identities("find", "AAPL", "--table", out)
    assert shown.text == f"AAPL on US in USD: {APPLE} stock 'Apple Inc', exchange 2026-01-05 to 2026-02-05\n"
    assert "Toyota" in identities("find", "7203", "--market", "XTKS", "--table", out).text
    assert "Toyota" in identities("find", "7203.T", "--table", out).text
    assert identities("find", "NVDA", "--table", out).text == "NVDA on US: the table says nothing\n"


def test_contradictions_are_named(tmp_path: Path) -> None:
    one = csv(tmp_path, "a.csv", f"{APPLE},AAPL,USD,Apple Inc", f"{TOYOTA},7203.T,JPY,Toyota")
    two = csv(tmp_path, "b.csv", f"{MICROSOFT},AAPL,USD,Microsoft Corp")
    out, _ = made(tmp_path, f"exchange={one}", f"mine={two}")
    result = identities("check", out)
    assert result.error is None, result
    assert result.text.splitlines()[-3:] == [
        f"AAPL on US in USD: {APPLE} 'Apple Inc' (exchange, 2026-01-05): two_isins_claim_this_symbol",
        f"AAPL on US in USD: {MICROSOFT} 'Microsoft Corp' (mine, 2026-01-05): two_isins_claim_this_symbol",
        "3 listings: 1 usable, 2 contradicted, 0 superseded",
    ]
    assert "exchange" in result.text.splitlines()[3]
    assert identities("find", "AAPL", "--table", out).text.count(": two_isins_claim_this_symbol\n") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("build", "--out", "x.parquet", "--from", "a.csv"), "expected NAME=FILE.csv"),
        (("build", "--out", "x.parquet", "--from", "a=/nowhere/a.csv"), "expected a readable file"),
        (("build", "--out", "x.parquet", "--from", "a=b", "--date", "2999-01-01"), "expected a day that has come"),
        (("build", "--out", "x.parquet", "--from", "a=b", "--date", "soon"), "expected a date such as 2026-01-31"),
        (("check", "/nowhere/x.parquet"), "expected a readable file"),
        (("find", "AAPL"), "expected --table, or the option identity.table"),
        (("find", "AAPL", "--table", "x", "--market", "MOON"), "expected one of US, XTKS"),
        (
            ("find", "7203.XX", "--table", "x"),
            "ticker: no market has the suffix .XX: expected .T, .HK",
        ),
    ],
)
def test_bad_input_is_one_clear_error(words: tuple[str, ...], message: str) -> None:
    result = identities(*words)
    assert isinstance(result.error, InputError), result
    assert message in str(result.error)


def test_a_file_without_one_usable_row_leaves_no_table(tmp_path: Path) -> None:
    out, result = made(tmp_path, f"a={csv(tmp_path, 'a.csv', 'null,AAPL,USD,Apple Inc')}")
    assert "expected at least one usable row" in str(result.error)
    assert not out.exists()


@pytest.mark.parametrize("command", ["build", "check", "find"])
def test_every_command_shows_an_example(command: str) -> None:
    assert "Example: polybroker identities" in " ".join(identities(command, "--help").text.split())
