"""IBKR's open orders, completed orders and executions as our reports."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from include.brokers.ibkr.details import number
from include.domain.order import Fill, OrderReport, OrderState, Side

_STATES = {
    "Filled": OrderState.FILLED,
    "Cancelled": OrderState.CANCELLED,
    "ApiCancelled": OrderState.CANCELLED,
    "Inactive": OrderState.REJECTED,
}


def report(trade: Any, fills: Sequence[Any], magnifier: Decimal, legs: tuple[OrderReport, ...] = ()) -> OrderReport:
    """A report of the library's trade.

    Args:
        trade: From open orders, completed orders, or a placed order.
        fills: ib_insync's fills of this order.
        magnifier: Prices on the wire are this many times the currency unit.
        legs: Reports of its closing orders.
    """
    order, status = trade.order, trade.orderStatus
    executed = [fill(each, magnifier) for each in fills]
    total = sum((each.quantity for each in executed), Decimal(0))
    filled = max(total, number(status.filled), _completed(order))
    average = sum((each.quantity * each.price for each in executed), Decimal(0)) / total if total else None
    if average is None and status.avgFillPrice:
        average = number(status.avgFillPrice) / magnifier
    last = next((entry for entry in reversed(trade.log) if entry.errorCode), None)
    return OrderReport(
        client_order_id=order.orderRef or f"permid:{order.permId}",
        broker_order_id=str(order.permId) if order.permId else None,
        native_id=str(trade.contract.conId),
        side=Side.BUY if order.action == "BUY" else Side.SELL,
        quantity=max(number(order.totalQuantity), filled),  # TWS tells 0 of a completed order that was filled
        state=_state(status.status, filled),
        filled_quantity=filled,
        average_price=average,
        fills=tuple(executed),
        code=str(last.errorCode) if last else None,
        message=last.message if last else None,
        updated_at=max((each.time for each in executed), default=None),
        legs=legs,
    )


def executed_report(client_order_id: str, fills: Sequence[Any], magnifier: Decimal) -> OrderReport:
    """A report of an order of which only executions are left: it is not open, so nothing can be added to them."""
    executed = [fill(each, magnifier) for each in fills]
    total = sum((each.quantity for each in executed), Decimal(0))
    return OrderReport(
        client_order_id=client_order_id,
        broker_order_id=str(fills[0].execution.permId),
        native_id=str(fills[0].contract.conId),
        side=Side.BUY if fills[0].execution.side == "BOT" else Side.SELL,
        state=OrderState.FILLED,
        filled_quantity=total,
        average_price=sum((each.quantity * each.price for each in executed), Decimal(0)) / total,
        fills=tuple(executed),
        updated_at=max(each.time for each in executed),
    )


def fill(executed: Any, magnifier: Decimal) -> Fill:
    """One execution; the commission is None until IBKR has told it."""
    told = executed.commissionReport
    return Fill(
        fill_id=executed.execution.execId,
        quantity=number(executed.execution.shares),
        price=number(executed.execution.price) / magnifier,
        time=executed.execution.time,
        commission=number(told.commission) if told.execId else None,
        commission_currency=told.currency if told.execId else None,
    )


def ended(found: OrderReport, completed_status: str) -> OrderReport:
    """The report of a completed order, with IBKR's own word on how it ended."""
    changes: dict[str, Any] = {"message": completed_status or found.message}
    if found.state is OrderState.CANCELLED and "expire" in completed_status.lower():
        changes["state"] = OrderState.EXPIRED
    return found.model_copy(update=changes)


def _completed(order: Any) -> Decimal:
    """Filled quantity as a completed order tells it; ib_insync's "unset" is a number near the largest float."""
    return number(order.filledQuantity) if 0 < order.filledQuantity < 1e300 else Decimal(0)


def _state(status: str, filled: Decimal) -> OrderState:
    if status in _STATES:
        return _STATES[status]
    return OrderState.PARTIALLY_FILLED if filled else OrderState.ACCEPTED
