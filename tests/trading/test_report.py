from typing import Any

from include.trading.report import percent, render, table

RUN: dict[str, Any] = {
    "run_id": "manual__1",
    "as_of": "2026-11-20",
    "mode": "paper",
    "is_backfill": False,
    "brokers": ["alpaca", "ibkr"],
    "portfolios": [{"portfolio_id": "main"}],
    "screens": [{"name": "quality bloom", "dated": "2026-11-18", "synthetic": False}],
}
COVERAGE = {
    "coverage_pct": 91.666,
    "by_count_pct": 91.666,
    "by_weight_pct": 95.5,
    "multi_broker_pct": 61.2,
    "decision": "pass",
    "reasons": [],
    "per_broker": {"ibkr": {"eligible": 12, "mapped": 11, "status": "ok"}},
    "missing": [{"ticker": "XYZ.L", "name": "Xyz | Co", "weight": 0.0123, "reasons": {"ibkr": "symbol_not_found"}}],
}


def test_a_run_that_ended_early_still_says_what_it_knows() -> None:
    text = render({"run": RUN})
    assert text.startswith("# Run manual__1\n\nSession **2026-11-20**, mode **paper**; portfolios main; brokers alpaca, ibkr.\n")
    assert "The run ended before coverage was known." in text
    assert "Nothing was sent in this run" in text
    assert "SYNTHETIC" not in text


def test_synthetic_data_is_said_first() -> None:
    screens = [{"name": "a", "dated": "2026-11-20", "synthetic": True}]
    assert render({"run": {**RUN, "screens": screens}}).splitlines()[2].startswith("**SYNTHETIC DATA**")


def test_every_instrument_that_was_not_mapped_is_listed_with_reason_and_weight() -> None:
    text = render({"run": RUN, "coverage": COVERAGE})
    assert "**91.67 %** mapped (by count 91.67 %, by weight 95.50 %): decision **pass**." in text
    assert "At two or more brokers: 61.20 % of those eligible there." in text
    assert "## Not mapped (1)" in text
    assert "| XYZ.L | Xyz \\| Co | 1.23 % | ibkr: symbol_not_found |" in text


def test_one_broker_alone_has_no_figure_for_two() -> None:
    text = render({"run": RUN, "coverage": {**COVERAGE, "multi_broker_pct": None}})
    assert "At two or more brokers: no instrument is eligible at two brokers." in text


def test_reasons_and_problems_stand_on_top() -> None:
    documents = {
        "run": RUN,
        "coverage": {**COVERAGE, "decision": "approval", "reasons": ["coverage 80.00 % is under 85 %"]},
        "input_gate": {"reasons": ["6.0 % of the rows were rejected"]},
        "orders": {
            "portfolios": {
                "main": {
                    "environment": "sandbox",
                    "nav": "100000",
                    "base_currency": "EUR",
                    "orders": [],
                    "held": [{"ticker": "AAPL", "name": "Apple", "target_weight": "0.05", "reason": "no_quote: none"}],
                    "unmanaged": [{"account": "ibkr-main", "symbol": "TSLA", "quantity": "3"}],
                    "problems": ["alpaca-main: no quotes: refused"],
                }
            }
        },
        "risk": {"blocked": {}, "portfolios": {"main": "max_turnover: 90 %"}},
    }
    text = render(documents)
    first = text.index("## Look at this first")
    assert first < text.index("## Coverage")
    for line in (
        "- input: 6.0 % of the rows were rejected",
        "- coverage: coverage 80.00 % is under 85 %",
        "- main: alpaca-main: no quotes: refused",
        "- main: stopped: max_turnover: 90 %",
        "| AAPL | Apple | 5.00 % | no_quote: none |",
        "| ibkr-main | TSLA | 3 |",
    ):
        assert line in text


def test_execution_shows_every_count_drift_and_differences() -> None:
    counts = {"planned": 3, "held": 1, "sent": 2, "filled": 1, "partially_filled": 0, "open": 0, "rejected": 1, "unknown": 0}
    difference = {"symbol": "AAPL", "managed": "10", "broker": "9"}
    execution = {
        "accounts": {"ibkr-main": {**counts, "position_differences": [difference]}},
        "drift": {"main": {"drift_before_pct": "98.00", "drift_after_pct": "1.20"}},
    }
    text = render({"run": RUN, "coverage": COVERAGE, "execution": execution})
    assert "| ibkr-main | 3 | 1 | 2 | 1 | 0 | 0 | 1 | 0 |" in text
    assert "| main | 98.00 | 1.20 |" in text
    assert "| ibkr-main | AAPL | 10 | 9 |" in text


def test_tables_and_percents_have_their_empty_cases() -> None:
    assert table(["a"], []) == ["–", ""]
    assert (percent(None), percent("0.5"), percent(0.12345, 1)) == ("", "50.00 %", "12.3 %")
