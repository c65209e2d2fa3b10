from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import InputError
from include.mapping.coverage import Member, measure, members, per_broker, percent, rejected_instruments
from include.mapping.merge import merge
from include.settings import load_settings
from tests.mapping.build import MARKETS
from tests.mapping.documents import ELIGIBILITY, FACTS, hit, miss, stock, universe

RULES = load_settings().preferences


def member(ticker: str, weight: str = "0.1", asked: str = "ibkr alpaca", found: str = "ibkr alpaca", same_as: str = "") -> Member:
    return Member(ticker, same_as or ticker, f"{ticker} Inc", Decimal(weight), tuple(asked.split()), tuple(found.split()), {})


def test_by_count_and_by_weight_the_worse_decides() -> None:
    figures = measure([member("A", "0.6"), member("B", "0.1"), member("C", "0.1"), member("D", "0.2", found="")], 0)
    assert (figures.by_count_pct, figures.by_weight_pct, figures.coverage_pct) == (75.0, 80.0, 75.0)
    heavy = measure([member("A", "0.6", found=""), member("B", "0.1"), member("C", "0.1"), member("D", "0.2")], 0)
    assert (heavy.by_count_pct, heavy.by_weight_pct, heavy.coverage_pct) == (75.0, 40.0, 40.0)


def test_rejected_rows_lower_the_count_and_weigh_nothing() -> None:
    figures = measure([member("A"), member("B"), member("C")], 1)
    assert (figures.instruments, figures.by_count_pct, figures.by_weight_pct) == (4, 75.0, 100.0)


def test_an_instrument_with_two_rows_counts_once() -> None:
    rows = [member("ASML.AS", same_as="ASML"), member("ASML.PA", same_as="ASML", found=""), member("B", found="")]
    figures = measure(rows, 0)
    assert (figures.instruments, figures.mapped, figures.by_count_pct) == (2, 1, 50.0)
    assert figures.by_weight_pct == pytest.approx(33.333333)


def test_without_any_target_the_count_stands_for_the_weight() -> None:
    figures = measure([member("A", "0"), member("B", "0", found="")], 0)
    assert figures.by_weight_pct == figures.by_count_pct == 50.0


def test_multi_broker_counts_the_eligible_and_says_the_raw_figure() -> None:
    rows = [member("A"), member("B", found="ibkr"), member("C", asked="ibkr", found="ibkr"), member("D", asked="ibkr", found="")]
    figures = measure(rows, 0)
    assert (figures.multi_broker_pct, figures.multi_broker_raw_pct) == (50.0, 25.0)
    assert measure(rows[2:], 0).multi_broker_pct is None


def test_missing_and_partial_heaviest_first() -> None:
    rows = [member("A", "0.1", found=""), member("C", "0.3", found=""), member("B", "0.3", found=""), member("D", found="ibkr")]
    figures = measure(rows, 0)
    assert [row.ticker for row in figures.missing] == ["B", "C", "A"]
    assert [row.ticker for row in figures.partial] == ["D"]


def test_an_empty_universe_is_covered_by_nothing() -> None:
    figures = measure([], 0)
    assert (figures.instruments, figures.coverage_pct, figures.multi_broker_pct) == (0, 0.0, None)


@pytest.mark.parametrize(
    ("mapped", "total", "expected"), [(6999, 10000, 69.99), (7, 10, 70.0), (8499, 10000, 84.99), (17, 20, 85.0)]
)
def test_boundaries_are_exact(mapped: int, total: int, expected: float) -> None:
    assert percent(mapped, total) == expected
    tenth = [member(str(n), "0.1") for n in range(7)] + [member(str(n), "0.1", found="") for n in range(7, 10)]
    assert measure(tenth, 0).by_weight_pct == 70.0  # 0.1 seven times is 0.7, not 0.7000000000000001


DOCUMENT = universe(
    stock("AAPL", 0.5),
    stock("7740.T", 0.25, "XTKS"),
    stock("NOPE", 0.25),
    rejected=[
        {"file": "a.csv", "line": 3, "ticker": "BAD.L", "reason": "price"},
        {"file": "b.csv", "line": 7, "ticker": "BAD.L", "reason": "price"},
        {"file": "a.csv", "line": 4, "ticker": "AAPL", "reason": "twice"},
        {"file": "a.csv", "line": 5, "ticker": None, "reason": "no ticker"},
        {"file": "a.csv", "line": 6, "ticker": None, "reason": "no ticker"},
    ],
)


def mapped(**mappings):  # type: ignore[no-untyped-def]
    return merge(DOCUMENT, mappings, ELIGIBILITY, RULES, MARKETS, "t", FACTS)


BOTH = {
    "ibkr": [hit("AAPL"), hit("7740.T", native_id="2"), miss("NOPE")],
    "alpaca": [miss("AAPL", "alpaca", "inactive"), miss("7740.T", "alpaca", "not_eligible"), miss("NOPE", "alpaca")],
    "paper": [hit(ticker, "paper") for ticker in ("AAPL", "7740.T", "NOPE")],
}


def test_rejected_instruments_are_distinct_and_no_members() -> None:
    assert rejected_instruments(DOCUMENT) == 3


def test_members_know_who_could_and_who_did() -> None:
    apple, tokyo, nope = members(mapped(**BOTH), ELIGIBILITY, MARKETS)
    assert (apple.asked, apple.found, dict(apple.reasons)) == (("alpaca", "ibkr"), ("ibkr",), {"alpaca": "inactive"})
    assert (tokyo.asked, tokyo.found, dict(tokyo.reasons)) == (("ibkr",), ("ibkr",), {})
    assert (nope.found, dict(nope.reasons)) == ((), {"alpaca": "symbol_not_found", "ibkr": "symbol_not_found"})


def test_paper_never_counts() -> None:
    only_paper = members(mapped(paper=BOTH["paper"]), ELIGIBILITY, MARKETS)
    assert measure(only_paper, 0).coverage_pct == 0


def test_an_instrument_nobody_could_trade_says_so() -> None:
    alone = members(mapped(alpaca=BOTH["alpaca"]), ELIGIBILITY, MARKETS)
    assert (alone[1].asked, dict(alone[1].reasons)) == ((), {"alpaca": "not_eligible"})


def test_per_broker() -> None:
    figures = per_broker(mapped(**BOTH), ELIGIBILITY, MARKETS)
    assert figures["ibkr"] == {
        "counts": True,
        "status": "ok",
        "eligible": 3,
        "mapped": 2,
        "matched": 2,
        "other_listing": 0,
        "ambiguous": 0,
        "not_found": 1,
        "unavailable": 0,
        "by_count_pct": 66.666667,
        "by_weight_pct": 75.0,
    }
    assert (figures["alpaca"]["eligible"], figures["alpaca"]["by_count_pct"]) == (2, 0.0)
    assert (figures["paper"]["counts"], figures["paper"]["mapped"]) == (False, 3)


@pytest.mark.parametrize("weight", [-0.1, float("nan"), "much", float("inf")])
def test_a_weight_that_is_none_is_named(weight: object) -> None:
    document = universe(stock("AAPL", 0.5), stock("MSFT", final_target=weight))
    answer = merge(document, {"ibkr": [hit("AAPL"), hit("MSFT", native_id="2")]}, ELIGIBILITY, RULES, MARKETS, "t", FACTS)
    with pytest.raises(InputError, match=r"all_stocks.MSFT.final_target': expected a weight of 0 or more"):
        members(answer, ELIGIBILITY, MARKETS)


ROWS = st.lists(
    st.builds(
        member,
        ticker=st.integers(0, 30).map(str),
        weight=st.decimals(0, 1, places=6).map(str),
        asked=st.sampled_from(["", "ibkr", "ibkr alpaca"]),
        found=st.just(""),
    ),
    max_size=12,
    unique_by=lambda row: row.ticker,
)


@given(ROWS, st.integers(0, 5), st.data())
def test_coverage_is_within_0_and_100_and_grows_with_every_find(rows: list[Member], rejected: int, data: st.DataObject) -> None:
    before = measure(rows, rejected)
    for figure in (before.by_count_pct, before.by_weight_pct, before.coverage_pct, before.multi_broker_raw_pct):
        assert 0 <= figure <= 100
    for row in rows:
        if row.asked and data.draw(st.booleans()):
            better = Member(row.ticker, row.instrument_id, row.name, row.weight, row.asked, row.asked, {})
            rows = [better if other is row else other for other in rows]
            after = measure(rows, rejected)
            assert after.by_count_pct >= before.by_count_pct
            assert after.by_weight_pct >= before.by_weight_pct
            assert 0 <= after.coverage_pct <= 100
            before = after
    assert measure(rows, rejected + 1).by_count_pct <= before.by_count_pct
