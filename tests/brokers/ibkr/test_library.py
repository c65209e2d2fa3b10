"""Which client library is used."""

import importlib.util

import pytest

from include.brokers.ibkr import library
from include.errors import InputError
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.kinds import kinds_book
from tests.brokers.ibkr.venue import make_broker

INSTALLED = [name for name in library.LIBRARIES if importlib.util.find_spec(name)]


def test_one_of_the_two_is_installed_and_taken() -> None:
    assert len(INSTALLED) == 1, "they must not be installed together"
    assert library.chosen("auto") == library.chosen(INSTALLED[0]) == INSTALLED[0]


@pytest.mark.parametrize("wanted", ["ibapi", "", *(name for name in library.LIBRARIES if name not in INSTALLED)])
def test_what_is_unknown_or_not_installed_is_said(wanted: str) -> None:
    with pytest.raises(InputError, match="library"):
        library.chosen(wanted)


def test_a_session_runs_on_the_chosen_one() -> None:
    with running_ibkr_venue(kinds_book()) as port, make_broker(port, library=INSTALLED[0]) as broker:
        broker.list_orders()
        assert broker._session is not None
        assert broker._session.library.__name__ == INSTALLED[0]
