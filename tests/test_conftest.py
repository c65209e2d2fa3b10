"""However files are put together on the command line, each has the fixtures of its folder."""

import subprocess
import sys

import pytest

from include.settings import PROJECT

LOOKUPS, TOKENS, HERE = "tests/storage/test_lookups.py", "tests/storage/test_tokens.py", "tests/test_requirements.py"
DEEP, DEEPER = "tests/brokers/test_registry.py", ("tests/brokers/paper/test_orders.py", "tests/brokers/paper/test_adapter.py")


@pytest.mark.parametrize("files", [(LOOKUPS, HERE, TOKENS), (LOOKUPS, DEEPER[0], DEEP, HERE, DEEPER[1], TOKENS)])
def test_a_file_of_an_outer_folder_between_two_of_an_inner_one(files: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--setup-plan", *files]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert "not found" not in ended.stdout
    assert ended.returncode == 0, ended.stdout[-2000:]
