"""What the tests of several settings are given."""

import shutil
from pathlib import Path

import pytest

from tests.settings.project_files import CONFIG


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))
