"""Fixtures every test may ask for."""

import logging
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Laws are checked without a clock: a busy machine is not a broken law.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


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
