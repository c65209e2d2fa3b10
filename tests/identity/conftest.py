from collections.abc import Iterator
from pathlib import Path

import pytest

from include.storage.database import Database, open_database, upgrade
from tests.identity.openfigi_server import Clock, OpenFigiServer, Running, running


@pytest.fixture(scope="module")
def openfigi_running() -> Iterator[Running]:
    with running() as made:
        yield made


@pytest.fixture
def openfigi(openfigi_running: Running) -> OpenFigiServer:
    """A running OpenFIGI that knows nothing yet and was asked nothing."""
    openfigi_running.current = OpenFigiServer(Clock(), url=openfigi_running.url)
    return openfigi_running.current


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    upgrade(url := f"sqlite:///{tmp_path / 'polybroker.db'}")
    with open_database(url) as opened:
        yield opened
