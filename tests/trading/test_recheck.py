"""The price, and what there is to sell, once more before sending."""

from decimal import Decimal

import pytest

from include.domain.order import Order, OrderReport, OrderState, Side
from include.domain.portfolio import Limits
from include.domain.quote import Quote
from include.trading.sending import recheck, recheck_position
from tests.fakes.orders import NOON, make_order
from tests.trading.build import position, snapshot

BUY = make_order("AAA", "101")


# --- the price, once more -----------------------------------------------------------------------------------------------


def quote(price: str | None, currency: str = "USD") -> Quote:
    return Quote(native_id="101", currency=currency, last=None if price is None else Decimal(price), time=NOON)


@pytest.mark.parametrize(
    ("native_id", "held", "sold", "reason"),
    [
        ("101", "10", "0", None),
        ("101", "11", "1", None),
        ("101", "9.5", "0", "position_gone: fake-main shows 9.5 free, less than the 10 to sell"),
        ("101", "15", "6", "position_gone: fake-main shows 9 free, less than the 10 to sell"),
        ("101", "-10", "0", "position_gone: fake-main shows -10 free, less than the 10 to sell"),
        ("102", "10", "0", "position_gone: fake-main shows 0 free, less than the 10 to sell"),
    ],
)
def test_recheck_position(native_id: str, held: str, sold: str, reason: str | None) -> None:
    by_hand = OrderReport(
        client_order_id="by hand",
        native_id=native_id,
        side=Side.SELL,
        quantity=Decimal(sold) + 2,
        filled_quantity=Decimal(2),
        state=OrderState.PARTIALLY_FILLED,
    )
    there = snapshot("fake-main", positions=(position(native_id, held),), open_orders=(by_hand,))
    assert recheck_position(make_order(side=Side.SELL), there) == reason
    assert recheck_position(BUY, there) is None
    assert recheck_position(BUY, None) is None


@pytest.mark.parametrize(
    ("fresh", "reason"),
    [
        (quote("50"), None),
        (quote("51"), None),  # +2 %: the limit itself is allowed
        (quote("49"), None),
        (quote("51.005"), "price_moved: +2.01 % since planning, 2 % allowed"),
        (quote("40"), "price_moved: -20.00 % since planning, 2 % allowed"),
        (quote(None), "no_quote"),
        (quote("0"), "no_quote"),
        (quote("-1"), "no_quote"),
        (quote("50", "EUR"), "no_quote"),
        (None, "no_quote"),
    ],
)
@pytest.mark.parametrize("order", [BUY, make_order(side=Side.SELL)])
def test_recheck(order: Order, fresh: Quote | None, reason: str | None) -> None:
    assert recheck(order, fresh, Limits(max_quote_move_pct=Decimal(2))) == reason
