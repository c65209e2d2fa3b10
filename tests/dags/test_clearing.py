"""Clearing any task and running it again gives the same files and not one more order."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import pytest

from include.settings import PROJECT
from tests.dags.world import Outcome, World

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]


def content(folder: Path) -> dict[str, str]:
    """Hash of every file of a run, the Data Docs among them."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run_again(outcome: Outcome) -> dict[str, str]:
    """Clear one task after the other and run it again, in the run's order; gives each one's new state."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.dagrun import DagRun
    from airflow.sdk.definitions.dag import _run_task
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select

    dag = DagBag(PROJECT / "dags").dags["rebalance_portfolio"]

    def instances(session: Any) -> list[Any]:
        run: Any = session.scalars(select(DagRun).where(DagRun.run_id == outcome.run_id)).one()
        return sorted(run.get_task_instances(session=session), key=lambda ti: (ti.start_date, ti.task_id, ti.map_index))

    with create_session() as session:
        ended = [(ti.task_id, ti.map_index) for ti in instances(session) if str(ti.state) == "success"]
    for key in ended:
        with create_session() as session:
            instance = next(ti for ti in instances(session) if (ti.task_id, ti.map_index) == key)
            instance.try_number += 1
            instance.set_state(TaskInstanceState.SCHEDULED, session=session)
        _run_task(ti=instance, task=dag.task_dict[instance.task_id])
    with create_session() as session:
        return {
            f"{ti.task_id}[{ti.map_index}]": str(ti.state) for ti in instances(session) if (ti.task_id, ti.map_index) in ended
        }


def test_every_task_once_more(world: World) -> None:
    first = world.run()
    assert first.run == "success"
    sent, before = world.sent(), content(first.folder)
    for name in ("universe.json", "report.md", "execution_report.json"):
        (first.folder / name).unlink()  # so that it shows whether the tasks really ran
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Airflow's and pandas's own
        again = run_again(first)
    assert len(again) == 23  # every task but approve_orders, mapped ones by index
    assert set(again.values()) == {"success"}
    assert content(first.folder) == before
    assert world.sent() == sent
