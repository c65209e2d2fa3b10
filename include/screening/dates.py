"""Dates as exports write them, whatever the machine's language."""

import re
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_date(text: str) -> date | None:
    """`18 Aug 2025` or `2025-08-18` as a date; None for anything else."""
    value = text.strip()
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return date.fromisoformat(value)
        parts = re.fullmatch(r"(\d{1,2}) ([A-Za-z]{3})[a-z]* (\d{4})", value)
        if parts and parts[2].lower() in _MONTHS:
            return date(int(parts[3]), _MONTHS.index(parts[2].lower()) + 1, int(parts[1]))
    except ValueError:  # 31 Feb: the form is right, the day does not exist
        return None
    return None


def write_date(day: date) -> str:
    """`18 Aug 2025`, as the exports have it."""
    return f"{day.day} {_MONTHS[day.month - 1].capitalize()} {day.year}"
