import os
from pathlib import Path

import pytest

from include.errors import InputError
from include.storage.artifacts import root_uri, write_json
from include.storage.latest import latest, set_latest


def run(root: str, name: str) -> str:
    folder = f"{root}/runs/{name}"
    write_json(f"{folder}/run.json", {"name": name})
    return folder


@pytest.fixture(params=["uri", "path"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return root_uri(tmp_path / "my data") if request.param == "uri" else str(tmp_path / "my data")


def test_none_yet(root: str) -> None:
    assert latest(root) is None


def test_the_link_is_relative_and_can_be_moved_on(root: str, tmp_path: Path) -> None:
    first, second = run(root, "2025-09-17/a"), run(root, "2025-09-18/b")
    assert set_latest(root, first) == f"{root}/runs/latest"
    assert latest(root) == first
    assert set_latest(f"{root}/", second) == f"{root}/runs/latest"
    assert latest(root) == second
    link = tmp_path / "my data" / "runs" / "latest"
    assert os.readlink(link) == "2025-09-18/b"
    assert (link / "run.json").is_file()
    assert sorted(path.name for path in link.parent.iterdir()) == ["2025-09-17", "2025-09-18", "latest"]


def test_a_run_that_is_gone_is_none(tmp_path: Path) -> None:
    set_latest(str(tmp_path), run(str(tmp_path), "2025-09-17/a"))
    (tmp_path / "runs" / "2025-09-17").rename(tmp_path / "moved")
    assert latest(str(tmp_path)) is None


def test_a_folder_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        set_latest(str(tmp_path), "/elsewhere/runs/2025-09-17/a")
    assert str(error.value) == f"/elsewhere/runs/2025-09-17/a: expected a folder under {tmp_path}/runs"


def test_something_stands_in_the_way(tmp_path: Path) -> None:
    folder = run(str(tmp_path), "2025-09-17/a")
    (tmp_path / "runs" / "latest").mkdir()
    with pytest.raises(InputError) as error:
        set_latest(str(tmp_path), folder)
    assert str(error.value) == f"{tmp_path}/runs/latest: expected a symbolic link here: move this file or folder away"
    assert latest(str(tmp_path)) is None


def test_object_stores_have_a_file() -> None:
    root = "memory://latest-test"
    assert latest(root) is None
    assert set_latest(root, run(root, "2025-09-17/a")) == f"{root}/runs/latest.json"
    assert latest(root) == f"{root}/runs/2025-09-17/a"
