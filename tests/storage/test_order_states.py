import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.order import OrderState as S
from include.storage.order_states import OPEN, advance

STATES = st.sampled_from(list(S))


@pytest.mark.parametrize(
    ("current", "reported", "after"),
    [
        (S.SENDING, S.ACCEPTED, S.ACCEPTED),
        (S.SENDING, S.UNKNOWN, S.UNKNOWN),
        (S.SENDING, S.REJECTED, S.REJECTED),
        (S.UNKNOWN, S.SENDING, S.UNKNOWN),
        (S.UNKNOWN, S.ACCEPTED, S.ACCEPTED),
        (S.UNKNOWN, S.NOT_SENT, S.NOT_SENT),
        (S.ACCEPTED, S.UNKNOWN, S.ACCEPTED),
        (S.ACCEPTED, S.NOT_SENT, S.ACCEPTED),
        (S.PARTIALLY_FILLED, S.ACCEPTED, S.PARTIALLY_FILLED),
        (S.PARTIALLY_FILLED, S.CANCELLED, S.CANCELLED),
        (S.FILLED, S.ACCEPTED, S.FILLED),
        (S.FILLED, S.CANCELLED, S.FILLED),
        (S.CANCELLED, S.FILLED, S.FILLED),
        (S.CANCELLED, S.ACCEPTED, S.CANCELLED),
        (S.EXPIRED, S.FILLED, S.FILLED),
        (S.REJECTED, S.ACCEPTED, S.REJECTED),
        (S.NOT_SENT, S.FILLED, S.FILLED),
        (S.NOT_SENT, S.ACCEPTED, S.NOT_SENT),
        (S.NOT_SENT, S.HELD, S.NOT_SENT),
        (S.HELD, S.FILLED, S.HELD),
        (S.PLANNED, S.HELD, S.HELD),
        (S.SENDING, S.HELD, S.SENDING),
        (S.ACCEPTED, S.HELD, S.ACCEPTED),
    ],
)
def test_transitions(current: S, reported: S, after: S) -> None:
    assert advance(current, reported) is after


@given(STATES, STATES)
def test_a_final_state_never_opens_again(current: S, reported: S) -> None:
    if current.is_final:
        assert advance(current, reported).is_final


@given(STATES, STATES)
def test_the_same_report_twice_is_the_same_as_once(current: S, reported: S) -> None:
    once = advance(current, reported)
    assert advance(once, reported) is once


def test_open_states_are_those_that_may_stand_at_the_broker() -> None:
    assert set(OPEN) == {state for state in S if not state.is_final} - {S.PLANNED}
