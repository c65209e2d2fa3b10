"""Clears tasks of a run that has ended, one after the other, and runs each again."""

import warnings
from collections.abc import Collection
from typing import Any

from include.settings import PROJECT


def run_again(run_id: str, only: Collection[str] | None = None) -> dict[str, str]:
    """Run every task that was a success (of those the named ones) once more, in the run's order; gives each one's new state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Airflow's and pandas's own
        return _run_again(run_id, only)


def _run_again(run_id: str, only: Collection[str] | None) -> dict[str, str]:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.dagrun import DagRun
    from airflow.sdk.definitions.dag import _run_task
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select

    dag = DagBag(PROJECT / "dags").dags["rebalance_portfolio"]

    def instances(session: Any) -> list[Any]:
        run: Any = session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one()
        return sorted(run.get_task_instances(session=session), key=lambda ti: (ti.start_date, ti.task_id, ti.map_index))

    with create_session() as session:
        ended = [(ti.task_id, ti.map_index) for ti in instances(session) if str(ti.state) == "success"]
    ended = [key for key in ended if only is None or key[0] in only]
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
