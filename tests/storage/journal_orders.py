"""Orders for the journal, and what a broker says of them."""

from decimal import Decimal

from include.domain.order import Fill, OrderReport, OrderState, Side
from tests.fakes.orders import NOON, make_order

ORDER = make_order()


SELL = make_order("BBB", "102", Side.SELL, "4")


ID = ORDER.client_order_id


def report(state: OrderState, client_order_id: str = ID, **changes: object) -> OrderReport:
    return OrderReport(client_order_id=client_order_id, state=state, **changes)  # type: ignore[arg-type]


def fill(fill_id: str, quantity: str, price: str = "50") -> Fill:
    return Fill(fill_id=fill_id, quantity=Decimal(quantity), price=Decimal(price), time=NOON)
