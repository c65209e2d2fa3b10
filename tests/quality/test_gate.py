"""The suites on the real Great Expectations."""

import logging
from typing import Any

import pandas as pd
import pytest

from include.mapping.coverage import measure
from include.quality.frames import MAPPING_COLUMNS, coverage_frame, found_frame, mapping_frame, matched_frame
from include.quality.gate import Failure, validate
from include.quality.suites import coverage_suite, found_suite, mapping_suite, matched_suite
from include.settings import Options
from tests.mapping.test_coverage import member


def rows(**changes: Any) -> pd.DataFrame:
    """Two rows that are right, the second changed."""
    good = {
        "broker": "ibkr",
        "ticker": "AAPL",
        "instrument_id": "isin:US0378331005",
        "status": "matched",
        "found": True,
        "native_id": "265598",
        "currency": "USD",
        "contract_currency": "USD",
        "isin": "US0378331005",
        "contract_isin": "US0378331005",
        "weight": 0.1,
    }
    second = {**good, "ticker": "MSFT", "instrument_id": "isin:US5949181045", "native_id": "272093", "isin": None}
    return pd.DataFrame([good, {**second, **changes}], columns=list(MAPPING_COLUMNS))


def check(frame: pd.DataFrame) -> list[Failure]:
    suites = [("mappings", mapping_suite(), frame), ("found", found_suite(), found_frame(frame))]
    return validate([*suites, ("matched", matched_suite(), matched_frame(frame))], "2026-11-20")[0]


def test_rows_that_are_right() -> None:
    assert check(rows()) == []


def test_data_docs_are_a_site_of_its_own() -> None:
    _, docs = validate([("mappings", mapping_suite(), rows()), ("found", found_suite(), rows())], "2026-11-20")
    assert {"index.html", "expectations/mappings.html", "expectations/found.html"} <= set(docs)
    assert sum(name.startswith("validations/mappings/2026-11-20/") for name in docs) == 1
    assert b"mappings" in docs["index.html"]
    assert not [name for name in docs if name.endswith(".gif")]


@pytest.mark.parametrize(
    ("changes", "suite", "said"),
    [
        ({"native_id": "265598"}, "found", "expect_compound_columns_to_be_unique"),  # two instruments on one contract
        ({"native_id": None}, "found", "expect_column_values_to_not_be_null"),
        ({"native_id": "0"}, "found", "expect_column_values_to_not_match_regex"),
        ({"native_id": "ibkr:0"}, "found", "expect_column_values_to_not_match_regex"),
        ({"isin": "US5949181045"}, "found", "expect_column_pair_values_to_be_equal"),
        ({"contract_currency": "EUR"}, "matched", "expect_column_pair_values_to_be_equal"),
        ({"status": "probably"}, "mappings", "expect_column_values_to_be_in_set"),
        ({"weight": 1.2}, "mappings", "expect_column_values_to_be_between"),
        ({"ticker": "AAPL"}, "mappings", "expect_compound_columns_to_be_unique"),
    ],
)
def test_rows_that_cannot_be_true_are_critical(changes: dict[str, Any], suite: str, said: str) -> None:
    failures = [failure for failure in check(rows(**changes)) if failure.suite == suite]
    assert [(failure.severity, failure.rule) for failure in failures] == [("critical", "sanity")]
    assert said in failures[0].said


def test_another_listing_may_be_in_another_currency() -> None:
    assert check(rows(status="other_listing", contract_currency="EUR")) == []


def test_two_rows_of_one_instrument_may_share_a_contract() -> None:
    assert check(rows(instrument_id="isin:US0378331005", native_id="265598", contract_isin=None)) == []


def test_what_cannot_be_looked_at_has_failed() -> None:
    failures, _ = validate([("mappings", mapping_suite(), rows().drop(columns="weight"))], "2026-11-20")
    assert [(failure.severity, failure.rule) for failure in failures] == [("critical", "sanity")]
    assert '"weight"' in failures[0].said


def test_no_rows_at_all() -> None:
    nothing = mapping_frame({"all_stocks": {}})
    assert list(nothing.columns) == list(MAPPING_COLUMNS)
    assert check(nothing) == []


@pytest.mark.parametrize(
    ("mapped", "expected"),
    [
        (6999, [("coverage_fail", "critical"), ("coverage_approval", "warning")]),
        (7000, [("coverage_approval", "warning")]),
        (8499, [("coverage_approval", "warning")]),
        (8500, []),
    ],
)
def test_thresholds_have_severities(mapped: int, expected: list[tuple[str, str]]) -> None:
    figures = measure(
        [member(str(n), "0", found="ibkr alpaca" if n < mapped else "", asked="ibkr alpaca") for n in range(10_000)], 0
    )
    frame = coverage_frame(figures).assign(multi_broker_pct=100.0)
    failures, _ = validate([("coverage", coverage_suite(Options()), frame)], "2026-11-20")
    assert [(failure.rule, failure.severity) for failure in failures] == expected


@pytest.mark.parametrize(("multi", "fails"), [(59.99, True), (60.0, False), (None, False)])
def test_few_second_brokers_are_a_warning(multi: float | None, fails: bool) -> None:
    frame = coverage_frame(measure([member("A")], 0)).assign(multi_broker_pct=pd.array([multi], dtype="float64"))
    failures, _ = validate([("coverage", coverage_suite(Options()), frame)], "2026-11-20")
    assert [(failure.rule, failure.severity) for failure in failures] == ([("multi_broker", "warning")] if fails else [])


def test_an_empty_universe_is_critical() -> None:
    failures, _ = validate([("coverage", coverage_suite(Options()), coverage_frame(measure([], 0)))], "x")
    assert ("sanity", "critical") in [(failure.rule, failure.severity) for failure in failures]


def test_it_is_quiet(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        validate([("coverage", coverage_suite(Options()), coverage_frame(measure([member("A")], 0)))], "x")
    assert [record.getMessage() for record in caplog.records if record.name.startswith("great_expectations")] == []
    assert capfd.readouterr() == ("", "")


def test_frames_take_the_document_apart() -> None:
    told = {"found": True, "status": "matched", "native_id": "1", "currency": "USD", "isin": "US0378331005"}
    stock = {
        "instrument_id": "isin:US0378331005",
        "currency": "USD",
        "isin": "US0378331005",
        "final_target": 0.25,
        "broker_mappings": {"ibkr": told, "alpaca": {"found": False, "status": "not_found", "reason": "inactive"}},
    }
    frame = mapping_frame({"all_stocks": {"AAPL": stock}})
    assert frame["broker"].tolist() == ["ibkr", "alpaca"]
    assert frame["weight"].tolist() == [0.25, 0.25]
    assert frame["native_id"].tolist() == ["1", None]
    assert len(found_frame(frame)) == len(matched_frame(frame)) == 1


def pages() -> dict[str, bytes]:
    return validate([("mappings", mapping_suite(), rows()), ("found", found_suite(), rows())], "2026-11-20")[1]


def test_the_same_check_gives_the_same_pages() -> None:
    assert pages() == pages()
