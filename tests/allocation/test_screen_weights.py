import json
import random
from pathlib import Path
from typing import Any

import pytest

from include.allocation.screen_weights import optimize
from include.errors import InputError
from tests.allocation.documents import history

CALM = [2.0, 3, 2, 3, 2, 3, 2, 3, 2, 3]
WILD = [9.0, -6, 12, -4, 8, -7, 11, -3, 9, -5]


def weights(method: str, **entries: Any) -> dict[str, float]:
    return optimize(list(entries), entries, method, 0.02, "u.json")["optimal_allocations"]


@pytest.fixture(scope="module")
def real(shared_data: Path) -> dict[str, Any]:
    document = json.loads((shared_data / "uncle_stock" / "universe.json").read_text(encoding="utf-8"))
    entries = document["metadata"]["historical_performance"]
    for entry in entries.values():
        entry["direction"] = entry["backtest_metadata"]["Trade"].lower()
    return entries


def test_the_real_backtests_give_the_known_answer(real: dict[str, Any]) -> None:
    found = optimize(list(real), real, "max_sharpe", 0.02, "u.json")
    assert found["optimal_allocations"] == {
        "quality_bloom": pytest.approx(0.7787, abs=0.001),
        "TOR_Surplus": 0.0,
        "Moat_Companies": pytest.approx(0.2213, abs=0.001),
    }
    assert found["portfolio_performance"] == {
        "expected_annual_return": pytest.approx(0.14737, abs=1e-4),
        "annual_volatility": pytest.approx(0.17829, abs=1e-4),
        "sharpe_ratio": pytest.approx(0.7144, abs=1e-4),
    }
    assert list(found["excluded"]) == ["TOR_Surplus"]
    assert found["individual_screener_stats"]["TOR_Surplus"]["annual_return"] == pytest.approx(-0.13668, abs=1e-5)
    assert found["correlation_matrix"]["quality_bloom"]["Moat_Companies"] == pytest.approx(0.84265, abs=1e-5)
    assert found["correlation_matrix"]["quality_bloom"]["TOR_Surplus"] == pytest.approx(-0.84621, abs=1e-5)
    details = found["optimization_details"]
    assert (details["quarters"], details["first_quarter"], details["last_quarter"]) == (68, "2008 Q2", "2025 Q1")


@pytest.mark.parametrize("method", ["max_sharpe", "risk_parity", "min_variance", "equal"])
def test_every_method_gives_the_short_screen_nothing_and_spends_all(real: dict[str, Any], method: str) -> None:
    found = optimize(list(real), real, method, 0.02, "u.json")
    assert found["method"] == method
    assert found["optimal_allocations"]["TOR_Surplus"] == 0.0
    assert sum(found["optimal_allocations"].values()) == pytest.approx(1, abs=1e-12)
    assert all(weight >= 0 for weight in found["optimal_allocations"].values())
    json.dumps(found, allow_nan=False)


def test_max_sharpe_beats_every_other_mix_on_a_grid(real: dict[str, Any]) -> None:
    from include.allocation.screen_returns import annual_figures, quarterly_returns

    best = optimize(list(real), real, "max_sharpe", 0.02, "x")["portfolio_performance"]["sharpe_ratio"]
    returns = quarterly_returns(["quality_bloom", "Moat_Companies"], real, "x")
    for step in range(101):
        mix = returns["quality_bloom"] * step / 100 + returns["Moat_Companies"] * (1 - step / 100)
        ratio = annual_figures(mix, 0.02)["sharpe_ratio"]
        assert ratio is not None
        assert ratio <= best + 1e-9


def test_two_uncorrelated_screens_by_hand() -> None:
    # Orthogonal patterns: the covariance is 0, deviations are 1 : 3. Minimum variance weights are 1/variance (9 : 1),
    # risk parity 1/deviation (3 : 1).
    calm = [2.0 + sign for sign in (1, 1, -1, -1, 1, 1, -1, -1)]
    wild = [2.0 + 3 * sign for sign in (1, -1, 1, -1, 1, -1, 1, -1)]
    entries = {"calm": history(calm), "wild": history(wild)}
    assert weights("min_variance", **entries) == {"calm": pytest.approx(0.9, abs=1e-3), "wild": pytest.approx(0.1, abs=1e-3)}
    assert weights("risk_parity", **entries) == {"calm": pytest.approx(0.75, abs=1e-3), "wild": pytest.approx(0.25, abs=1e-3)}
    # Equal excess returns: the best ratio is where variance is least.
    assert weights("max_sharpe", **entries) == {"calm": pytest.approx(0.9, abs=1e-3), "wild": pytest.approx(0.1, abs=1e-3)}
    assert weights("equal", **entries) == {"calm": 0.5, "wild": 0.5}


def test_weights_do_not_depend_on_the_order_of_the_screens(real: dict[str, Any]) -> None:
    keys = list(real)
    first = optimize(keys, real, "max_sharpe", 0.02, "x")["optimal_allocations"]
    random.Random(1).shuffle(keys)
    assert optimize(keys[::-1], real, "max_sharpe", 0.02, "x")["optimal_allocations"] == first
    assert list(optimize(keys, real, "max_sharpe", 0.02, "x")["optimal_allocations"]) == keys


def test_three_equal_weights_sum_to_one_exactly() -> None:
    found = weights("equal", a=history([1]), b=history([2]), c={})
    assert found == {"a": 0.333334, "b": 0.333333, "c": 0.333333}


def test_where_nothing_beats_the_risk_free_rate_variance_decides() -> None:
    entries = {"a": history([value - 20 for value in CALM]), "b": history([value - 20 for value in WILD])}
    found = optimize(["a", "b"], entries, "max_sharpe", 0.02, "u.json")
    assert found["optimal_allocations"] == weights("min_variance", **entries)
    assert found["method"] == "max_sharpe"
    assert "min_variance instead" in found["optimization_details"]["message"]
    assert found["portfolio_performance"]["sharpe_ratio"] < 0


def test_one_long_screen_takes_all_without_history() -> None:
    found = optimize(["a", "b"], {"b": history(CALM, "short")}, "max_sharpe", 0.02, "u.json")
    assert found["optimal_allocations"] == {"a": 1.0, "b": 0.0}
    assert found["portfolio_performance"] == {"expected_annual_return": None, "annual_volatility": None, "sharpe_ratio": None}
    assert list(found["individual_screener_stats"]) == ["b"]


@pytest.mark.parametrize("method", ["max_sharpe", "risk_parity", "min_variance", "equal"])
def test_only_short_screens_leave_everything_in_cash(method: str) -> None:
    found = optimize(["a", "b"], {"a": history(CALM, "short"), "b": history(WILD, "short")}, method, 0.02, "u.json")
    assert found["optimal_allocations"] == {"a": 0.0, "b": 0.0}
    assert sorted(found["excluded"]) == ["a", "b"]
    assert found["portfolio_performance"]["sharpe_ratio"] is None
    assert found["optimization_details"]["message"] == "No long screen: everything stays cash"


@pytest.mark.parametrize("method", ["max_sharpe", "risk_parity", "min_variance"])
def test_too_few_common_quarters_are_refused(method: str) -> None:
    entries = {"a": history(CALM), "b": history(WILD, first_year=2021)}  # 6 quarters in common
    with pytest.raises(InputError) as caught:
        weights(method, **entries)
    assert str(caught.value) == (
        "u.json, field 'metadata.historical_performance': expected at least 8 quarters that the backtests of all long screens "
        f"share, for method {method} (a has 10, b has 10): export longer backtests, or choose the method equal (found 6)"
    )
    with pytest.raises(InputError, match=r"\(a has 10, b has 0\): .* \(found 0\)$"):
        weights(method, a=history(CALM), b={})


def test_a_screen_that_never_moves_is_refused_by_name() -> None:
    with pytest.raises(
        InputError,
        match=r"historical_performance\.b': expected quarterly returns that vary in the backtest of b, or the method equal$",
    ):
        weights("min_variance", a=history(WILD), b=history([1.0] * 10))


@pytest.mark.parametrize("method", ["max_sharpe", "risk_parity", "min_variance"])
def test_returns_the_library_cannot_solve_are_an_input_error(method: str) -> None:
    hardly = history(CALM)
    for row, change in zip(hardly["quarterly_data"], [1, -1] * 5, strict=True):
        row["return"] = f"{1 + change * 1e-8:.9f}%"
    with pytest.raises(InputError, match=rf"historical_performance': expected returns for which {method} has a solution"):
        weights(method, a=hardly, b=history(WILD))


@pytest.mark.parametrize("method", ["max_sharpe", "risk_parity", "min_variance"])
def test_screens_that_move_as_one_share_and_the_repair_is_said(method: str) -> None:
    entries = {"a": history(WILD), "b": history(WILD)}
    found = optimize(["a", "b"], entries, method, 0.02, "u.json")
    assert found["optimal_allocations"] == {"a": pytest.approx(0.5, abs=1e-3), "b": pytest.approx(0.5, abs=1e-3)}
    assert "nearest positive definite covariance" in found["optimization_details"]["message"]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match=r"options, field 'method': expected one of max_sharpe, .* \(found 'luck'\)"):
        weights("luck", a=history(CALM))
