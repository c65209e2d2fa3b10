"""The folder of a configuration: whoever reads it sees one version whole, however its replacement ends."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.errors import InputError
from include.settings.folder import MARKER, finish_writing, read_files, write_files

FILES = {"polybroker.yaml": b"options: {}\n", "brokers/a.yaml": b"credentials: { key: A_KEY }\n"}
OLD = {"polybroker.yaml": b"old\n", "brokers/a.yaml": b"old\n", "brokers/gone.yaml": b"old\n", "preferences.yaml": b"same\n"}
NEW = {"polybroker.yaml": b"new\n", "brokers/a.yaml": b"new\n", "portfolios/p.yaml": b"new\n", "preferences.yaml": b"same\n"}


def test_writing_replaces_and_removes_and_leaves_other_files_alone(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "polybroker.yaml").chmod(0o640)
    write_files(tmp_path, {"polybroker.yaml": b"x: 1\n", "portfolios/p.yaml": b""})
    assert read_files(tmp_path) == {"polybroker.yaml": b"x: 1\n", "portfolios/p.yaml": b""}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert stat.S_IMODE((tmp_path / "polybroker.yaml").stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["brokers", "notes.txt", "polybroker.yaml", "portfolios"]


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "brokers").write_text("a file where a folder belongs")
    with pytest.raises(InputError, match=r"brokers/a.yaml: expected a file that can be written: .* polybroker config validate$"):
        write_files(tmp_path, FILES)
    assert read_files(tmp_path) == FILES
    (tmp_path / "brokers").unlink()
    assert finish_writing(tmp_path)
    assert on_disk(tmp_path) == FILES


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1]", b'{"polybroker.yaml": 1}'])
def test_a_marker_that_this_project_did_not_write_is_named(tmp_path: Path, content: bytes) -> None:
    write_files(tmp_path, FILES)
    (tmp_path / MARKER).write_bytes(content)
    for read in (read_files, finish_writing):
        with pytest.raises(InputError, match=rf"{MARKER}: expected .*; remove it, then the files beside it count"):
            read(tmp_path)
    write_files(tmp_path, NEW)
    assert read_files(tmp_path) == NEW


class Cut(BaseException):
    """The power is cut: nothing handles it."""


class Power:
    """Everything that changes a disk, counted; from the `last` of it on nothing reaches the disk any more."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last

    def through(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wired(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self._last is not None and self.count >= self._last:
                raise Cut
            return call(*args, **kwargs)

        return wired


@pytest.fixture
def wired(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], Power]:
    def switch(last: int | None) -> Power:
        monkeypatch.undo()
        power = Power(last)
        for name in ("replace", "fsync", "fchmod", "unlink", "mkdir"):
            monkeypatch.setattr(os, name, power.through(getattr(os, name)))
        opened = Path.open

        def opening(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            return power.through(opened)(path, mode, *args, **kwargs) if "w" in mode else opened(path, mode, *args, **kwargs)

        monkeypatch.setattr(Path, "open", opening)
        return power

    return switch


def on_disk(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_power_is_cut_at_every_step_of_a_replacement(
    tmp_path: Path, wired: Callable[[int | None], Power], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    write_files(whole, OLD)
    steps = wired(None)
    write_files(whole, NEW)
    assert read_files(whole) == NEW
    assert steps.count > 20
    found = []
    for last in range(1, steps.count + 1):
        monkeypatch.undo()
        folder = tmp_path / str(last)
        write_files(folder, OLD)
        wired(last)
        with pytest.raises(Cut):
            write_files(folder, NEW)
        monkeypatch.undo()
        seen = read_files(folder)
        found.append("new" if seen == NEW else "old" if seen == OLD else "mixed")
        broken_off = (folder / MARKER).exists()
        wired(last)  # and once more while it is being finished, if that takes as long
        try:
            assert finish_writing(folder) == broken_off
        except Cut:
            monkeypatch.undo()
            assert read_files(folder) == seen
        monkeypatch.undo()
        finish_writing(folder)
        left = on_disk(folder)
        left.pop(f".{MARKER}.new", None)  # of a replacement that was not decided yet: the next one writes over it
        assert left == seen
    assert found == ["old"] * found.count("old") + ["new"] * found.count("new")
    assert found.count("old") >= 4  # until the rename
    assert found.count("new") >= 16


def test_another_version_may_replace_one_that_is_not_finished(tmp_path: Path, wired: Callable[[int | None], Power]) -> None:
    write_files(tmp_path, OLD)
    wired(9)
    with pytest.raises(Cut):
        write_files(tmp_path, NEW)
    wired(None)
    assert (tmp_path / MARKER).exists()
    write_files(tmp_path, OLD)
    assert on_disk(tmp_path) == OLD


def test_readers_beside_a_writer_never_see_both_versions(tmp_path: Path) -> None:
    write_files(tmp_path, OLD)
    over = threading.Event()
    seen: list[dict[str, bytes]] = []

    def read() -> None:
        while not over.is_set():
            seen.append(read_files(tmp_path))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        write_files(tmp_path, NEW)
        write_files(tmp_path, OLD)
    over.set()
    reader.join()
    assert seen
    assert all(files in (OLD, NEW) for files in seen)


def test_what_cannot_be_decided_changes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, OLD)
    with pytest.raises(InputError, match=r"^b.yaml: expected UTF-8"):
        write_files(tmp_path, {**NEW, "b.yaml": b"\xff"})
    assert on_disk(tmp_path) == OLD
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_files(tmp_path / "polybroker.yaml", NEW)
    assert on_disk(tmp_path) == OLD


def test_nothing_to_finish(tmp_path: Path) -> None:
    assert finish_writing(tmp_path) is False
    assert finish_writing(tmp_path / "nowhere") is False
    assert read_files(tmp_path / "nowhere") == {}
