from typing import Any

import httpx
import pytest

from benchmarks.airflow_run import step_eight, whole


def instance(task: str, start: str, end: str, index: int = -1, state: str = "success") -> dict[str, Any]:
    return {
        "task_id": task,
        "map_index": index,
        "rendered_map_index": "ibkr" if index >= 0 else None,
        "state": state,
        "start_date": f"2026-01-06T22:00:{start}Z",
        "end_date": f"2026-01-06T22:00:{end}Z",
    }


def airflow(instances: list[dict[str, Any]]) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"dag_run_id": "r1"})
        if request.url.path.endswith("/taskInstances"):
            return httpx.Response(200, json={"task_instances": instances})
        assert request.url.path.endswith("/dagRuns/r1")
        return httpx.Response(200, json={"state": "success"})

    return httpx.Client(base_url="http://airflow", transport=httpx.MockTransport(answer))


def test_step_eight_is_from_the_first_look_up_to_the_end_of_coverage() -> None:
    instances = [
        instance("check_coverage", "09", "15"),
        instance("size_positions", "01", "02"),
        instance("refresh_contracts", "03", "07", index=0),
        instance("plan_orders", "16", "20"),
    ]
    tasks = step_eight(airflow(instances))
    assert [task.name for task in tasks] == ["refresh_contracts[ibkr]", "check_coverage"]
    assert [task.seconds for task in tasks] == [4.0, 6.0]
    assert whole(tasks) == 12.0


def test_a_failed_task_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="merge_mappings failed"):
        step_eight(airflow([instance("merge_mappings", "03", "07", state="failed")]))
