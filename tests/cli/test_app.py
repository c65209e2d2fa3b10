import subprocess
import sys

import pytest


@pytest.mark.parametrize("words", [[], ["run"], ["map"], ["sandbox"], ["db"], ["adopt"], ["cancel-all"], ["config"]])
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
