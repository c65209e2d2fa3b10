"""What the DAG file is: wiring alone, light to parse from anywhere, with the trigger rules of the design."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.settings import PROJECT

HEAVY = ["pandas", "pyarrow", "numpy", "scipy", "great_expectations", "exchange_calendars", "ib_insync", "alpaca", "skfolio"]
GROUPS = {
    None: ["resolve_run", "report_run"],
    "screening": ["fetch_screens", "build_universe", "add_history"],
    "allocation": ["optimize_screens", "convert_currency", "set_targets", "fetch_accounts", "size_positions"],
    "map_broker": ["refresh_contracts", "match_instruments"],
    "mapping": ["merge_mappings", "check_coverage"],
    "trading": ["plan_orders", "check_risk", "needs_approval", "approve_orders", "submit_orders", "reconcile_orders"],
}
STEPS = [name for names in GROUPS.values() for name in names]
PARSE = """
import json, sys
sys.path.insert(0, sys.argv[1] + "/dags")
import rebalance_portfolio as module
heavy = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
dag = module.rebalance_portfolio()
tasks = {
    task.task_id: {
        "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
        "retries": task.retries,
        "group": task.task_group.group_id,
        "teardown": task.is_teardown,
        "upstream": sorted(task.upstream_task_ids),
        "documented": bool(task.doc_md),
        "backoff": bool(task.retry_exponential_backoff),
    }
    for task in dag.tasks
}
print(json.dumps({
    "heavy": heavy, "tasks": tasks, "catchup": dag.catchup, "active": dag.max_active_runs, "doc": dag.doc_md,
    "params": {name: value.schema for name, value in dag.params.items() if hasattr(value, "schema")} or list(dag.params),
}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The DAG parsed by a fresh Python in an empty folder."""
    folder = tmp_path_factory.mktemp("empty")
    environment = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(PROJECT), json.dumps(HEAVY)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_parsing_from_an_empty_folder_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    assert parsed["heavy"] == []


def test_the_dag_shows_the_steps_of_the_design_and_nothing_else(parsed: dict[str, Any]) -> None:
    assert sorted(parsed["tasks"]) == sorted(STEPS)


def test_every_box_is_a_function_of_that_name_in_steps(parsed: dict[str, Any]) -> None:
    without_function = [name for name in STEPS if not (PROJECT / "include" / "steps" / f"{name}.py").is_file()]
    assert without_function == ["approve_orders"]  # Airflow's own operator


def test_tasks_stand_in_the_groups_of_the_design(parsed: dict[str, Any]) -> None:
    for group, names in GROUPS.items():
        assert {parsed["tasks"][name]["group"] for name in names} == {group}


def test_trigger_rules_are_those_of_the_design(parsed: dict[str, Any]) -> None:
    rules = {name: task["rule"] for name, task in parsed["tasks"].items() if task["rule"] != "all_success"}
    assert rules == {
        "size_positions": "all_done_min_one_success",
        "merge_mappings": "all_done_min_one_success",
        "submit_orders": "none_failed_min_one_success",
        "reconcile_orders": "all_done_min_one_success",
        "report_run": "all_done_setup_success",
    }
    assert [name for name, task in parsed["tasks"].items() if task["teardown"]] == ["report_run"]


def test_no_edge_makes_a_rule_true_by_accident(parsed: dict[str, Any]) -> None:
    """`all_done_min_one_success` asks for one success among ALL upstream tasks: an edge from resolve_run would always give it."""
    assert parsed["tasks"]["merge_mappings"]["upstream"] == ["match_instruments"]
    assert parsed["tasks"]["reconcile_orders"]["upstream"] == ["submit_orders"]


def test_reading_steps_retry_with_back_off_and_order_steps_never(parsed: dict[str, Any]) -> None:
    never = sorted(name for name, task in parsed["tasks"].items() if task["retries"] == 0)
    assert never == ["approve_orders", "plan_orders", "reconcile_orders", "report_run", "submit_orders"]
    for name in ("fetch_screens", "fetch_accounts", "refresh_contracts"):
        assert parsed["tasks"][name]["retries"] == 3
        assert parsed["tasks"][name]["backoff"] is True


def test_one_run_at_a_time_and_everything_documented(parsed: dict[str, Any]) -> None:
    assert parsed["catchup"] is False
    assert parsed["active"] == 1
    assert "Red means" in parsed["doc"]
    assert [name for name, task in parsed["tasks"].items() if not task["documented"]] == []


def test_the_dag_file_stays_small_and_uses_the_sdk_alone() -> None:
    lines = (PROJECT / "dags" / "rebalance_portfolio.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 120
    airflow = [line for line in lines if line.startswith(("import airflow", "from airflow"))]
    assert airflow == ["from airflow.sdk import XComArg, dag, task_group"]


def test_the_plugin_imports_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys, json, polybroker_plugin; print(json.dumps([n for n in json.loads(sys.argv[1]) if n in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(HEAVY)],
        env={
            "AIRFLOW_HOME": str(tmp_path),
            "PYTHONPATH": str(PROJECT / "plugins"),
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
