"""Rows of the journal's tables as values, and what a report makes of a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from include.domain.order import Fill, Order, OrderReport, OrderState
from include.storage.order_states import advance
from include.storage.tables import fills, order_events

# Columns that a report may change.
REPORTED = ("state", "reason", "broker_order_id", "filled_quantity", "average_price", "code", "message", "updated_at")

# Made once: making a statement costs more than running it.
_EVENT = order_events.insert()
_OF_ORDERS = fills.c.client_order_id.in_(bindparam("ids", expanding=True))
_FILLS = select(fills).where(_OF_ORDERS).order_by(fills.c.time, fills.c.fill_id)


@dataclass(frozen=True)
class JournalEntry:
    """One order as the journal knows it.

    Attributes:
        order: The intent, as planned.
        state: Where it stands.
        reason: Why it was held, put back or never sent; None otherwise.
        report: The broker's last word with every fill known, in the journal's state.
    """

    order: Order
    state: OrderState
    reason: str | None
    report: OrderReport


@dataclass(frozen=True)
class OrderEvent:
    """One change of an order; `time` is None for its registration with the plan."""

    client_order_id: str
    time: datetime | None
    from_state: OrderState | None
    to_state: OrderState
    body: dict[str, Any]


def append_event(
    connection: Connection,
    client_order_id: str,
    at: datetime | None,
    old: OrderState | None,
    new: OrderState,
    body: dict[str, Any],
) -> None:
    """Add one line to `order_events`."""
    row = {"client_order_id": client_order_id, "time": at, "from_state": old.value if old else None, "to_state": new.value}
    connection.execute(_EVENT, row | {"body": body})


def read_fills(connection: Connection, client_order_ids: Sequence[str]) -> dict[str, tuple[Fill, ...]]:
    """Executions by order, oldest first; an order without any is absent."""
    found: dict[str, list[Fill]] = {}
    for start in range(0, len(client_order_ids), 500):
        chunk = client_order_ids[start : start + 500]
        for row in connection.execute(_FILLS, {"ids": chunk}):
            fill = Fill(
                fill_id=row.fill_id,
                quantity=row.quantity,
                price=row.price,
                time=row.time,
                commission=row.commission,
                commission_currency=row.commission_currency,
            )
            found.setdefault(row.client_order_id, []).append(fill)
    return {client_order_id: tuple(executed) for client_order_id, executed in found.items()}


def after_report(
    row: Row[Any], report: OrderReport, executed: tuple[Fill, ...], at: datetime, reason: str | None
) -> tuple[OrderState, dict[str, Any]]:
    """State and column values of an order after a report."""
    by_fills = sum((fill.quantity for fill in executed), Decimal(0))
    filled = max(row.filled_quantity, report.filled_quantity, by_fills)
    average = row.average_price
    if report.average_price is not None and report.filled_quantity == filled:
        average = report.average_price
    elif by_fills == filled and filled:
        average = sum((fill.quantity * fill.price for fill in executed), Decimal(0)) / filled
    complete = filled >= Decimal(row.body["quantity"])
    reported = report.state
    if reported is OrderState.FILLED and filled and not complete:
        reported = OrderState.PARTIALLY_FILLED  # known by its executions alone: the rest of it may still stand
    state = advance(OrderState(row.state), reported)
    if filled and not state.is_final:
        state = OrderState.FILLED if complete else OrderState.PARTIALLY_FILLED
    moved = state.value != row.state
    return state, {
        "state": state.value,
        "reason": reason if moved or reason else row.reason,
        "broker_order_id": report.broker_order_id or row.broker_order_id,
        "filled_quantity": filled,
        "average_price": average,
        "code": report.code if report.code is not None or moved else row.code,
        "message": report.message if report.message is not None or moved else row.message,
        "updated_at": report.updated_at or at,
    }


def to_entry(row: Row[Any], executed: tuple[Fill, ...]) -> JournalEntry:
    """The entry of a row of `orders` with its executions."""
    order = Order.model_validate(row.body)
    state = OrderState(row.state)
    report = OrderReport(
        client_order_id=row.client_order_id,
        broker_order_id=row.broker_order_id,
        native_id=row.native_id,
        side=order.side,
        quantity=order.quantity,
        state=state,
        filled_quantity=row.filled_quantity,
        average_price=row.average_price,
        fills=executed,
        code=row.code,
        message=row.message,
        updated_at=row.updated_at,
    )
    return JournalEntry(order, state, row.reason, report)
