import pandas as pd
import pytest

from include.allocation.screen_returns import annual_figures, correlations, quarterly_returns, short_screens
from include.errors import InputError
from tests.allocation.documents import history


def test_short_screens_are_named_with_the_rule() -> None:
    found = short_screens(["a", "b", "c"], {"a": history([1]), "b": history([1], "short")}, "x")
    assert found == {"b": "short screen: weight 0 in a long-only portfolio, by rule"}


def test_another_direction_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"historical_performance\.a\.direction': expected 'long' or 'short' \(found 'sideways'\)"
    ):
        short_screens(["a"], {"a": history([1], "sideways")}, "u.json")


def test_returns_become_one_column_per_screen_and_one_row_per_quarter() -> None:
    rows = {"a": history([1.5, -2]), "b": history([3], first_year=2019)}
    found = quarterly_returns(["b", "a", "none"], rows, "x")
    assert list(found.columns) == ["b", "a"]
    assert list(found.index) == ["2019 Q1", "2020 Q1", "2020 Q2"]
    assert found["a"].dropna().tolist() == pytest.approx([0.015, -0.02])
    assert found["b"].dropna().tolist() == pytest.approx([0.03])
    assert quarterly_returns(["none"], {}, "x").empty


def test_a_quarter_twice_and_a_return_that_is_none() -> None:
    twice = history([1, 2])
    twice["quarterly_data"][1]["quarter"] = "2020 Q1"
    with pytest.raises(InputError, match=r"quarterly_data\.1\.quarter': expected each quarter once \(found '2020 Q1'\)"):
        quarterly_returns(["a"], {"a": twice}, "x")
    broken = history([1, 2])
    broken["quarterly_data"][1]["return"] = "n/a"
    with pytest.raises(InputError, match=r"quarterly_data\.1\.return.*found 'n/a'"):
        quarterly_returns(["a"], {"a": broken}, "x")
    with pytest.raises(InputError, match=r"quarterly_data\.0\.quarter"):
        quarterly_returns(["a"], {"a": {"quarterly_data": [None]}}, "x")


def test_annual_figures_by_hand() -> None:
    # mean 0.02 a quarter: 8 % a year; sample deviation of 0.01, 0.02, 0.03 is 0.01: 2 % a year; (8 - 2) / 2 = 3.
    found = annual_figures(pd.Series([0.01, 0.02, 0.03]), 0.02)
    assert found == {
        "annual_return": pytest.approx(0.08),
        "annual_volatility": pytest.approx(0.02),
        "sharpe_ratio": pytest.approx(3.0),
    }


def test_figures_that_are_not_defined_are_none() -> None:
    assert annual_figures(pd.Series(dtype=float), 0.02) == {
        "annual_return": None,
        "annual_volatility": None,
        "sharpe_ratio": None,
    }
    one = annual_figures(pd.Series([0.01]), 0.02)
    assert (one["annual_return"], one["annual_volatility"], one["sharpe_ratio"]) == (pytest.approx(0.04), None, None)
    assert annual_figures(pd.Series([0.1] * 9), 0.02)["sharpe_ratio"] is None


def test_correlations_use_the_quarters_of_each_pair() -> None:
    nan = float("nan")
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [-1.0, -2, -3, nan], "c": [5.0] * 4, "d": [nan, nan, nan, 1]})
    found = correlations(frame)
    assert found["a"]["a"] == 1.0
    assert found["a"]["b"] == pytest.approx(-1.0)
    assert found["b"]["a"] == found["a"]["b"]
    assert found["a"]["c"] is None
    assert found["a"]["d"] is None
    assert found["c"]["c"] is None
