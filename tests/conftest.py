"""Fixtures every test may ask for."""

import logging
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# Laws are checked without a clock: a busy machine is not a broken law.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


_folders = pytest.StashKey[dict[tuple[pytest.Collector, Path], pytest.Collector]]()


@pytest.hookimpl(wrapper=True)
def pytest_collect_directory(
    path: Path, parent: pytest.Collector
) -> Generator[None, pytest.Collector | None, pytest.Collector | None]:
    """One node for a folder in the whole session: pytest 9 ties a conftest's fixtures to the node it made first.

    It reads a folder anew for every file that is named in it, and so makes new nodes for the folders in that one: of
    `tests/cli/test_a.py tests/test_b.py tests/cli/test_c.py` the last one had no fixture of `tests/cli/conftest.py`.
    """
    made = yield
    return made and parent.config.stash.setdefault(_folders, {}).setdefault((parent, path), made)


@pytest.fixture(autouse=True)
def _loggers_speak() -> None:
    """Airflow's own set-up silences loggers that were there before it: a test of a warning must not depend on the order."""
    logging.getLogger("include").setLevel(logging.WARNING)
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("include") and isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; absent: the test is skipped, loudly, and fails where CI is set."""
    folder = Path(os.environ.get("POLYBROKER_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the real data must be present in CI: {folder}")
        pytest.skip(f"REAL DATA ABSENT: {folder} (set POLYBROKER_TEST_DATA)")
    return folder
