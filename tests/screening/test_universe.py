from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.instrument import AssetClass
from include.errors import InputError
from include.screening.history import no_history
from include.screening.rows import RejectedRow, Screen, ScreenRow
from include.screening.universe import gate_reasons, universe_document, with_history

AS_OF = date(2025, 9, 18)
APPLE, MICROSOFT = "US0378331005", "US5949181045"


def stock(ticker: str, isin: str | None = None, **changes: Any) -> ScreenRow:
    values = {
        "ticker": ticker,
        "isin": isin,
        "name": f"{ticker} Inc",
        "currency": "USD",
        "market": "US",
        "asset_class": AssetClass.STOCK,
        "sector": "Technology",
        "country": "United States",
        "price": 10.0,
        "price_180d_change": "1.00%",
        "line": 5,
    }
    return ScreenRow(**(values | changes))


def bad(line: int) -> RejectedRow:
    return RejectedRow(file="a.csv", line=line, ticker="X", field="price", value="-1", reason="expected a price")


def screen(
    key: str, *rows: ScreenRow, dated: str = "2025-09-16", rejected: tuple[RejectedRow, ...] = (), synthetic: bool = False
) -> Screen:
    return Screen(
        key=key,
        name=f"screen {key}",
        kind="uncle_stock",
        dated=dated,
        synthetic=synthetic,
        rows=rows,
        rejected=rejected,
        file=f"{key}.csv",
        history=no_history(key),
    )


def document(*screens: Screen) -> dict[str, Any]:
    return universe_document(screens, as_of=AS_OF, created_at="2025-09-18T20:30:00+00:00")


def test_the_document() -> None:
    found = document(
        screen("a", stock("AAPL", APPLE), rejected=(bad(9),)), screen("b", stock("AAPL", APPLE), stock("ZZZ"), dated="2025-09-11")
    )
    apple = {
        "ticker": "AAPL",
        "isin": APPLE,
        "name": "AAPL Inc",
        "currency": "USD",
        "sector": "Technology",
        "country": "United States",
        "price": 10.0,
        "price_180d_change": "1.00%",
        "screens": ["screen a", "screen b"],
    }
    assert found["metadata"] == {
        "created_at": "2025-09-18T20:30:00+00:00",
        "as_of": "2025-09-18",
        "synthetic": False,
        "screens": ["screen a", "screen b"],
        "screen_dates": {"a": "2025-09-16", "b": "2025-09-11"},
        "screen_ages_days": {"a": 2, "b": 7},
        "total_stocks": 3,
        "unique_stocks": 2,
        "rejected_rows": 1,
        "notes": [],
    }
    assert found["screens"]["a"] == {"name": "screen a", "count": 1, "stocks": [apple]}
    assert found["screens"]["b"]["stocks"][0] == apple
    assert found["all_stocks"]["AAPL"] == apple | {"instrument_id": f"isin:{APPLE}", "market": "US", "asset_class": "stock"}
    assert found["all_stocks"]["ZZZ"]["instrument_id"] == "ticker:ZZZ"
    assert found["rejected"] == [
        {"file": "a.csv", "line": 9, "ticker": "X", "field": "price", "value": "-1", "reason": "expected a price"}
    ]


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_newest_screen_prices_and_it_is_noted(order: tuple[str, str]) -> None:
    screens = {
        "a": screen("a", stock("AAPL", price=10.0, price_180d_change="1.00%"), dated="2025-09-10"),
        "b": screen("b", stock("AAPL", price=11.5, price_180d_change="2.00%"), dated="2025-09-16"),
    }
    found = document(*(screens[key] for key in order))
    assert found["all_stocks"]["AAPL"]["price"] == 11.5
    assert [s["stocks"][0]["price_180d_change"] for s in found["screens"].values()] == ["2.00%", "2.00%"]
    assert found["metadata"]["notes"] == [
        "AAPL: price 11.5 (2.00%) of screen b, 2025-09-16, not 10 (1.00%) of screen a, 2025-09-10"
    ]


def test_an_isin_that_one_screen_knows_is_taken() -> None:
    found = document(screen("a", stock("AAPL")), screen("b", stock("AAPL", APPLE)))
    assert found["all_stocks"]["AAPL"]["isin"] == APPLE
    assert found["rejected"] == []


def test_an_isin_does_not_go_to_the_next_company_of_a_ticker() -> None:
    older = screen("a", stock("FB", APPLE, name="Facebook Inc"), dated="2025-09-10")
    newer = screen("b", stock("FB", name="First Bank Corp"), dated="2025-09-16")
    found = document(older, newer)["all_stocks"]["FB"]
    assert (found["name"], found["isin"], found["instrument_id"]) == ("First Bank Corp", None, "ticker:FB")


@pytest.mark.parametrize(
    ("one", "other", "field", "value", "reason"),
    [
        (
            {"isin": APPLE},
            {"isin": MICROSOFT},
            "isin",
            APPLE,
            f"expected the same isin in every screen: screen b has {MICROSOFT}",
        ),
        (
            {"currency": "USD"},
            {"currency": "CAD"},
            "currency",
            "USD",
            "expected the same currency in every screen: screen b has CAD",
        ),
    ],
)
def test_screens_that_contradict_each_other(
    one: dict[str, str], other: dict[str, str], field: str, value: str, reason: str
) -> None:
    found = document(screen("a", stock("AAPL", **one), stock("OK")), screen("b", stock("AAPL", **other, line=8), stock("OK")))
    assert list(found["all_stocks"]) == ["OK"]
    assert [(r["file"], r["line"], r["field"]) for r in found["rejected"]] == [("a.csv", 5, field), ("b.csv", 8, field)]
    assert (found["rejected"][0]["value"], found["rejected"][0]["reason"]) == (value, reason)
    assert found["screens"]["a"]["count"] == 1


def test_one_listing_per_instrument() -> None:
    found = document(screen("a", stock("AAPL", APPLE)), screen("b", stock("APC.F", APPLE, line=7), stock("OK")))
    assert sorted(found["all_stocks"]) == ["AAPL", "OK"]
    assert [(r["file"], r["line"], r["ticker"], r["field"], r["value"], r["reason"]) for r in found["rejected"]] == [
        ("b.csv", 7, "APC.F", "isin", APPLE, "expected one listing per instrument: AAPL has this ISIN already")
    ]


def pair(ticker: str, name: str) -> ScreenRow:
    return stock(ticker, pair=name, market="CRYPTO", asset_class=AssetClass.CRYPTO)


def test_a_pair_is_one_instrument_in_every_notation() -> None:
    found = document(
        screen("a", pair("BTC-USD", "BTC/USD"), pair("BTC-EUR", "BTC/EUR")), screen("b", pair("BTCUSD", "BTC/USD"), stock("AAA"))
    )
    ids = {ticker: entry["instrument_id"] for ticker, entry in found["all_stocks"].items()}
    assert ids == {"BTC-USD": "pair:BTC/USD", "BTC-EUR": "pair:BTC/EUR", "AAA": "ticker:AAA"}
    (row,) = found["rejected"]
    assert (row["ticker"], row["field"], row["value"]) == ("BTCUSD", "ticker", "BTCUSD")
    assert row["reason"] == "expected one listing per instrument: BTC-USD is the pair BTC/USD already"


def test_a_screen_is_never_dropped() -> None:
    with pytest.raises(InputError, match=r"^screen a: expected at least one row that does not contradict another screen$"):
        document(screen("a", stock("AAPL", APPLE)), screen("b", stock("AAPL", MICROSOFT), stock("OK")))


def test_one_synthetic_screen_makes_the_universe_synthetic() -> None:
    assert document(screen("a", stock("A")), screen("b", stock("B"), synthetic=True))["metadata"]["synthetic"] is True


def reasons(
    now: dict[str, Any],
    previous: dict[str, Any] | None = None,
    age_days: int = 7,
    rejected_pct: float = 5,
    change_pct: float = 20,
) -> list[str]:
    limits = {"max_rejected_pct": rejected_pct, "max_membership_change_pct": change_pct}
    return gate_reasons(now, previous, max_screen_age_days=age_days, **limits)


def test_rejected_rows_over_the_limit() -> None:
    nineteen = tuple(stock(f"T{n}") for n in range(19))
    assert reasons(document(screen("a", *nineteen, rejected=(bad(1),)))) == []  # exactly 5 %
    assert reasons(document(screen("a", *nineteen[:18], rejected=(bad(1),)))) == ["1 of 19 rows are rejected (5.3%, allowed 5%)"]


def members(*names: str, synthetic: bool = False) -> dict[str, Any]:
    return document(screen("a", *(stock(name) for name in names), synthetic=synthetic))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("ABCDE", "ABCDF", []),  # 20 % exactly
        ("ABCDE", "ABCFG", ["membership changed by 40.0% against the last run (allowed 20%): 2 joined, 2 left, 5 before"]),
        ("ABCDE", "ABC", ["membership changed by 40.0% against the last run (allowed 20%): 0 joined, 2 left, 5 before"]),
        ("ABCDE", "ABCDEFG", ["membership changed by 40.0% against the last run (allowed 20%): 2 joined, 0 left, 5 before"]),
    ],
)
def test_membership(before: str, now: str, expected: list[str]) -> None:
    assert reasons(members(*now), members(*before)) == expected


def test_a_synthetic_run_says_nothing_about_a_real_one() -> None:
    assert reasons(members("A"), members("B", synthetic=True)) == []
    assert reasons(members("A", synthetic=True), members("B")) == []
    assert reasons(members("A"), None) == []


@given(st.sets(st.sampled_from("ABCDEFGH"), min_size=1))
def test_the_same_members_are_no_change(names: set[str]) -> None:
    assert reasons(members(*names), members(*names), change_pct=0) == []


def test_history_is_added_and_the_document_left_alone() -> None:
    before = members("A")
    after = with_history(before, [screen("a", stock("A"))])
    assert after["metadata"]["historical_performance"] == {"a": no_history("a")}
    assert "historical_performance" not in before["metadata"]
    assert after["all_stocks"] == before["all_stocks"]
