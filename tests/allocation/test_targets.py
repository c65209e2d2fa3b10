import math
import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.allocation.targets import Line, allocate, cap_weights, final_weights, rank_stocks, set_target_fields
from include.errors import InputError
from tests.allocation.documents import stock, universe

LINE = Line(30, 10.0, 1.0)


def targeted(
    cap: float = 0.1, buffer: float = 0.02, line: Line = LINE, weights: dict[str, float] | None = None, **screens: Any
) -> dict[str, Any]:
    document = universe(**screens)
    given_weights = weights or {key: 1 / len(screens) for key in screens}
    document["metadata"]["portfolio_optimization"] = {"optimal_allocations": given_weights}
    set_target_fields(document, line, cap, buffer, "u.json")
    return document


def finals(document: dict[str, Any]) -> dict[str, float]:
    return {ticker: s["final_target"] for ticker, s in document["all_stocks"].items()}


def ranked(*changes: str | None) -> list[dict[str, Any]]:
    return [stock(f"S{n}", price_180d_change=change) for n, change in enumerate(changes)]


def test_the_line_by_hand() -> None:
    assert [LINE.weight(rank) for rank in (1, 2, 29, 30, 31)] == pytest.approx([10, 281 / 29, 38 / 29, 1, 0])
    assert [Line(1, 10, 1).weight(rank) for rank in (1, 2)] == [10, 0]


def test_rank_is_by_change_then_isin_then_ticker_and_the_unknown_come_last() -> None:
    stocks = [
        stock("N1", price_180d_change=None, isin="AA"),
        stock("N2", price_180d_change=None),
        stock("LOW", price_180d_change="-50.00%"),
        stock("T2", price_180d_change="5.00%", isin="US02"),
        stock("T4", price_180d_change="5.00%"),
        stock("T3", price_180d_change="5.0%"),
        stock("T1", price_180d_change="5.00%", isin="US01"),
        stock("TOP", price_180d_change="100.00%"),
        stock("T0", price_180d_change="5.00%", isin="US01"),
    ]
    assert [s["ticker"] for s in rank_stocks(stocks, "x")] == ["TOP", "T0", "T1", "T2", "T3", "T4", "LOW", "N1", "N2"]


def test_a_change_that_is_no_percentage_is_refused() -> None:
    with pytest.raises(InputError, match=r"u\.json, field 'S1\.price_180d_change'.*found 'n/a'"):
        rank_stocks(ranked("1%", "n/a"), "u.json")


def test_two_names_share_by_the_top_of_the_line() -> None:
    # 10 and 10 - 9/29 = 281/29, out of 571/29.
    found = allocate(ranked("2%", "1%"), LINE, "x")
    assert found == {"S0": (1, pytest.approx(290 / 571)), "S1": (2, pytest.approx(281 / 571))}
    assert allocate([], LINE, "x") == {}


def test_only_the_first_top_n_get_weight() -> None:
    found = allocate(ranked("4%", "3%", "2%", "1%"), Line(3, 10, 1), "x")  # 10, 5.5, 1 of 16.5
    assert [found[f"S{n}"][1] for n in range(4)] == pytest.approx([20 / 33, 11 / 33, 2 / 33, 0])


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        (1.0, [20 / 33, 11 / 33, 2 / 33]),
        (0.5, [0.5, 0.5 * 5.5 / 6.5, 0.5 * 1 / 6.5]),
        (0.4, [0.4, 0.4, 0.2]),  # spreading lifts the second over the cap too
        (0.3, [0.3, 0.3, 0.3]),  # 0.1 cannot be placed
        (0.0, [0, 0, 0]),
    ],
)
def test_capping_by_hand(cap: float, expected: list[float]) -> None:
    found = cap_weights({"a": 20 / 33, "b": 11 / 33, "c": 2 / 33, "zero": 0.0}, cap)
    assert [found[name] for name in "abc"] == pytest.approx(expected)
    assert found["zero"] == 0


def test_buffer_comes_after_the_cap_and_cash_is_what_is_left() -> None:
    document = targeted(cap=0.3, line=Line(3, 10, 1), a=ranked("3%", "2%", "1%"))
    assert finals(document) == {name: pytest.approx(0.294, abs=1e-11) for name in ("S0", "S1", "S2")}
    summary = document["metadata"]["targets"]
    assert summary["total"] == pytest.approx(0.882, abs=1e-11)
    assert summary["cash"] == pytest.approx(0.118, abs=1e-11)
    assert [(row["instrument_id"], row["tickers"]) for row in summary["capped"]] == [("ticker:S0", ["S0"]), ("ticker:S1", ["S1"])]
    assert summary["capped"][0]["before_cap"] == pytest.approx(20 / 33)
    assert summary["capped"][0]["final"] == pytest.approx(0.294)
    assert (summary["names"], summary["max_weight_pct"], summary["cash_buffer_pct"]) == (3, 30.0, 2.0)


def test_a_name_in_two_screens_holds_both_shares() -> None:
    line = Line(1, 10, 1)
    document = targeted(cap=1, buffer=0, line=line, weights={"a": 0.75, "b": 0.25}, a=ranked("2%", "1%"), b=ranked("3%"))
    assert finals(document) == {"S0": 1.0, "S1": 0.0}
    assert document["screens"]["a"]["stocks"][0]["final_target"] == 0.75
    assert document["screens"]["b"]["stocks"][0]["final_target"] == 0.25
    assert document["metadata"]["targets"]["by_screen"] == {"a": 0.75, "b": 0.25}
    shown = document["all_stocks"]["S0"]
    assert (shown["rank"], shown["screen_target"]) == (1, 0.75)


def test_two_listings_of_one_instrument_share_the_cap() -> None:
    stocks = [
        stock("AAA", price_180d_change="3%", instrument_id="isin:1"),
        stock("AAA.DE", price_180d_change="2%", instrument_id="isin:1"),
        stock("BBB", price_180d_change="1%", instrument_id="isin:2"),
    ]
    document = targeted(cap=0.5, buffer=0, line=Line(3, 2, 2), a=stocks)
    # A third each: the instrument wants 2/3 and gets 1/2, a quarter per listing; the other half goes to BBB.
    assert finals(document) == {
        ticker: pytest.approx(w, abs=1e-11) for ticker, w in {"AAA": 0.25, "AAA.DE": 0.25, "BBB": 0.5}.items()
    }
    assert document["metadata"]["targets"]["capped"][0]["tickers"] == ["AAA", "AAA.DE"]


def test_a_screen_without_weight_gives_nothing_but_ranks() -> None:
    document = targeted(weights={"a": 1.0, "short": 0.0}, cap=1, a=ranked("1%"), short=[stock("SHT")])
    assert finals(document) == {"S0": 0.98, "SHT": 0.0}
    assert document["screens"]["short"]["stocks"][0]["rank"] == 1
    assert document["screens"]["short"]["stocks"][0]["screen_target"] == 0.0


def test_a_member_of_no_screen_has_no_target() -> None:
    document = universe(a=[stock("AAA")])
    document["all_stocks"]["LEFT"] = stock("LEFT")
    document["metadata"]["portfolio_optimization"] = {"optimal_allocations": {"a": 1.0}}
    set_target_fields(document, LINE, 1, 0, "x")
    left = document["all_stocks"]["LEFT"]
    assert (left["final_target"], left["rank"], left["allocation_target"], left["screen_target"]) == (0.0, None, 0.0, 0.0)


def test_what_is_missing_or_contradicts_is_refused() -> None:
    with pytest.raises(InputError, match=r"optimal_allocations\.a': expected a weight"):
        targeted(weights={"b": 1.0}, a=ranked("1%"))
    with pytest.raises(InputError, match=r"options, field 'last_weight_pct': expected at most first_weight_pct \(found 2\)"):
        targeted(line=Line(3, 1, 2), a=ranked("1%"))


TICKERS = [f"S{n}" for n in range(12)]
changes = st.none() | st.integers(-9999, 30000).map(lambda hundredths: f"{hundredths / 100:.2f}%")


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Screens that overlap, instruments of several listings, short screens, caps and buffers of any size."""
    instruments = {ticker: f"isin:{draw(st.integers(0, 8))}" for ticker in TICKERS}
    keys = ["a", "b", "c"][: draw(st.integers(1, 3))]
    screens = {}
    for key in keys:
        chosen = draw(st.lists(st.sampled_from(TICKERS), unique=True, max_size=12))
        screens[key] = [stock(t, instrument_id=instruments[t], price_180d_change=draw(changes)) for t in chosen]
    raw = [draw(st.integers(0, 100)) for _ in keys]
    weights = {key: (value / sum(raw) if sum(raw) else 0.0) for key, value in zip(keys, raw, strict=True)}
    first = draw(st.floats(0.5, 20))
    line = Line(draw(st.integers(1, 14)), first, draw(st.floats(0.1, 0.5)))
    return {
        "screens": screens,
        "weights": weights,
        "line": line,
        "cap": draw(st.sampled_from([0.01, 0.1, 0.3, 1.0])),
        "buffer": draw(st.sampled_from([0.0, 0.02, 0.5])),
    }


def solve(case: dict[str, Any]) -> dict[str, Any]:
    return targeted(case["cap"], case["buffer"], case["line"], case["weights"], **case["screens"])


@given(cases())
def test_both_totals_agree_and_never_exceed_what_may_be_invested(case: dict[str, Any]) -> None:
    document = solve(case)
    total = math.fsum(finals(document).values())
    by_screen = math.fsum(s["final_target"] for screen in document["screens"].values() for s in screen["stocks"])
    assert total <= 1
    assert total <= 1 - case["buffer"] + 1e-12
    assert abs(total - by_screen) <= 1e-9
    assert document["metadata"]["targets"]["total"] == pytest.approx(total, abs=1e-9)
    for ticker, stock_ in document["all_stocks"].items():
        shares = [s["final_target"] for sc in document["screens"].values() for s in sc["stocks"] if s["ticker"] == ticker]
        assert stock_["final_target"] == pytest.approx(math.fsum(shares), abs=1e-12)


@given(cases())
def test_no_instrument_is_above_the_cap_and_nothing_is_negative(case: dict[str, Any]) -> None:
    document = solve(case)
    held: dict[str, float] = {}
    for s in document["all_stocks"].values():
        assert s["final_target"] >= 0
        held[s["instrument_id"]] = held.get(s["instrument_id"], 0.0) + s["final_target"]
    assert all(weight <= case["cap"] * (1 - case["buffer"]) + 1e-12 for weight in held.values())


@given(cases())
def test_cash_is_left_only_where_the_cap_binds_everything(case: dict[str, Any]) -> None:
    document = solve(case)
    wanted = math.fsum(case["weights"][key] for key, stocks in case["screens"].items() if stocks)
    held: dict[str, float] = {}
    for s in document["all_stocks"].values():
        held[s["instrument_id"]] = held.get(s["instrument_id"], 0.0) + s["final_target"]
    positive = [weight for weight in held.values() if weight > 0]
    invested = math.fsum(held.values())
    room = 1 - case["buffer"]
    if any(weight < case["cap"] * room - 1e-9 for weight in positive):
        assert invested == pytest.approx(wanted * room, abs=1e-9)


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_screens_changes_nothing(case: dict[str, Any], shuffled: random.Random) -> None:
    other = {key: list(stocks) for key, stocks in reversed(case["screens"].items())}
    for stocks in other.values():
        shuffled.shuffle(stocks)
    assert finals(solve(case | {"screens": other})) == finals(solve(case))


@given(cases())
def test_a_better_rank_never_gets_less_of_its_screen(case: dict[str, Any]) -> None:
    document = solve(case)
    for screen in document["screens"].values():
        by_rank = sorted(screen["stocks"], key=lambda s: s["rank"])
        shares = [s["allocation_target"] for s in by_rank]
        assert [s["rank"] for s in by_rank] == list(range(1, len(by_rank) + 1))
        assert shares == sorted(shares, reverse=True)
        assert math.fsum(shares) == pytest.approx(1 if shares else 0)
    if len(case["screens"]) == 1:
        one = {s["ticker"]: s for s in document["screens"]["a"]["stocks"]}
        lone = [t for t in one if sum(o["instrument_id"] == one[t]["instrument_id"] for o in one.values()) == 1]
        targets = [one[t]["final_target"] for t in sorted(lone, key=lambda t: one[t]["rank"])]
        assert targets == sorted(targets, reverse=True)


@given(cases())
def test_the_same_limits_give_the_same_weights_again(case: dict[str, Any]) -> None:
    document = solve(case)
    again = final_weights(document, case["cap"], case["buffer"], "x")
    assert again.by_ticker() == {t: w for t, w in finals(document).items() if t in again.by_ticker()}


@given(st.dictionaries(st.sampled_from(TICKERS), st.floats(0, 1)), st.floats(0.001, 1))
@example({"S0": 0.375, "S1": 2.2250738585e-313}, 0.25)
@example({"S0": 1.0, "S1": 0.5, "S2": 0.5, "S3": 0.5, "S4": 0.5, "S5": 5e-324}, 0.75)
def test_capping_twice_is_capping_once(weights: dict[str, float], cap: float) -> None:
    once = cap_weights(weights, cap)
    assert cap_weights(once, cap) == pytest.approx(once)
    assert math.fsum(once.values()) <= math.fsum(weights.values()) + 1e-9
    assert all(weight <= cap for weight in once.values())
    assert [t for t, w in weights.items() if w == 0] == [t for t, w in once.items() if w == 0]
