"""What the backtests say about the screens: quarterly returns, annualised figures, and which screens may hold weight."""

from typing import Any

import pandas as pd

from include.allocation.document import percent
from include.errors import InputError

QUARTERS_PER_YEAR = 4
SHORT = "short screen: weight 0 in a long-only portfolio, by rule"


def short_screens(keys: list[str], history: dict[str, Any], source: object) -> dict[str, str]:
    """Key to reason of the screens that are short; a screen without history counts as long.

    Raises:
        InputError: A direction that is neither `long` nor `short`.
    """
    excluded = {}
    for key in keys:
        entry = history.get(key) or {}
        direction = entry.get("direction", "long")
        if direction not in ("long", "short"):
            field = f"metadata.historical_performance.{key}.direction"
            raise InputError("expected 'long' or 'short'", source=source, field=field, value=direction)
        if direction == "short":
            excluded[key] = SHORT
    return excluded


def quarterly_returns(keys: list[str], history: dict[str, Any], source: object) -> pd.DataFrame:
    """Quarterly returns as fractions: one column per screen that has any, one row per quarter, NaN where it has none.

    Rows are sorted by quarter (`"2008 Q2"`), columns in the order of `keys`. No history at all: an empty frame.

    Raises:
        InputError: A return that is no percentage, or a quarter that stands twice.
    """
    columns = {}
    for key in keys:
        rows = (history.get(key) or {}).get("quarterly_data") or []
        series: dict[str, float] = {}
        for number, row in enumerate(rows):
            field = f"metadata.historical_performance.{key}.quarterly_data.{number}"
            quarter = row.get("quarter") if isinstance(row, dict) else None
            if not isinstance(quarter, str) or quarter in series:
                raise InputError("expected each quarter once", source=source, field=f"{field}.quarter", value=quarter)
            series[quarter] = percent(row.get("return"), source, f"{field}.return")
        if series:
            columns[key] = series
    return pd.DataFrame(columns).sort_index()


def annual_figures(returns: pd.Series, risk_free_rate: float) -> dict[str, float | None]:
    """Annual return (mean x 4), volatility (sample deviation x 2) and Sharpe ratio of quarterly returns.

    Args:
        returns: Quarterly fractions without NaN.
        risk_free_rate: Annual fraction.

    Returns:
        `annual_return`, `annual_volatility`, `sharpe_ratio`; None where it is not defined (fewer than two quarters, or
        returns that do not vary).
    """
    mean = float(returns.mean()) * QUARTERS_PER_YEAR if len(returns) else None
    deviation = float(returns.std(ddof=1)) * QUARTERS_PER_YEAR**0.5 if len(returns) > 1 else None
    # A constant series leaves rounding noise of 1e-18 in the deviation; no Sharpe ratio is better than one of 1e16.
    sharpe = (mean - risk_free_rate) / deviation if mean is not None and deviation is not None and deviation > 1e-12 else None
    return {"annual_return": mean, "annual_volatility": deviation, "sharpe_ratio": sharpe}


def correlations(returns: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Correlation of every pair over the quarters both have; None where it is not defined (under two, or constant)."""
    matrix: dict[str, dict[str, float | None]] = {}
    for one in returns.columns:
        matrix[one] = {}
        for other in returns.columns:
            pair = returns[[one, other]].dropna() if one != other else returns[[one]].dropna()
            if len(pair) < 2 or bool((pair.std(ddof=1) <= 1e-12).any()):
                matrix[one][other] = None
            else:
                matrix[one][other] = 1.0 if one == other else float(pair[one].corr(pair[other]))
    return matrix
