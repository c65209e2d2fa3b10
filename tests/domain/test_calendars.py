from datetime import date

import pytest

from include.domain.calendars import calendar
from include.errors import InputError


def test_three_years_of_sessions() -> None:
    found = calendar("XNYS", 2025)
    assert (found.first_session.date(), found.last_session.date()) == (date(2024, 1, 2), date(2026, 12, 31))
    assert calendar("XNYS", 2025) is found  # built once


def test_a_market_whose_holidays_are_announced_year_by_year_ends_with_those_that_are_known() -> None:
    newest = type(calendar("XBOM", 2020)).bound_max()
    assert calendar("XBOM", newest.year).last_session <= newest


def test_what_is_no_calendar_and_a_time_that_nobody_knows() -> None:
    with pytest.raises(InputError, match=r"^field 'reference_calendar': expected a calendar .*\(found 'MOON'\)$"):
        calendar("MOON", 2025, "reference_calendar")
    with pytest.raises(ValueError, match="XBOM"):
        calendar("XBOM", 1900)
