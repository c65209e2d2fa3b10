"""A screen's history in the old system's shape, with its direction: what step 3 adds and step 4 computes with.

`{screen_name, direction: long|short, backtest_metadata{}, key_statistics{}, quarterly_summary{total_quarters,
avg_quarterly_return, quarterly_std}, quarterly_data[{quarter, return, period_sd, beta, benchmark_return}]}`. Returns are the
screen's as the backtest states them, in percent as text; `quarterly_std` is the mean of `period_sd`, as it was in the old file.
"""

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from include.errors import InputError

_PERCENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)%")
_MOST_RETURN = 1e6  # in percent; more is a fault of the file, and would overflow in the statistics
_QUARTER = re.compile(r"\d{4} Q[1-4]")


def history_of(
    name: str,
    metadata: Mapping[str, str],
    statistics: Mapping[str, str],
    quarters: Sequence[Mapping[str, str]],
    source: str,
    lines: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The history of one screen.

    Args:
        metadata: The backtest's settings; `Trade` decides the direction, `Long` or `Short`.
        quarters: Complete quarters, oldest first.
        lines: The line of each quarter in `source`, for messages; None: its position.

    Raises:
        InputError: `Trade` is neither, a quarter is not `2008 Q2`, not after the one before, or a return no percentage.
    """
    trade = metadata.get("Trade")
    if trade not in ("Long", "Short"):
        raise InputError("expected Long or Short", source=source, field="Trade", value=trade)
    last = ""
    for position, quarter in enumerate(quarters):
        line = lines[position] if lines else position + 1
        label = quarter["quarter"]
        if not _QUARTER.fullmatch(label) or label <= last:
            expected = "expected a quarter such as 2008 Q2" + (f" after {last}" if last else "")
            raise InputError(expected, source=source, row=line, field="quarter", value=label)
        if not _PERCENT.fullmatch(quarter["return"]) or abs(float(quarter["return"][:-1])) > _MOST_RETURN:
            expected = f"expected the return of {label} in percent such as 1.19%"
            raise InputError(expected, source=source, row=line, field="return", value=quarter["return"])
        last = label
    return {
        "screen_name": name,
        "direction": trade.lower(),
        "backtest_metadata": dict(metadata),
        "key_statistics": dict(statistics),
        "quarterly_summary": _summary(quarters),
        "quarterly_data": [dict(quarter) for quarter in quarters],
    }


def no_history(name: str) -> dict[str, Any]:
    """The history of a screen without a backtest: long, no quarters."""
    return {
        "screen_name": name,
        "direction": "long",
        "backtest_metadata": {},
        "key_statistics": {},
        "quarterly_summary": _summary(()),
        "quarterly_data": [],
    }


def _summary(quarters: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    deviations = [quarter["period_sd"] for quarter in quarters if _PERCENT.fullmatch(quarter["period_sd"])]
    return {
        "total_quarters": len(quarters),
        "avg_quarterly_return": _mean([quarter["return"] for quarter in quarters]),
        "quarterly_std": _mean(deviations),
    }


def _mean(percents: Sequence[str]) -> str | None:
    return f"{fmean(float(text[:-1]) for text in percents):.2f}%" if percents else None
