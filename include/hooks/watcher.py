"""Looks at a run of `dag.test` from beside it: tells which tasks ended, and answers an approval, which `dag.test` never does."""

import _thread
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

POLL_SECONDS = 0.5


class Watcher:
    """A thread that follows one run; use it in a `with` around `dag.test`.

    Args:
        dag_id: Of the DAG.
        run_after: Of the run, the very value given to `dag.test`.
        say: Called with a line for each task that ended.
        answer: `Approve`, `Reject`, or `expire` (what the scheduler answers when nobody does in time) for whatever the run asks;
            None leaves it waiting.

    Attributes:
        asked: Subject and body of every question that was answered.
    """

    def __init__(
        self, dag_id: str, run_after: datetime, *, say: Callable[[str], None] = lambda line: None, answer: str | None = None
    ) -> None:
        self.asked: list[tuple[str, str]] = []
        self._dag_id, self._run_after, self._say, self._answer = dag_id, run_after, say, answer
        self._told: set[tuple[str, int]] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        self._look()

    def _follow(self) -> None:
        try:
            while not self._end.wait(POLL_SECONDS):
                self._look()
        except BaseException:
            _thread.interrupt_main()  # a run that waits for an answer would otherwise wait for ever
            raise

    def _look(self) -> None:
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import select
        from sqlalchemy.exc import OperationalError

        try:
            with create_session() as session:
                query = select(TaskInstance).where(TaskInstance.dag_id == self._dag_id)
                instances = session.scalars(query.join(TaskInstance.dag_run).where(_run_after() == self._run_after)).all()
                for instance in sorted(instances, key=lambda found: (found.end_date or self._run_after, found.map_index)):
                    self._tell(instance)
                    if self._answer is not None and _state(instance) == "awaiting_input":
                        self.asked.append(answer(instance, self._answer, session))
        except OperationalError:
            pass  # SQLite is being written to: the next look sees it

    def _tell(self, instance: Any) -> None:
        key = (instance.task_id, instance.map_index)
        if key in self._told or _state(instance) not in ("success", "failed", "skipped", "upstream_failed"):
            return
        self._told.add(key)
        name = (
            instance.task_id
            if instance.map_index < 0
            else f"{instance.task_id}[{instance.rendered_map_index or instance.map_index}]"
        )
        took = "" if instance.duration is None else f"{instance.duration:6.1f} s"
        self._say(f"  {name:40} {_state(instance):16}{took}")


def answer(instance: Any, choice: str, session: Any) -> tuple[str, str]:
    """Answer the question of a waiting task as the API does, or as the scheduler once it has expired; gives subject and body."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.trigger import handle_event_submit
    from airflow.sdk.timezone import utcnow
    from airflow.triggers.base import TriggerEvent

    detail = session.get(HITLDetail, instance.id)
    expired = choice == "expire"
    detail.chosen_options = list(detail.defaults) if expired else [choice]
    detail.params_input = {}
    detail.responded_at = utcnow()
    detail.responded_by = None if expired else {"id": "demo", "name": "demo"}
    session.add(detail)
    event = TriggerEvent(detail.as_resume_event_payload(timedout=expired))  # type: ignore[no-untyped-call]
    handle_event_submit(event, task_instance=instance, session=session)
    return detail.subject, detail.body or ""


def _state(instance: Any) -> str:
    return str(getattr(instance.state, "value", instance.state))


def _run_after() -> Any:
    from airflow.models.dagrun import DagRun

    return DagRun.run_after
