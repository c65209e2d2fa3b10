"""A local TWS with a book of a few listings, new for every test."""

from collections.abc import Iterator

import pytest

from include.sandbox.book import VenueBook
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.venue import make_book


@pytest.fixture
def book() -> VenueBook:
    return make_book()


@pytest.fixture
def port(book: VenueBook) -> Iterator[int]:
    with running_ibkr_venue(book) as bound:
        yield bound
