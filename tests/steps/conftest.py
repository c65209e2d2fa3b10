"""What several steps' tests are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.domain.run import Run
from include.storage.database import Database, open_database, upgrade
from tests.fakes.execution import Execution, make_execution, write_plan
from tests.steps.mapping_days import Days
from tests.steps.run_files import make_run, write_inputs
from tests.steps.submitting import BUY, OTHER, SELL


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """The project's database, empty, in `polybroker.db` of the test's folder."""
    url = f"sqlite:///{tmp_path / 'polybroker.db'}"
    upgrade(url)
    with open_database(url) as opened:
        yield opened


@pytest.fixture
def days(tmp_path: Path, database: Database) -> Days:
    """Days at one broker, none of which has been yet."""
    return Days(tmp_path, database)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with everything that planning reads."""
    made = make_run(tmp_path / "run")
    write_inputs(made)
    return made


@pytest.fixture
def execution(tmp_path: Path) -> Iterator[Execution]:
    """A plan of three orders of one account, none sent yet."""
    made = make_execution(tmp_path)
    write_plan(made, [BUY, SELL, OTHER])
    yield made
    made.database.close()
