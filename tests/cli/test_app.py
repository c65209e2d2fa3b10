import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.cli import app as application
from include.errors import InputError


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["run"],
        ["map"],
        ["sandbox"],
        ["db"],
        ["adopt"],
        ["cancel-all"],
        ["config"],
        ["lists"],
        ["mappings"],
        ["mappings", "accept"],
    ],
)
def test_help_of_every_command_has_an_example_or_a_list(words: list[str]) -> None:
    from typer.testing import CliRunner

    from include.cli.app import app

    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output or "Commands" in result.output


def test_the_module_is_the_command_and_errors_become_exit_codes() -> None:
    command = [sys.executable, "-m", "include.cli", "cancel-all", "--account", "nobody"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("InputError: portfolios, field 'account_id': expected one of alpaca-main")
    assert "Traceback" not in done.stderr


def test_brackets_in_a_message_are_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise InputError("expected a price", source="/in [bold]/a.csv", value="[/red]")

    monkeypatch.setattr(application, "app", fail)
    with pytest.raises(SystemExit) as ended:
        application.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "InputError: /in [bold]/a.csv: expected a price (found '[/red]')\n"


def test_a_folder_that_cannot_be_made_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sandbox = {"POLYBROKER_SANDBOX_DIR": str(tmp_path / "file" / "sandbox")}
    environ = {**os.environ, "POLYBROKER_DATABASE_URL": f"sqlite:///{tmp_path}/polybroker.db", **sandbox}
    command = [sys.executable, "-m", "include.cli", "sandbox", "up"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 2
    folder = tmp_path / "file" / "sandbox"
    assert done.stderr == f"InputError: {folder}: expected a file or folder that can be used: Not a directory\n"
