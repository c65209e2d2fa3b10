"""Probing every account through `dag.test`: one broker away is one red index, and what was counted is reported."""

import logging
import warnings
from typing import Any

import pytest

from include.settings import PROJECT
from include.storage.call_counts import CallCounts
from include.storage.database import open_database
from tests.dags.world import EVENING, World

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]
TASKS = {"probed_accounts", "probe_broker", "report_health"}


def parsed() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Airflow's own
        return DagBag(PROJECT / "dags").dags["monitor_brokers"]


def run(world: World) -> tuple[str, dict[str, str], Any]:
    """(state of the run, states of its tasks, what report_health gave)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("airflow").setLevel(logging.CRITICAL)
        ended = parsed().test(run_after=EVENING, logical_date=None)
    states, report = {}, None
    for instance in ended.get_task_instances():
        label = "" if instance.map_index < 0 else f"[{instance.rendered_map_index or instance.map_index}]"
        states[f"{instance.task_id}{label}"] = str(getattr(instance.state, "value", instance.state))
        if instance.task_id == "report_health":
            report = instance.xcom_pull(task_ids="report_health", run_id=ended.run_id)
    return str(getattr(ended.state, "value", ended.state)), states, report


def test_the_dag_is_wired_as_documented(airflow_db: None) -> None:
    dag = parsed()
    assert {task.task_id for task in dag.tasks} == TASKS
    assert all((PROJECT / "include" / "steps" / f"{name}.py").is_file() and dag.task_dict[name].doc_md for name in TASKS)
    assert dag.task_dict["probe_broker"].retries == 0  # reads were repeated already, and the next probe comes soon
    assert dag.task_dict["report_health"].is_teardown
    assert (dag.catchup, dag.max_active_runs, dag.is_paused_upon_creation) == (False, 1, True)
    assert "Red means" in dag.doc_md


def test_every_account_is_asked_and_the_score_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, float] = {}
    monkeypatch.setattr("include.hooks.metrics.stats.gauge", lambda name, value: sent.update({name: value}))
    state, tasks, report = run(world)
    assert state == "success"
    assert tasks == {
        "probed_accounts": "success",
        "probe_broker[alpaca-main]": "success",
        "probe_broker[ibkr-main]": "success",
        "report_health": "success",
    }
    assert sorted(report) == [source for source in sorted(report) if "-sbx" in source]
    assert {source.split("-")[0] for source in report} == {"alpaca", "ibkr"}
    for source, one in report.items():
        assert (one["health"], one["uptime"], one["calls"], one["errors"], one["breaker"]) == (1.0, 1.0, 3, {}, "closed")
        assert sent[f"polybroker.broker.{source}.health"] == 1.0
        assert sent[f"polybroker.broker.{source}.breaker_open"] == 0
    assert world.sent() == []


def test_a_broker_that_is_away_is_one_red_index_and_a_low_score(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.brokers.guarded.Policy.first_pause_seconds", 0.0)
    world.venue("ibkr").away = True
    state, tasks, report = run(world)
    assert tasks["probe_broker[ibkr-main]"] == "failed"
    assert tasks["probe_broker[alpaca-main]"] == "success"
    assert tasks["report_health"] == "success"
    assert {source.split("-")[0]: one["health"] for source, one in report.items()} == {"alpaca": 1.0, "ibkr": 0.0}
    (ibkr,) = [one for source, one in report.items() if source.startswith("ibkr")]
    assert ibkr["errors"] == {"CONNECTION_ERROR": 3}
    assert state == "failed"


def test_old_counts_are_forgotten(world: World) -> None:
    from datetime import timedelta

    from include.domain.health import CallCount

    with open_database(f"sqlite:///{world.folder / 'polybroker.db'}") as database:
        old = EVENING.replace(minute=0) - timedelta(days=31)
        CallCounts(database).add([CallCount("ibkr-paper", "ibkr", old, "quotes", "", 1, 1.0, 1.0)])
        run(world)
        assert "ibkr-paper" not in CallCounts(database).between(old, EVENING)
