from include.domain.order import OrderState, Side


def test_buy_is_positive() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


def test_final_states_are_those_nothing_leaves() -> None:
    final = {state.value for state in OrderState if state.is_final}
    assert final == {"held", "filled", "cancelled", "expired", "rejected", "not_sent"}
    for state in ("planned", "sending", "accepted", "partially_filled", "unknown"):
        assert not OrderState(state).is_final
