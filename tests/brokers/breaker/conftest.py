import pytest

from tests.brokers.breaker.fakes import World


@pytest.fixture
def world() -> World:
    return World()
