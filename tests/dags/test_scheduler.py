"""Api-server, scheduler with LocalExecutor and dag-processor as processes, driven over the API as the web UI does it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from include.hooks.local import USER, airflow_environment, password
from include.hooks.up import SERVICES
from include.settings import PROJECT
from tests.dags.world import BROKERS, World

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

PATIENCE_SECONDS = 300.0
T = TypeVar("T")
AIRFLOW = Path(sys.executable).parent / "airflow"
RUNS = "/api/v2/dags/rebalance_portfolio/dagRuns"


@pytest.fixture
def airflow(world: World, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of an Airflow whose processes are ended afterwards."""
    world.list_only(16)  # 80 %: a person is asked
    world.file_venues()
    world.universe.write_text(world.universe.read_text(encoding="utf-8").replace("2026-01-05", yesterday()), encoding="utf-8")
    home = tmp_path / "airflow"
    port = free_port()
    environment = os.environ | airflow_environment(home, port) | {"PYTHONPATH": str(PROJECT)}
    subprocess.run([AIRFLOW, "db", "migrate"], env=environment, cwd=tmp_path, check=True, capture_output=True)
    processes = []
    for name in ("api-server", "scheduler", "dag-processor"):
        command = [AIRFLOW, *SERVICES[name].format(port=port).split()]
        with open(tmp_path / f"{name}.log", "wb") as log:
            processes.append(
                subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
            )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            token = until(lambda: log_in(client, home))
            client.headers["Authorization"] = f"Bearer {token}"
            until(lambda: client.get("/api/v2/dags/rebalance_portfolio").status_code == 200)
            yield client
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the executor's idle workers too
            process.wait()


def test_a_run_over_the_api_is_rejected_then_another_is_approved(airflow: httpx.Client, world: World, tmp_path: Path) -> None:
    log = tmp_path / "scheduler.log"
    rejected = trigger(airflow)
    assert rejected["logical_date"] is None
    asked = answer(airflow, log, rejected["dag_run_id"], "Reject")
    assert "sha256" in asked["body"]
    assert "Spruce Holdings Corp" in asked["body"]  # one of the four that nobody lists
    assert finished(airflow, rejected["dag_run_id"]) == "failed"
    tasks = states(airflow, rejected["dag_run_id"])
    assert tasks["approve_orders"] == "failed"
    assert tasks["submit_orders"] == "upstream_failed"
    assert tasks["report_run"] == "success"
    assert [len(world.filed_venue(broker).book) for broker in BROKERS] == [0, 0]

    approved = trigger(airflow)
    answer(airflow, log, approved["dag_run_id"], "Approve")
    assert finished(airflow, approved["dag_run_id"]) == "success"
    assert states(airflow, approved["dag_run_id"])["reconcile_orders"] == "success"
    assert [len(world.filed_venue(broker).book) for broker in BROKERS] == [8, 8]


def trigger(airflow: httpx.Client) -> dict[str, Any]:
    answered = airflow.post(RUNS, json={"logical_date": None, "conf": {"first_funding": True}})
    assert answered.status_code == 200, answered.text
    found: dict[str, Any] = answered.json()
    return found


def answer(airflow: httpx.Client, log: Path, run_id: str, choice: str) -> dict[str, Any]:
    """Wait until the run asks, then answer; gives what was asked.

    An answer within a tenth of a second overtakes the scheduler's own note that the asking process has ended, and Airflow then
    takes the task for lost. No person is that fast; this test waits for the note in the scheduler's log.
    """
    uri = f"{RUNS}/{run_id}/taskInstances/approve_orders/-1/hitlDetails"
    until(lambda: states(airflow, run_id).get("approve_orders") == "awaiting_input")
    noted = f"task_id='approve_orders', run_id='{run_id}'"
    until(
        lambda: any("Received executor event" in line and noted in line for line in log.read_text(errors="replace").splitlines())
    )
    asked: dict[str, Any] = airflow.get(uri).json()
    answered = airflow.patch(uri, json={"chosen_options": [choice], "params_input": {}})
    assert answered.status_code == 200, answered.text
    return asked


def states(airflow: httpx.Client, run_id: str) -> dict[str, str]:
    """State by task; of a mapped task, one of them."""
    found = airflow.get(f"{RUNS}/{run_id}/taskInstances").json()["task_instances"]
    return {instance["task_id"]: instance["state"] for instance in found}


def finished(airflow: httpx.Client, run_id: str) -> str:
    def ended() -> str | None:
        state = str(airflow.get(f"{RUNS}/{run_id}").json()["state"])
        return state if state in ("success", "failed") else None

    return until(ended)


def log_in(client: httpx.Client, home: Path) -> str | None:
    try:
        found = client.post("/auth/token", json={"username": USER, "password": password(home)})
        return str(found.json()["access_token"]) if found.status_code < 300 else None
    except httpx.TransportError:
        return None


def until(probe: Callable[[], T | None]) -> T:
    """The first answer of `probe` that counts as true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := probe():
            return found
        time.sleep(0.5)
    raise AssertionError(f"nothing after {PATIENCE_SECONDS} s")


def yesterday() -> str:
    return (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
