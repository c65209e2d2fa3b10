"""Three orders of one account, a plan, and what arrived."""

from include.domain.order import Side
from tests.fakes.execution import Execution
from tests.fakes.orders import make_order

BUY = make_order("AAA", "101")


SELL = make_order("BBB", "102", Side.SELL, "4")


OTHER = make_order("CCC", "103", quantity="6")


def book(execution: Execution, account: str = "fake-main") -> list[str]:
    return [standing.order.ticker for standing in execution.venues[account].book]
