"""How long a person has, and what is shown first."""

from datetime import UTC, datetime

import pytest

import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
from include.hooks.approval import heaviest, minutes_to_answer
from include.settings import load_settings

EVENING = datetime(2026, 1, 6, 21, 30, tzinfo=UTC)  # Tuesday, half an hour after New York's close
TOKYO = {"mic": "XTKS", "valid_until": "2026-01-07T06:30:00Z"}  # opens at 00:00 UTC
XETRA = {"mic": "XETR", "valid_until": "2026-01-07T16:30:00Z"}  # opens at 08:00 UTC
NASDAQ = {"mic": "XNAS", "valid_until": "2026-01-07T21:00:00Z"}  # opens at 14:30 UTC


@pytest.mark.parametrize(
    ("orders", "at_most", "minutes"),
    [
        ([TOKYO, XETRA, NASDAQ], 2000, 150),
        ([XETRA, NASDAQ], 2000, 630),
        ([NASDAQ], 2000, 1020),
        ([{**NASDAQ, "mic": "US"}], 2000, 1020),  # a contract without a MIC is filed under its market
        ([NASDAQ], 600, 600),
        ([], 600, 600),
    ],
)
def test_until_the_first_market_opens(orders: list[dict[str, str]], at_most: int, minutes: int) -> None:
    assert minutes_to_answer(orders, load_settings().markets, EVENING, at_most) == minutes


def test_a_market_that_is_open_does_not_hurry_anybody() -> None:
    noon_in_tokyo = datetime(2026, 1, 7, 3, 0, tzinfo=UTC)
    assert minutes_to_answer([TOKYO, XETRA], load_settings().markets, noon_in_tokyo, 2000) == 300


def test_there_is_always_a_minute() -> None:
    assert minutes_to_answer([TOKYO], load_settings().markets, datetime(2026, 1, 6, 23, 59, 50, tzinfo=UTC), 600) == 1


def test_the_heaviest_missing_names_come_first() -> None:
    missing = [{"ticker": f"T{number:02}", "weight": number % 3} for number in range(20)]
    missing.append({"ticker": "A", "weight": None})
    assert [row["ticker"] for row in heaviest(missing)] == ["T02", "T05", "T08", "T11", "T14", "T17", "T01", "T04", "T07", "T10"]
