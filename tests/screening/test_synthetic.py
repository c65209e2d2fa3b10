from datetime import date
from pathlib import Path
from statistics import correlation, fmean

import pytest

from include.screening.backtest import parse_backtest
from include.screening.rows import RejectedRow, ScreenRow
from include.screening.source import find_screens
from include.screening.synthetic import (
    synthetic_change,
    synthetic_export,
    synthetic_listings,
    synthetic_price,
    write_synthetic_screens,
)
from include.screening.uncle_stock import parse_screen
from tests.screening.exports import MARKETS

SEED, DAY = 20260101, date(2026, 11, 20)
KEYS = ("momentum_mid_caps", "quality_large_caps", "weak_balance_sheets")
EXPORT = synthetic_export(SEED, DAY, MARKETS)


def parsed(key: str, export: dict[str, bytes] = EXPORT) -> tuple[list[ScreenRow], list[RejectedRow]]:
    return parse_screen(export[f"{key}_current_screen.csv"], key, MARKETS)


@pytest.mark.parametrize(
    ("key", "count", "direction", "field"),
    [
        ("quality_large_caps", 120, "long", "price"),
        ("momentum_mid_caps", 100, "long", "currency"),
        ("weak_balance_sheets", 60, "short", "isin"),
    ],
)
def test_a_screen(key: str, count: int, direction: str, field: str) -> None:
    rows, rejected = parsed(key)
    assert len(rows) == count
    assert [row.field for row in rejected] == [field]
    history = parse_backtest(EXPORT[f"{key}_backtest_results.csv"], key, key)
    assert history["direction"] == direction
    assert (history["quarterly_data"][0]["quarter"], history["quarterly_data"][-1]["quarter"]) == ("2008 Q2", "2026 Q3")


def test_rejected_rows_are_under_five_percent_and_are_nobody_elses() -> None:
    members = [{row.ticker for row in parsed(key)[0]} for key in KEYS]
    rejected = [row.ticker for key in KEYS for row in parsed(key)[1]]
    assert len(rejected) / (280 + len(rejected)) < 0.05
    assert not set(rejected) & set().union(*members)


def test_screens_overlap_a_little() -> None:
    members = [{row.ticker for row in parsed(key)[0]} for key in KEYS]
    shared = 280 - len(set().union(*members))
    assert 5 <= shared <= 60


def test_markets() -> None:
    markets = {row.market for key in KEYS for row in parsed(key)[0]}
    assert {"US", "XTKS", "XLON", "XETR", "XFRA", "XPAR", "XSWX", "XSTO", "XAMS"} <= markets


def test_the_catalogue_agrees_with_the_screens() -> None:
    listed = {row["ticker"]: row for row in synthetic_listings(SEED, MARKETS)}
    for key in KEYS:
        for row in parsed(key)[0]:
            found = listed[row.ticker]
            assert (row.isin, row.name, row.currency, row.market, row.price, row.asset_class.value) == (
                found["isin"],
                found["name"],
                found["currency"],
                found["market"],
                found["price"],
                found["asset_class"],
            )


def test_another_day_has_the_same_members_prices_and_past() -> None:
    later = synthetic_export(SEED, date(2027, 1, 4), MARKETS)
    for key in KEYS:
        assert parsed(key, later)[0] == parsed(key)[0]
        old = parse_backtest(EXPORT[f"{key}_backtest_results.csv"], key, key)["quarterly_data"]
        new = parse_backtest(later[f"{key}_backtest_results.csv"], key, key)["quarterly_data"]
        assert new[: len(old)] == old
        assert [quarter["quarter"] for quarter in new[len(old) :]] == ["2026 Q4"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    assert synthetic_export(SEED, DAY, MARKETS) == EXPORT
    other = synthetic_export(SEED + 1, DAY, MARKETS)
    assert all(other[name] != EXPORT[name] for name in EXPORT)


@pytest.mark.parametrize(("currency", "low", "high"), [("JPY", 500, 9000), ("GBP", 0.8, 60), ("USD", 5, 600), ("SEK", 30, 1500)])
def test_prices_lie_in_their_range(currency: str, low: float, high: float) -> None:
    prices = [synthetic_price(SEED, f"T{number}", currency) for number in range(200)]
    assert low <= min(prices) < low * 2
    assert high / 2 < max(prices) <= high
    assert all(price == round(price, 0 if currency == "JPY" else 2) for price in prices)


def test_changes_are_plausible() -> None:
    changes = [float(synthetic_change(SEED, f"T{number}")[:-1]) for number in range(200)]
    assert -70 < min(changes) < -10
    assert 20 < max(changes) < 150


def test_the_short_screen_loses_and_moves_against_the_others() -> None:
    returns = {}
    for key in KEYS:
        history = parse_backtest(EXPORT[f"{key}_backtest_results.csv"], key, key)
        returns[key] = [float(quarter["return"][:-1]) for quarter in history["quarterly_data"]]
    assert fmean(returns["weak_balance_sheets"]) < 0 < fmean(returns["quality_large_caps"])
    assert correlation(returns["weak_balance_sheets"], returns["quality_large_caps"]) < -0.3
    assert correlation(returns["momentum_mid_caps"], returns["quality_large_caps"]) > 0.3


def test_written_files_are_found_as_synthetic(tmp_path: Path) -> None:
    names = write_synthetic_screens(str(tmp_path / "a b"), SEED, DAY, MARKETS)
    assert sorted(path.name for path in (tmp_path / "a b").iterdir()) == sorted(names)
    sources = find_screens(str(tmp_path / "a b"), DAY)
    assert [(s.key, s.synthetic, s.dated) for s in sources] == [(key, True, DAY) for key in KEYS]


def test_writing_again_touches_only_what_differs(tmp_path: Path) -> None:
    write_synthetic_screens(str(tmp_path), SEED, DAY, MARKETS)
    marker, screen = tmp_path / "SYNTHETIC", tmp_path / "weak_balance_sheets_current_screen.csv"
    before = marker.stat().st_ino
    screen.write_bytes(b"half")
    write_synthetic_screens(str(tmp_path), SEED, DAY, MARKETS)
    assert marker.stat().st_ino == before
    assert screen.read_bytes() == EXPORT[screen.name]


def test_object_stores() -> None:
    write_synthetic_screens("memory://synthetic-screens", SEED, DAY)
    assert len(find_screens("memory://synthetic-screens", DAY)) == 3
