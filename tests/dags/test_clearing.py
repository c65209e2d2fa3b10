"""Clearing any task and running it again gives the same files and not one more order."""

import hashlib
from pathlib import Path

import pytest

from tests.dags.clearing import run_again
from tests.dags.world import World

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]


def content(folder: Path) -> dict[str, str]:
    """Hash of every file of a run, the Data Docs among them."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_task_once_more(world: World) -> None:
    first = world.run()
    assert first.run == "success"
    sent, before = world.sent(), content(first.folder)
    for name in ("universe.json", "report.md", "execution_report.json"):
        (first.folder / name).unlink()  # so that it shows whether the tasks really ran
    again = run_again(first.run_id)
    assert len(again) == 23  # every task but approve_orders, mapped ones by index
    assert set(again.values()) == {"success"}
    assert content(first.folder) == before
    assert world.sent() == sent
