"""`polybroker config history | diff | backup | restore`."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.errors import InputError
from include.settings import PROJECT
from include.settings.files import version_of
from include.settings.folder import MARKER, read_files
from include.storage.config_versions import ConfigVersions
from include.storage.database import open_database, upgrade
from tests.cli.conftest import Polybroker, Result

NOW = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(PROJECT / "include" / "config", tmp_path / "config"))
    monkeypatch.setenv("POLYBROKER_CONFIG_DIR", str(folder))
    monkeypatch.setenv("POLYBROKER_DATABASE_URL", f"sqlite:///{tmp_path / 'own.db'}")
    upgrade(f"sqlite:///{tmp_path / 'own.db'}")
    return folder


def change(config: Path) -> None:
    path = config / "polybroker.yaml"
    path.write_text(path.read_text().replace("method: max_sharpe", "method: equal"))


def refused(result: Result) -> str:
    assert isinstance(result.error, InputError)
    return str(result.error)


def keep(tmp_path: Path, config: Path) -> str:
    with open_database(f"sqlite:///{tmp_path / 'own.db'}") as database:
        return ConfigVersions(database).record(read_files(config), "run-1", NOW)


def test_nothing_was_used_yet(polybroker: Polybroker, config: Path) -> None:
    assert "no version was used yet" in polybroker("config", "history").text


def test_history_marks_what_is_there_now(polybroker: Polybroker, config: Path, tmp_path: Path) -> None:
    version = keep(tmp_path, config)
    assert "│ * │" in polybroker("config", "history").text
    change(config)
    text = polybroker("config", "history").text
    assert version[:12] in text
    assert "run-1" in text
    assert "*" not in text


def test_a_diff_shows_lines_and_says_by_its_exit_code(polybroker: Polybroker, config: Path, tmp_path: Path) -> None:
    assert polybroker("config", "backup", tmp_path / "b.zip").code == 0
    same = polybroker("config", "diff", tmp_path / "b.zip")
    assert (same.code, same.text) == (0, "nothing differs\n")
    change(config)
    (config / "brokers" / "oanda.yaml").unlink()
    shown = polybroker("config", "diff", tmp_path / "b.zip", "now")
    assert shown.code == 1
    assert "-  method: max_sharpe\n+  method: equal\n" in shown.text
    assert "-list_reader: include.brokers.oanda.listing:contracts\n" in shown.text


def test_a_backup_replaces_no_file(polybroker: Polybroker, config: Path, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("mine")
    assert "expected a file that does not exist yet" in refused(polybroker("config", "backup", tmp_path / "b.zip"))
    assert (tmp_path / "b.zip").read_text() == "mine"
    assert "expected a file that can be written" in refused(polybroker("config", "backup", tmp_path / "no" / "b.zip"))


def test_restore_from_a_file_and_back_by_the_hash_of_what_it_replaced(
    polybroker: Polybroker, config: Path, tmp_path: Path
) -> None:
    first = read_files(config)
    polybroker("config", "backup", tmp_path / "b.zip")
    change(config)
    (config / "brokers" / "more.yaml").write_text("enabled: true\n")
    second = read_files(config)
    text = polybroker("config", "restore", tmp_path / "b.zip").text
    assert version_of(second)[:12] in text
    assert read_files(config) == first
    assert polybroker("config", "restore", version_of(second)[:12]).code == 0
    assert read_files(config) == second
    history = polybroker("config", "history").text
    assert version_of(first)[:12] in history
    assert version_of(second)[:12] in history


def test_the_next_command_finishes_a_restore_that_was_broken_off(
    polybroker: Polybroker, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polybroker("config", "backup", tmp_path / "b.zip")
    first = read_files(config)
    change(config)
    with monkeypatch.context() as broken:

        def full(self: Path) -> None:
            raise OSError(28, "No space left on device")

        broken.setattr(Path, "unlink", full)
        assert "No space left on device; the new version counts already" in refused(
            polybroker("config", "restore", tmp_path / "b.zip")
        )
    assert read_files(config) == first
    assert (config / MARKER).exists()
    assert "finished a restore that was broken off" in polybroker("config", "validate").text
    assert not (config / MARKER).exists()
    assert read_files(config) == first


def test_what_is_not_valid_is_not_restored(polybroker: Polybroker, config: Path, tmp_path: Path) -> None:
    good = read_files(config)
    (config / "brokers" / "alpaca.yaml").write_text("adapter: include.brokers.alpaca.adapter:AlpacaBroker\ntimeout: 3\n")
    polybroker("config", "backup", tmp_path / "bad.zip")
    assert "alpaca.yaml, field 'timeout'" in refused(polybroker("config", "validate"))
    for name, content in good.items():
        (config / name).write_bytes(content)
    assert "alpaca.yaml, field 'timeout'" in refused(polybroker("config", "restore", tmp_path / "bad.zip"))
    assert read_files(config) == good
    assert "expected a version of `polybroker config history`" in refused(polybroker("config", "restore", "abc"))


def test_a_configuration_that_is_broken_now_can_be_restored_over(polybroker: Polybroker, config: Path, tmp_path: Path) -> None:
    polybroker("config", "backup", tmp_path / "b.zip")
    good = read_files(config)
    (config / "brokers" / "alpaca.yaml").write_text("adapter: 3\n")
    (config / "polybroker.yaml").unlink()
    assert polybroker("config", "restore", tmp_path / "b.zip").code == 0
    assert read_files(config) == good


@pytest.mark.parametrize("command", ["history", "diff", "backup", "restore", "validate"])
def test_help_has_an_example(polybroker: Polybroker, command: str) -> None:
    assert f"polybroker config {command}" in " ".join(polybroker("config", command, "--help").text.split())


@pytest.mark.parametrize("words", [("backup", "{}/b.zip"), ("diff", "now")])
def test_a_folder_without_a_configuration_is_told_and_nothing_is_written(
    polybroker: Polybroker, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    monkeypatch.setenv("POLYBROKER_CONFIG_DIR", str(tmp_path / "nowhere"))
    text = refused(polybroker("config", words[0], words[1].format(tmp_path)))
    assert text == f"{tmp_path / 'nowhere'}: expected a folder with the configuration (POLYBROKER_CONFIG_DIR)"
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("name", ["before.zip", "backups/before"])
def test_a_backup_that_is_not_there_is_no_unknown_hash(polybroker: Polybroker, config: Path, name: str) -> None:
    text = refused(polybroker("config", "restore", name))
    assert text == f"{name}: expected a file of `polybroker config backup`; there is none of this name"
    assert "polybroker config history" in refused(polybroker("config", "restore", "3f2a91"))
