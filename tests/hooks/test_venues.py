"""The venues in the foreground, as a container runs them."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.hooks import venues
from include.sandbox import control
from tests.dags.world import stock


@pytest.fixture
def screens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    before = dict(os.environ)
    monkeypatch.setenv("POLYBROKER_DATABASE_URL", f"sqlite:///{tmp_path / 'polybroker.db'}")
    monkeypatch.setenv("POLYBROKER_SANDBOX_DIR", str(tmp_path / "sandbox"))
    monkeypatch.setattr(venues, "LOOK_SECONDS", 0.05)
    created = (datetime.now(UTC) - timedelta(days=5)).date().isoformat()
    stocks = [stock(number) for number in range(5)]
    document = {"metadata": {"created_at": created}, "screens": {"trees": {"name": "trees", "stocks": stocks}}}
    path = tmp_path / "universe.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    yield str(path)
    os.environ.clear()
    os.environ.update(before)


def test_asked_to_stop_it_ends_the_venues(screens: str, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert venues.serve(screens, stop) == 0
    assert "IB_PORT=" in (tmp_path / "sandbox" / "sandbox.env").read_text(encoding="utf-8")
    assert [row["running"] for row in control.status(tmp_path / "sandbox")] == [False, False]


def test_when_a_venue_dies_it_ends_and_is_started_again(screens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    up = control.up

    def dies(folder: Path) -> dict[str, str]:
        variables = up(folder)
        (pid,) = [row["pid"] for row in control.status(folder) if row["venue"] == "ibkr"]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return variables

    monkeypatch.setattr(control, "up", dies)
    assert venues.serve(screens, threading.Event()) == 1
    assert [row["running"] for row in control.status(tmp_path / "sandbox")] == [False, False]
