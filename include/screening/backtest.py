"""Parser of the screener's `*_backtest_results.csv`: its settings, key figures and the complete quarters."""

from datetime import date
from typing import Any

from include.errors import InputError
from include.screening.csv_records import decode, records
from include.screening.dates import parse_date
from include.screening.history import history_of
from include.screening.row_check import clean

_RETURN, _PERIOD_SD, _BETA = 2, 3, 4


def parse_backtest(content: bytes, source: str, name: str) -> dict[str, Any]:
    """The history (see `include/screening/history.py`) of the screen called `name`.

    The running quarter ("Current return") is not part of it. The footer with its address is left out.

    Raises:
        InputError: Not text, no `Trade`, no complete quarter, or one that cannot be read.
    """
    lines = _lines(content, source)
    head = next((i for i, (_, cells) in enumerate(lines) if not clean(cells[0])), len(lines))
    metadata = {clean(cells[0]): clean(cells[1]) for _, cells in lines[:head] if len(cells) > 1}
    statistics = {clean(c[0]): clean(c[_RETURN]) for _, c in lines[head:] if len(c) > _RETURN and clean(c[0]).endswith(" return")}
    quarters, numbers = _quarters(lines[head:])
    if not quarters:
        raise InputError("expected at least one complete quarter", source=source, field="Quarter return")
    return history_of(name, metadata, statistics, quarters, source, numbers)


def backtest_date(content: bytes, source: str) -> date:
    """The day the backtest was made.

    Raises:
        InputError: Not text, or no date such as `18 Aug 2025`.
    """
    for line, cells in _lines(content, source):
        if clean(cells[0]) == "Date":
            value = clean(cells[1]) if len(cells) > 1 else ""
            day = parse_date(value)
            if day is None:
                raise InputError("expected a date such as 18 Aug 2025", source=source, row=line, field="Date", value=value)
            return day
    raise InputError("expected a line with the date of the backtest", source=source, field="Date")


def _lines(content: bytes, source: str) -> list[tuple[int, list[str]]]:
    found = []
    for line, cells in records(decode(content, source)):
        if clean(cells[0]).lower() in ("url parameters", "url:"):
            break
        found.append((line, cells))
    return found


def _quarters(lines: list[tuple[int, list[str]]]) -> tuple[list[dict[str, str]], list[int]]:
    quarters: list[dict[str, str]] = []
    numbers: list[int] = []
    label, benchmark = "", -1
    for line, cells in lines:
        kind = clean(cells[1]).lower() if len(cells) > 1 else ""
        if clean(cells[0]) and kind == "stocks":
            # The benchmark is named last; its figure stands in the same column two lines below.
            label, benchmark = clean(cells[0]), max(i for i, cell in enumerate(cells) if clean(cell))
        elif kind == "quarter return" and label:
            quarters.append(_quarter(label, cells, benchmark))
            numbers.append(line)
    return quarters, numbers


def _quarter(label: str, cells: list[str], benchmark: int) -> dict[str, str]:
    def at(index: int) -> str:
        return clean(cells[index]) if index < len(cells) else ""

    return {
        "quarter": label,
        "return": at(_RETURN),
        "period_sd": at(_PERIOD_SD),
        "beta": at(_BETA),
        "benchmark_return": at(benchmark),
    }
