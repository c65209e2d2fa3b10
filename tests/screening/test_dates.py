from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.screening.dates import parse_date, write_date


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("18 Aug 2025", date(2025, 8, 18)),
        (" 1 March 2024 ", date(2024, 3, 1)),
        ("2025-08-18", date(2025, 8, 18)),
        ("31 Feb 2025", None),
        ("2025-13-01", None),
        ("18 Avg 2025", None),
        ("18/08/2025", None),
        ("", None),
    ],
)
def test_parse_date(text: str, day: date | None) -> None:
    assert parse_date(text) == day


@given(st.dates(min_value=date(1000, 1, 1)))
def test_what_is_written_can_be_read(day: date) -> None:
    assert parse_date(write_date(day)) == day
