"""One connection, opened as the limits of the login let it."""

import pytest

from include.brokers.budgets import Budgets
from include.brokers.ibkr.history import current_time
from include.brokers.ibkr.session import Session
from include.brokers.pacing import Pacer
from include.domain.pacing import Pacing
from include.errors import Transient
from tests.fakes.shared_state import MemoryState

PACING = Pacing.model_validate(
    {"limits": {"messages": {"allowed": 45, "seconds": 1}}, "weights": {"*": {"messages": 1}, "connect": {"messages": 10}}}
)


def test_a_connection_that_could_not_be_opened_for_want_of_slots_is_opened_by_the_next_request(port: int) -> None:
    state = MemoryState()
    state.away = True
    session = Session("127.0.0.1", port, [11], pacer=Pacer(PACING, Budgets(state, "ibkr-sandbox"), "here"))
    try:
        for _ in range(2):
            with pytest.raises(Transient, match="the database is locked"):
                session.run(lambda: current_time(session))
        state.away = False
        assert session.run(lambda: current_time(session)).tzinfo is not None
    finally:
        session.close()
