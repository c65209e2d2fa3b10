"""The demo on a small universe with the real venues, twice: the second run sends nothing."""

import json
import os
import sqlite3
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.hooks import demo
from include.sandbox import control
from tests.airflow_home import HOME
from tests.dags.world import NAMES, stock

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]


@pytest.fixture
def project(airflow_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project folder; what the demo sets in the environment is undone."""
    before = dict(os.environ)
    monkeypatch.setattr(demo, "HOME", HOME)  # Airflow is loaded already: it stays where it is
    for name, value in {
        "POLYBROKER_DATA_URI": (tmp_path / "data").as_uri(),
        "POLYBROKER_DATABASE_URL": f"sqlite:///{tmp_path / 'polybroker.db'}",
        "POLYBROKER_SANDBOX_DIR": str(tmp_path / "sandbox"),
        "POLYBROKER_KILL_SWITCH": str(tmp_path / "KILL_SWITCH"),
    }.items():
        monkeypatch.setenv(name, value)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


def universe(folder: Path) -> Path:
    created = (datetime.now(UTC) - timedelta(days=5)).date().isoformat()
    stocks = [stock(number) for number in range(len(NAMES))]
    document = {"metadata": {"created_at": created}, "screens": {"trees": {"name": "trees", "stocks": stocks}}}
    path = folder / "universe.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def orders(folder: Path) -> dict[str, int]:
    with sqlite3.connect(folder / "polybroker.db") as database:
        return dict(database.execute("SELECT state, count(*) FROM orders GROUP BY state").fetchall())


def test_the_demo_twice(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    screens = str(universe(project))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Airflow's and pandas's own
        assert demo.main(["--screens", screens]) == 0
    said = capfd.readouterr().out
    for words in (
        "Coverage",
        "Orders",
        "Execution",
        "drift of main",
        "report.md",
        "Great Expectations",
        "submit_orders[ibkr-main]",
    ):
        assert words in said
    assert "nothing is sent twice" not in said
    after_first = orders(project)
    assert after_first["filled"] > 0
    assert (project / "data" / "runs" / "latest" / "execution_report.json").is_file()
    assert [row["running"] for row in control.status(project / "sandbox")] == [False, False]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert demo.main(["--screens", screens]) == 0
    assert "nothing is sent twice" in " ".join(capfd.readouterr().out.split())
    assert orders(project) == after_first


def test_screens_that_cannot_be_read_end_the_demo_before_it_starts(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "universe.json").write_text("{", encoding="utf-8")
    assert demo.main(["--screens", str(project / "universe.json")]) == 2
    assert "universe.json: expected JSON" in capfd.readouterr().err
    assert not (project / "data").exists()
