from decimal import Decimal

import pytest

from include.domain.order import OrderReport, OrderState, Side
from tests.trading.build import position, snapshot


def standing(**changes: object) -> OrderReport:
    values = {"client_order_id": "X", "native_id": "1", "side": Side.SELL, "quantity": Decimal(10), "state": OrderState.ACCEPTED}
    return OrderReport.model_validate({**values, **changes})


def test_what_is_held_of_a_contract() -> None:
    account = snapshot(positions=(position("1", "4"), position("1", "3"), position("2", "-5")))
    assert [account.held(native_id) for native_id in ("1", "2", "3")] == [Decimal(7), Decimal(-5), Decimal(0)]


@pytest.mark.parametrize(
    ("report", "left"),
    [
        (standing(), 10),
        (standing(state=OrderState.PARTIALLY_FILLED, filled_quantity=Decimal(4)), 6),
        (standing(side=Side.BUY), 0),
        (standing(native_id="2"), 0),
        (standing(quantity=None), 0),
        (standing(state=OrderState.REJECTED), 0),
    ],
)
def test_what_open_orders_may_still_sell(report: OrderReport, left: int) -> None:
    account = snapshot(open_orders=(report, standing(client_order_id="Y", quantity=Decimal(1))))
    assert account.being_sold("1") == left + 1


@pytest.mark.parametrize(
    ("report", "left"),
    [
        (standing(side=Side.BUY), 10),
        (standing(side=Side.BUY, state=OrderState.PARTIALLY_FILLED, filled_quantity=Decimal(4)), 6),
        (standing(), 0),
        (standing(side=Side.BUY, native_id="2", quantity=None), 0),
        (standing(side=Side.BUY, state=OrderState.REJECTED), 0),
        (standing(side=Side.BUY, client_order_id="MINE"), 0),
    ],
)
def test_what_open_orders_may_still_buy(report: OrderReport, left: int) -> None:
    account = snapshot(open_orders=(report, standing(side=Side.BUY, client_order_id="Y", quantity=Decimal(1))))
    assert account.being_bought("1", but="MINE") == left + 1


def test_a_buy_for_an_amount_of_money_has_no_size() -> None:
    account = snapshot(open_orders=(standing(side=Side.BUY, quantity=None), standing(side=Side.BUY)))
    assert account.being_bought("1") is None
    assert account.being_bought("2") == 0
