"""Step 8 of 200 invented stocks in a real Airflow: scheduler, API server and DAG processor as processes, four tasks at a time."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx

from benchmarks.report import Goal, Section, table
from benchmarks.world import world, write_universe
from include.hooks.local import USER, airflow_environment, password
from include.hooks.up import DAG_ID, SERVICES
from include.settings import PROJECT

STOCKS = 200
STEP_EIGHT = ("refresh_contracts", "match_instruments", "merge_mappings", "check_coverage")
GOAL_SECONDS = 30
PATIENCE_SECONDS = 600.0
_RUNS = f"/api/v2/dags/{DAG_ID}/dagRuns"
_AIRFLOW = Path(sys.executable).parent / "airflow"
T = TypeVar("T")


@dataclass(frozen=True)
class Task:
    """One task instance of step 8."""

    name: str
    started: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return (self.ended - self.started).total_seconds()


def whole(tasks: Sequence[Task]) -> float:
    """Seconds from the first start to the last end."""
    return (max(task.ended for task in tasks) - min(task.started for task in tasks)).total_seconds()


def section() -> Section:
    """One run with nothing cached, and one after it."""
    print("Airflow: a scheduler, a cold run, a warm run ...", flush=True)
    with tempfile.TemporaryDirectory() as name:
        universe = Path(name) / "universe.json"
        write_universe(universe, STOCKS)
        with world(str(universe), None), _airflow(Path(name)) as client:
            cold, warm = step_eight(client), step_eight(client)
    goals = [
        Goal(
            f"{STOCKS} stocks through step 8 in Airflow, {name}: under {GOAL_SECONDS} s",
            f"{whole(tasks):.1f} s",
            whole(tasks) < GOAL_SECONDS,
        )
        for name, tasks in (("cold", cold), ("warm", warm))
    ]
    return Section("airflow", "Step 8 in Airflow", _text(cold, warm), goals)


def step_eight(client: httpx.Client) -> list[Task]:
    """Trigger a run that only plans, wait for its end, and give its tasks of step 8 by when they started.

    Raises:
        RuntimeError: One of them failed.
    """
    answered = client.post(_RUNS, json={"logical_date": None, "conf": {"execution_mode": "plan"}}).raise_for_status()
    uri = f"{_RUNS}/{answered.json()['dag_run_id']}"
    _until(lambda: client.get(uri).json()["state"] in ("success", "failed"))
    found = [row for row in _instances(client, uri) if row["task_id"] in STEP_EIGHT]
    failed = [f"{row['task_id']} {row['state']}" for row in found if row["state"] != "success"]
    if failed:
        raise RuntimeError(f"expected step 8 to succeed: {', '.join(failed)}")
    tasks = [
        Task(_name(row), datetime.fromisoformat(row["start_date"]), datetime.fromisoformat(row["end_date"])) for row in found
    ]
    return sorted(tasks, key=lambda task: task.started)


def _instances(client: httpx.Client, uri: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"{uri}/taskInstances", params={"limit": 100}).json()["task_instances"]
    return rows


def _name(row: dict[str, Any]) -> str:
    mapped = row["map_index"] >= 0
    return f"{row['task_id']}[{row['rendered_map_index'] or row['map_index']}]" if mapped else str(row["task_id"])


def _text(cold: Sequence[Task], warm: Sequence[Task]) -> str:
    later = {task.name: task.seconds for task in warm}
    rows = [f"{task.name} | {task.seconds:.1f} s | {later[task.name]:.1f} s" for task in cold]
    rows.append(f"**first start to last end** | **{whole(cold):.1f} s** | **{whole(warm):.1f} s**")
    return f"""{STOCKS} invented stocks at the local venues (`ibkr`, `alpaca`, and `paper`, which mirrors `ibkr`). A real
Airflow: scheduler with four workers, API server and DAG processor as processes of their own on this machine, SQLite; the
run is triggered over the API and only plans. Times are those of Airflow's task instances, so starting each task's
process and Airflow's own pauses between two tasks are in the last line. `check_coverage` imports Great Expectations,
which is included. Cold: no look-up is known, each costs its place in IBKR's pacing. Warm: the next run.

{table("task | cold | warm", rows)}"""


@contextmanager
def _airflow(folder: Path) -> Iterator[httpx.Client]:
    """A client of an Airflow that knows the venues by the environment; its processes end afterwards."""
    home, port = folder / "airflow", _free_port()
    environment = os.environ | airflow_environment(home, port) | {"PYTHONPATH": str(PROJECT)}
    subprocess.run([_AIRFLOW, "db", "migrate"], env=environment, cwd=folder, check=True, capture_output=True)
    processes = []
    try:
        for name in ("api-server", "scheduler", "dag-processor"):
            command = [str(_AIRFLOW), *SERVICES[name].format(port=port).split()]
            with open(folder / f"{name}.log", "wb") as log:
                processes.append(
                    subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
                )
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            client.headers["Authorization"] = f"Bearer {_until(lambda: _token(client, home))}"
            _until(lambda: client.get(f"/api/v2/dags/{DAG_ID}").status_code == 200)
            yield client
    finally:
        _end(processes)


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the executor's idle workers too
        process.wait()


def _token(client: httpx.Client, home: Path) -> str | None:
    try:
        found = client.post("/auth/token", json={"username": USER, "password": password(home)})
        return str(found.json()["access_token"]) if found.is_success else None
    except httpx.TransportError:
        return None


def _until(probe: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := probe():
            return found
        time.sleep(0.5)
    raise TimeoutError(f"nothing after {PATIENCE_SECONDS:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
