"""Tells somebody: a line in the log and a file under `<data>/notifications/`, for a failed run and for a waiting approval.

Mail, Slack and the like are Airflow notifiers of their own providers: put one beside this in `dags/rebalance_portfolio.py`.
"""

import logging
import re
from typing import Any

from airflow.sdk import BaseNotifier, Context

log = logging.getLogger(__name__)


class FileNotifier(BaseNotifier):
    """Writes `<data>/notifications/<run id>.<topic>.json`.

    Args:
        topic: What happened, e.g. `run.failed`, `approval.waiting`.
    """

    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic

    def notify(self, context: Context) -> None:
        """Log and write; a notification that cannot be written never fails what it is about."""
        from include.settings import load_settings
        from include.storage.artifacts import write_json

        body = notification(self.topic, context)
        log.warning("%s: %s", self.topic, body)
        try:
            name = re.sub(r"[^A-Za-z0-9._+-]", "_", f"{body['run_id']}.{self.topic}.json")
            write_json(f"{load_settings().environ.data_uri}/notifications/{name}", body)
        except Exception:
            log.exception("notification %s could not be written", self.topic)


def notification(topic: str, context: Any) -> dict[str, Any]:
    """What is told: topic, DAG, run, the task if one is at hand, and the reason Airflow gives."""
    instance = context.get("ti")
    error = context.get("exception")
    return {
        "topic": topic,
        "dag_id": context["dag"].dag_id if context.get("dag") else None,
        "run_id": context.get("run_id") or (context["dag_run"].run_id if context.get("dag_run") else None),
        "task_id": getattr(instance, "task_id", None),
        "map_index": getattr(instance, "map_index", None),
        "reason": context.get("reason"),
        "error": None if error is None else f"{type(error).__name__}: {error}",
    }
