import json
from pathlib import Path

import pytest

from include.errors import InputError
from include.steps.add_history import add_history
from include.steps.build_universe import build_universe
from include.steps.fetch_screens import fetch_screens
from include.storage.artifacts import read_json
from tests.screening.exports import APPLE, export, screen
from tests.steps.screening_runs import resolved, tree


def test_history_per_screen_with_its_direction(tmp_path: Path) -> None:
    export(export(tmp_path / "s" / "2025-09-17", "a"), "b", trade="Short")
    (tmp_path / "s" / "2025-09-17" / "c_current_screen.csv").write_bytes(screen(APPLE))
    run = resolved(tmp_path, tmp_path / "s")
    for key in "abc":
        fetch_screens(run, key)
    before = read_json(build_universe(run))
    uri = add_history(run)
    assert uri == f"{run.folder}/stages/add_history.json"
    document = read_json(uri)
    history = document["metadata"].pop("historical_performance")
    assert document == before
    assert {key: (entry["direction"], len(entry["quarterly_data"])) for key, entry in history.items()} == {
        "a": ("long", 1),
        "b": ("short", 1),
        "c": ("long", 0),
    }
    files = tree(tmp_path / "data")
    add_history(run)
    assert tree(tmp_path / "data") == files


def test_without_the_stage_before(tmp_path: Path) -> None:
    run = resolved(tmp_path, export(tmp_path / "s"))
    with pytest.raises(InputError, match="stages/build_universe.json: expected a readable file: FileNotFoundError$"):
        add_history(run)


def test_the_real_backtests(tmp_path: Path, shared_data: Path) -> None:
    run = resolved(tmp_path, shared_data / "uncle_stock")
    for source in run.screens:
        fetch_screens(run, source.key)
    build_universe(run)
    history = read_json(add_history(run))["metadata"]["historical_performance"]
    old = json.loads((shared_data / "uncle_stock" / "universe.json").read_bytes())["metadata"]["historical_performance"]
    assert {key: entry["direction"] for key, entry in history.items()} == {
        "Moat_Companies": "long",
        "TOR_Surplus": "short",
        "quality_bloom": "long",
    }
    assert {key: entry["quarterly_data"] for key, entry in history.items()} == {
        key: entry["quarterly_data"] for key, entry in old.items()
    }
