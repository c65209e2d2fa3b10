"""How much of the portfolio each screen gets: max_sharpe, risk_parity, min_variance or equal, long only, with skfolio."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from include.allocation.screen_returns import (
    QUARTERS_PER_YEAR,
    annual_figures,
    correlations,
    quarterly_returns,
    short_screens,
)
from include.errors import InputError

MIN_QUARTERS = 8
DECIMALS = 6  # well inside the solver's tolerance, so that every machine writes the same bytes

_OBJECTIVES = {
    "max_sharpe": "Maximize Sharpe Ratio",
    "min_variance": "Minimize variance",
    "risk_parity": "Equal risk contributions (variance)",
    "equal": "Equal weights",
}


def optimize(keys: list[str], history: dict[str, Any], method: str, risk_free_rate: float, source: object) -> dict[str, Any]:
    """The `metadata.portfolio_optimization` of a universe document.

    Args:
        keys: Every screen of the universe.
        history: `metadata.historical_performance`.
        method: `max_sharpe`, `risk_parity`, `min_variance` or `equal`.
        risk_free_rate: Annual fraction (0.02).
        source: What to name in errors.

    Returns:
        `method`, `optimal_allocations` (sums to 1; all 0 when every screen is short), `portfolio_performance`,
        `individual_screener_stats`, `correlation_matrix`, `excluded` (key to reason) and `optimization_details`.

    Raises:
        InputError: Unknown method, malformed history, or two or more long screens without 8 common quarters that vary.
    """
    if method not in _OBJECTIVES:
        raise InputError(f"expected one of {', '.join(_OBJECTIVES)}", source="options", field="method", value=method)
    excluded = short_screens(keys, history, source)
    entering = sorted(key for key in keys if key not in excluded)
    returns = quarterly_returns(keys, history, source)
    common = _common(returns, entering)
    weights, details = _weights(entering, returns, common, method, risk_free_rate, source)
    return {
        "method": method,
        "optimal_allocations": {key: weights.get(key, 0.0) for key in keys},
        "portfolio_performance": _performance(common, weights, risk_free_rate),
        "individual_screener_stats": {
            key: annual_figures((common if key in common else returns)[key].dropna(), risk_free_rate) for key in returns.columns
        },
        "correlation_matrix": correlations(returns),
        "excluded": excluded,
        "optimization_details": {
            "success": True,
            **details,
            "constraints": "Long-only (weights >= 0), weights sum to 1; short screens 0",
            "risk_free_rate": risk_free_rate,
            "quarters": len(common),
            "first_quarter": str(common.index[0]) if len(common) else None,
            "last_quarter": str(common.index[-1]) if len(common) else None,
        },
    }


def _common(returns: pd.DataFrame, entering: list[str]) -> pd.DataFrame:
    """Returns of the screens that enter, over the quarters all of them have; empty if one has none."""
    if not entering or any(key not in returns for key in entering):
        return pd.DataFrame(dtype=float)
    return returns[entering].dropna()


def _weights(
    entering: list[str], returns: pd.DataFrame, common: pd.DataFrame, method: str, risk_free_rate: float, source: object
) -> tuple[dict[str, float], dict[str, str]]:
    objective = {"objective": _OBJECTIVES[method]}
    if not entering:
        return {}, {**objective, "message": "No long screen: everything stays cash", "method": "rule"}
    if len(entering) == 1:
        return {entering[0]: 1.0}, {**objective, "message": "One long screen takes all", "method": "rule"}
    if method == "equal":
        solution = np.full(len(entering), 1 / len(entering))
        return _rounded(entering, solution), {**objective, "message": "Equal weights", "method": "rule"}
    if len(common) < MIN_QUARTERS:
        raise _too_few(entering, returns, common, method, source)
    message = "Optimization terminated successfully"
    solved = method
    if method == "max_sharpe" and float(common.mean().max()) * QUARTERS_PER_YEAR <= risk_free_rate:
        # Every excess return is negative: the largest ratio would then belong to the riskiest mix, and skfolio refuses.
        solved = "min_variance"
        message = "No screen earned more than the risk-free rate, so no Sharpe ratio can be maximised: min_variance instead"
    solution, noted = _solve(common, solved, risk_free_rate, source)
    text = "; ".join([message, *noted])
    return _rounded(entering, solution), {**objective, "message": text, "method": f"skfolio {solved} (CLARABEL)"}


def _too_few(keys: list[str], returns: pd.DataFrame, common: pd.DataFrame, method: str, source: object) -> InputError:
    """Names the backtests that are too short: the user knows screens, not the document they were put into."""
    counts = ", ".join(f"{key} has {returns[key].count() if key in returns else 0}" for key in keys)
    expected = (
        f"expected at least {MIN_QUARTERS} quarters that the backtests of all long screens share, for method {method} "
        f"({counts}): export longer backtests, or choose the method equal"
    )
    return InputError(expected, source=source, field="metadata.historical_performance", value=len(common))


def _solve(common: pd.DataFrame, method: str, risk_free_rate: float, source: object) -> tuple[np.ndarray, list[str]]:
    from skfolio import RiskMeasure
    from skfolio.exceptions import SkfolioError
    from skfolio.optimization import MeanRisk, ObjectiveFunction, RiskBudgeting

    if method == "max_sharpe":
        model = MeanRisk(
            objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
            risk_measure=RiskMeasure.STANDARD_DEVIATION,
            risk_free_rate=risk_free_rate / QUARTERS_PER_YEAR,
        )
    elif method == "min_variance":
        model = MeanRisk(objective_function=ObjectiveFunction.MINIMIZE_RISK, risk_measure=RiskMeasure.VARIANCE)
    else:
        model = RiskBudgeting(risk_measure=RiskMeasure.VARIANCE)
    constant = [str(key) for key in common.columns if float(common[key].std(ddof=1)) <= 1e-12]
    if constant:
        field = f"metadata.historical_performance.{constant[0]}"
        expected = f"expected quarterly returns that vary in the backtest of {constant[0]}, or the method equal"
        raise InputError(expected, source=source, field=field)
    try:
        with warnings.catch_warnings(
            record=True
        ) as noted:  # screens that move as one: skfolio repairs the covariance and says so
            warnings.simplefilter("always")
            model.fit(common)
    except (SkfolioError, ValueError, ArithmeticError, RuntimeError) as error:
        expected = f"expected returns for which {method} has a solution: {error}"
        raise InputError(expected, source=source, field="metadata.historical_performance") from error
    return np.asarray(model.weights_, dtype=float), sorted({str(warning.message) for warning in noted})


def _rounded(keys: list[str], solution: np.ndarray) -> dict[str, float]:
    """Weights rounded to `DECIMALS`, non-negative, summing to 1: the heaviest (first of equals) takes the rounding's rest."""
    units = np.rint(np.clip(solution, 0, None) / np.clip(solution, 0, None).sum() * 10**DECIMALS).astype(int)
    units[int(np.argmax(units))] += 10**DECIMALS - int(units.sum())
    return {key: float(round(unit / 10**DECIMALS, DECIMALS)) for key, unit in zip(keys, units.tolist(), strict=True)}


def _performance(common: pd.DataFrame, weights: dict[str, float], risk_free_rate: float) -> dict[str, float | None]:
    """Figures of the weighted mix over the common quarters; all None where there is no history or no weight."""
    mix = pd.Series(dtype=float)
    if weights and len(common):
        mix = sum((common[key] * weight for key, weight in weights.items()), pd.Series(0.0, index=common.index))
    figures = annual_figures(mix, risk_free_rate)
    return {
        "expected_annual_return": figures["annual_return"],
        "annual_volatility": figures["annual_volatility"],
        "sharpe_ratio": figures["sharpe_ratio"],
    }
