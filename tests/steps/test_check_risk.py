from pathlib import Path
from typing import Any

import pytest

from include.domain.portfolio import ExecutionMode
from include.domain.run import Run
from include.steps.check_risk import check_risk
from include.steps.needs_approval import approval_reasons, sendable_orders
from include.storage.artifacts import read_json, write_json
from include.storage.run_folder import RunFolder
from include.trading.plan import build_plan
from tests.steps.run_files import make_run
from tests.trading.build import candidate, contract, mapping, plan_input, position, snapshot


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run")


def write_plan(run: Run, nav: str = "100000", plan_only: str | None = None) -> str:
    (order,) = build_plan(plan_input(candidate(mapping(contract("alpaca", "uuid-aapl"))))).orders  # 4,960 EUR
    entry: dict[str, Any] = {"nav": nav, "plan_only_reason": plan_only, "orders": [order.model_dump(mode="json")]}
    write_json(RunFolder(run.folder).orders, {"as_of": "2026-11-20", "portfolios": {"main": entry}})
    return order.client_order_id


def test_a_plan_inside_the_limits_is_sendable(run: Run) -> None:
    write_plan(run)
    risk = read_json(check_risk(run))
    assert (risk["blocked"], risk["portfolios"]) == ({}, {})
    assert risk["findings"] == [{"portfolio": "main", "orders": 1, "blocked": 0, "turnover_pct": "4.96", "stopped": None}]
    assert sendable_orders(run) == 1


def test_a_blocked_order_and_a_stopped_portfolio_are_not_sendable(run: Run) -> None:
    client_order_id = write_plan(run, nav="50000")
    assert list(read_json(check_risk(run))["blocked"]) == [client_order_id]
    assert sendable_orders(run) == 0
    write_plan(run, plan_only="no snapshot of alpaca-main")
    assert read_json(check_risk(run))["portfolios"] == {"main": "no snapshot of alpaca-main"}
    assert sendable_orders(run) == 0


def test_turnover_needs_the_first_funding_flag(run: Run) -> None:
    write_plan(run, nav="10000")
    assert read_json(check_risk(run))["portfolios"]["main"].startswith("max_turnover: 49.6 % of value")
    funded = run.model_copy(update={"options": {**run.options, "first_funding": True}})
    assert read_json(check_risk(funded))["portfolios"] == {}


def test_the_kill_switch_stops_every_portfolio(run: Run) -> None:
    write_plan(run)
    assert read_json(check_risk(run, kill_switch=True))["portfolios"] == {"main": "kill_switch: it is on"}


def prepare(run: Run, decision: str = "pass", gate: tuple[str, ...] = ()) -> None:
    write_plan(run)
    check_risk(run)
    folder = RunFolder(run.folder)
    write_json(folder.coverage, {"decision": decision, "reasons": ["coverage 80.00 % is under 85 %"]})
    write_json(folder.input_gate, {"reasons": list(gate)})


def test_nobody_is_asked_when_all_is_well(run: Run) -> None:
    prepare(run)
    assert approval_reasons(run) == []


def test_low_coverage_and_the_input_gate_ask_together(run: Run) -> None:
    prepare(run, "approval", ("6.0 % of the rows were rejected",))
    assert approval_reasons(run) == ["coverage 80.00 % is under 85 %", "6.0 % of the rows were rejected"]


def test_plan_mode_and_an_empty_plan_ask_nobody(run: Run) -> None:
    prepare(run, "approval")
    assert approval_reasons(run.model_copy(update={"mode": ExecutionMode.PLAN})) == []
    write_plan(run, plan_only="no snapshot")
    check_risk(run)
    assert approval_reasons(run) == []


def test_a_brokers_own_limits_are_those_of_the_run(run: Run) -> None:
    client_order_id = write_plan(run)
    limits = {"alpaca": {"max_order_value": "4000"}, "ibkr": {"max_orders_per_run": 0}}
    limited = run.model_copy(update={"options": {**run.options, "risk_limits": limits}})
    risk = read_json(check_risk(limited))
    assert risk["blocked"] == {client_order_id: "max_order_value: 4960.00, the limit of alpaca is 4000"}
    assert risk["findings"][0]["blocked"] == 1
    assert sendable_orders(limited) == 0


def test_a_position_counts_as_the_account_shows_it(run: Run) -> None:
    client_order_id = write_plan(run)
    limited = run.model_copy(update={"options": {**run.options, "risk_limits": {"alpaca": {"max_position_value": "5000"}}}})
    assert read_json(check_risk(limited))["blocked"] == {}
    held = snapshot("alpaca-main", positions=(position("uuid-aapl", "1"),))  # 160 euro
    write_json(RunFolder(run.folder).account("alpaca-main"), held)
    assert read_json(check_risk(limited))["blocked"] == {
        client_order_id: "max_position_value: 5120.00 afterwards, the limit of alpaca is 5000"
    }


def test_orders_beyond_a_brokers_count_are_blocked_and_those_of_a_stopped_portfolio_do_not_count(run: Run) -> None:
    client_order_id = write_plan(run)
    none = run.model_copy(update={"options": {**run.options, "risk_limits": {"alpaca": {"max_orders_per_run": 0}}}})
    assert read_json(check_risk(none))["blocked"] == {client_order_id: "max_orders_per_run: alpaca is sent 0 in one run"}
    assert read_json(check_risk(none, kill_switch=True))["blocked"] == {}
