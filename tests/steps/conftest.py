"""What several steps' tests are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.storage.database import Database, open_database, upgrade


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """The project's database, empty, in `polybroker.db` of the test's folder."""
    url = f"sqlite:///{tmp_path / 'polybroker.db'}"
    upgrade(url)
    with open_database(url) as opened:
        yield opened
