from typing import Any

from include.trading.markdown import percent, table
from include.trading.report import render

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


def test_screens_are_shown_with_their_age() -> None:
    screens = [{**RUN["screens"][0], "dated": day} for day in ("2026-11-19", "2025-09-16")]
    assert (
        "Screens (date of the export): quality bloom 2026-11-19 (1 day before the session), "
        "quality bloom 2025-09-16 (430 days before the session)."
    ) in render({"run": {**RUN, "screens": screens}})


def test_rates_are_those_that_were_used() -> None:
    rates = {
        "BGN": {"rate": 1.9558, "source": "ECB", "age_days": 324},
        "CHF": {"rate": 0.92, "source": "ECB", "age_days": 21},
        "EUR": {"rate": 1.0, "source": "base", "age_days": 0},
        "JPY": {"rate": 175.68, "source": "ibkr", "age_days": 0},
        "USD": {"rate": 1.12, "source": "ibkr", "age_days": 0},
    }
    section = {"rates": rates, "needed": ["CHF", "EUR", "JPY", "USD"], "notes": ["CHF: ibkr has no quote; ECB rate instead"]}
    text = render({"run": RUN, "universe": {"metadata": {"exchange_rates": section}}})
    assert "Exchange rates by source: ECB: CHF; ibkr: JPY, USD; the oldest is 21 days old." in text
    assert "- CHF: ibkr has no quote; ECB rate instead" in text
    alone = {"rates": {"EUR": rates["EUR"]}, "needed": ["EUR"], "notes": []}
    assert "Exchange rates" not in render({"run": RUN, "universe": {"metadata": {"exchange_rates": alone}}})


def test_what_whole_lots_cannot_reach_is_told_with_the_account_that_would() -> None:
    missed = {"ticker": "9790.T", "name": "Fukui", "wanted_weight": "0.0017", "unreachable_weight": "0.0006"}
    rows = [{**missed, "reachable_nav": "2220513.56"}, {**missed, "ticker": "X", "reachable_nav": None}]
    sizes = {"main": {"base_currency": "EUR", "unreachable": rows}, "shadow": {"base_currency": "EUR", "unreachable": []}}
    text = render({"run": RUN, "universe": {"metadata": {}}, "sizes": sizes}) + render(
        {"run": RUN, "universe": {"metadata": {"created_at": "x"}}, "sizes": sizes}
    )
    assert "main: whole lots miss more than a tenth of these targets" in text
    assert "| 9790.T | Fukui | 0.17 % | 0.06 % | 2,220,514 |" in text
    assert "| X | Fukui | 0.17 % | 0.06 % |  |" in text
    assert "shadow: whole lots" not in text


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
        "run": {**RUN, "options": {"notes": ["a backfill is planned only"]}},
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
                    "plan_only_reason": "net asset value is 0 EUR",
                    "run_id": "manual__0",
                }
            }
        },
        "risk": {"blocked": {}, "portfolios": {"main": "max_turnover: 90 %"}},
        "sizes": {"main": {"base_currency": "EUR", "unreachable": [], "frozen_accounts": ["ibkr-main"]}},
        "execution": {
            "accounts": {},
            "failed_accounts": {"ibkr-main": "refused", "alpaca-main": None},
            "unresolved": [{"account": "ibkr-main", "side": "buy", "ticker": "AAPL", "client_order_id": "ABC"}],
        },
    }
    text = render(documents)
    first = text.index("## Look at this first")
    assert first < text.index("## Coverage")
    for line in (
        "- input: 6.0 % of the rows were rejected",
        "- coverage: coverage 80.00 % is under 85 %",
        "- main: alpaca-main: no quotes: refused",
        "- main: stopped: max_turnover: 90 %",
        "- a backfill is planned only",
        "- main: planned only: net asset value is 0 EUR",
        "- main: this session was planned by manual__0; that plan stands, nothing is sent twice",
        "- main: ibkr-main could not be read and is frozen",
        "- ibkr-main: refused",
        "- alpaca-main: failed",
        "- ibkr-main: what became of buy AAPL (ABC) is not known",
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
    assert "in total" not in text
    assert "`held` orders were stopped on the way to the broker." in text
    assert "| ibkr-main | AAPL | 10 | 9 |" in text


def test_the_counts_of_several_accounts_add_up_and_none_is_left_out() -> None:
    one = {"planned": 3, "sent": 3, "filled": 2, "expired": 1}
    worth = {"base_currency": "EUR", "notional_planned": "3000.00", "notional_filled": "2000.40", "notional_left": "1000.00"}
    accounts = {"a": {**one, **worth, "slippage_bp": 3.0}, "b": {"planned": 1, "sent": 1, "cancelled": 1}}
    drift = {
        "main": {"drift_before_pct": 98.0, "drift_after_pct": 6.2775},
        "x": {"drift_before_pct": None, "drift_after_pct": None},
    }
    text = render({"run": RUN, "execution": {"accounts": accounts, "drift": drift}})
    assert (
        "| account | planned | held | sent | filled | partially filled | open | rejected | unknown | cancelled | expired |"
        in text
    )
    assert "| a | 3 | 0 | 3 | 2 | 0 | 0 | 0 | 0 | 0 | 1 |" in text
    assert "| in total | 4 | 0 | 4 | 2 | 0 | 0 | 0 | 0 | 1 | 1 |" in text
    assert "| a | 3,000 | 2,000 | 1,000 | EUR | 3.0 |" in text
    assert "| main | 98.00 | 6.28 |\n| x |  |  |" in text


def test_orders_are_summed() -> None:
    contract = {"name": "Apple", "currency": "USD"}
    order = {"account": "a", "ticker": "AAPL", "contract": contract, "quantity": "1", "limit_price": "2", "client_order_id": "C"}
    orders = [{**order, "side": "sell", "notional": "100"}, {**order, "side": "buy", "notional": "2500.6"}]
    plan = {"environment": "paper", "nav": "1000", "base_currency": "EUR", "held": [], "unmanaged": [], "problems": []}
    text = render({"run": RUN, "orders": {"portfolios": {"main": {**plan, "orders": orders}}}})
    assert "2 orders buy 2,501 and sell 100 EUR." in text
    assert "Held back" not in text


def test_tables_and_percents_have_their_empty_cases() -> None:
    assert table(["a"], []) == ["–", ""]
    assert (percent(None), percent("0.5"), percent(0.12345, 1)) == ("", "50.00 %", "12.3 %")


HELD = {
    "ticker": "AAPL",
    "name": "Appel SA",
    "name_before": "Apple Inc",
    "changes": [{"field": "native_id", "before": "265598", "after": "999"}, {"field": "lot_size", "before": "1", "after": "100"}],
}
GONE = {"ticker": "IBM", "name": "IBM Inc", "native_id": "8", "symbol": "IBM", "reason": "symbol_not_found"}


def changes_at(held: list[dict[str, Any]], gone: list[dict[str, Any]]) -> dict[str, Any]:
    return {"counts": {"same": 410, "new": 3, "changed": len(held), "gone": len(gone)}, "held": held, "gone": gone}


def test_held_mappings_come_first_with_the_command_that_accepts_them() -> None:
    documents = {"ibkr": changes_at([HELD, {**HELD, "ticker": "MSFT", "name_before": "Appel SA"}], [GONE])}
    text = render({"run": RUN, "mapping_changes": documents | {"alpaca": changes_at([], [])}, "coverage": COVERAGE})
    warning = "- ibkr: 2 mappings changed: nothing of them is traded there until a person has seen it (Mapping changes, below)"
    assert (
        text.index("## Look at this first") < text.index(warning) < text.index("## Mapping changes") < text.index("## Coverage")
    )
    assert "| ibkr | AAPL | Apple Inc -> Appel SA | native_id 265598 -> 999; lot_size 1 -> 100 |" in text
    assert "| ibkr | MSFT | Appel SA | native_id" in text
    assert "```\npolybroker mappings accept AAPL MSFT --broker ibkr\n```" in text
    assert "| alpaca | 410 | 3 | 0 | 0 |\n| ibkr | 410 | 3 | 2 | 1 |" in text
    assert "| ibkr | IBM | IBM Inc | IBM (8) | symbol_not_found |" in text


def test_mappings_that_are_as_they_were_are_only_counted() -> None:
    text = render({"run": RUN, "mapping_changes": {"alpaca": changes_at([], [])}})
    assert "| alpaca | 410 | 3 | 0 | 0 |" in text
    assert "Held back" not in text
    assert "Mapped before" not in text
    assert "Look at this first" not in text
    assert "Mapping changes" not in render({"run": RUN, "mapping_changes": {}, "list_changes": {}})


def test_contract_lists_say_what_was_added_removed_and_changed() -> None:
    added = [{"native_id": str(number), "symbol": f"N{number:02d}", "name": "New"} for number in range(12)]
    changed = [{"native_id": "1", "symbol": "AAA", "changes": {"tick_size": ["0.01", "0.05"], "isin": [None, "US0378331005"]}}]
    alpaca = {
        "rows": 11000,
        "compared_with": "2026-11-19T21:30:00+00:00",
        "added": {"count": 12, "first": added},
        "removed": {"count": 0, "first": []},
        "changed": {"count": 1, "by_column": {"tick_size": 1, "isin": 1}, "first": changed},
    }
    text = render({"run": RUN, "list_changes": {"ibkr": {"note": "asked per instrument: no list to compare"}, "alpaca": alpaca}})
    assert "| alpaca | 11000 | 12 | 0 | 1 | 2026-11-19T21:30:00+00:00 |  |" in text
    assert "| ibkr |  |  |  |  |  | asked per instrument: no list to compare |" in text
    assert "alpaca, added: N00, N01, N02, N03, N04, N05, N06, N07, N08, N09 and 2 more." in text
    assert "alpaca, removed" not in text
    assert "alpaca, changed: AAA (tick_size 0.01 -> 0.05, isin nothing -> US0378331005); by column: tick_size 1, isin 1." in text
