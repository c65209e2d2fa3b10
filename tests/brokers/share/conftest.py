import pytest

from tests.brokers.share.fakes import Time
from tests.fakes.shared_state import MemoryState


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def store() -> MemoryState:
    return MemoryState()
