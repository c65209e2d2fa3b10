from decimal import Decimal as D

import pytest

from include.brokers.guarded import Guarded
from tests.brokers.guarded.fakes import Flaky, Time, guard
from tests.fakes.broker import FakeVenue
from tests.fakes.orders import make_contract


@pytest.fixture
def venue() -> FakeVenue:
    venue = FakeVenue()
    venue.prices["101"] = D(10)
    return venue


@pytest.fixture
def flaky(venue: FakeVenue) -> Flaky:
    return Flaky(venue, [make_contract("101"), make_contract("102")])


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def broker(flaky: Flaky, time: Time) -> Guarded:
    return guard(flaky, time)
