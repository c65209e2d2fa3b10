"""Alpaca's orders, positions and quotes in the project's words."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from include.domain.account import Position
from include.domain.contract import Contract
from include.domain.order import OrderReport, OrderState, Side
from include.domain.quote import Quote

# Alpaca's status to ours; everything absent can still change and counts as accepted, or partially filled.
_FINAL = {
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "replaced": OrderState.CANCELLED,  # of an order without a successor; one with a successor is followed (standing.py)
    "expired": OrderState.EXPIRED,
    "rejected": OrderState.REJECTED,
}
_OPEN = frozenset(
    {
        "new",
        "accepted",
        "pending_new",
        "accepted_for_bidding",
        "pending_review",
        "held",
        "suspended",
        "stopped",
        "calculated",
        "done_for_day",
        "partially_filled",
        "pending_cancel",
        "pending_replace",
    }
)


def order_report(order: Mapping[str, Any]) -> OrderReport:
    """The report of an order as GET /v2/orders gives it. Alpaca tells totals there, so `fills` is empty.

    Raises:
        KeyError, TypeError, ValueError: It is no order.
    """
    filled = number(order.get("filled_qty")) or Decimal(0)
    legs = order.get("legs") or ()
    average = number(order.get("filled_avg_price"))
    updated = order.get("updated_at")
    return OrderReport(
        client_order_id=str(order["client_order_id"]),
        broker_order_id=str(order["id"]),
        native_id=order.get("asset_id") or None,
        side=Side(order["side"]) if order.get("side") else None,
        quantity=number(order.get("qty")),
        state=_state(str(order["status"]), filled),
        filled_quantity=filled,
        average_price=average if filled else None,
        message=None if str(order["status"]) not in ("rejected", "replaced") else str(order["status"]),
        updated_at=moment(str(updated)) if updated else None,
        legs=tuple(order_report(leg) for leg in legs),
    )


def _state(status: str, filled: Decimal) -> OrderState:
    if status in _FINAL:
        return _FINAL[status]
    if status not in _OPEN:
        return OrderState.UNKNOWN  # a word newer than this table: neither open nor final is proven
    return OrderState.PARTIALLY_FILLED if filled else OrderState.ACCEPTED


def position(row: Mapping[str, Any], mic: Callable[[str], str]) -> Position:
    """A position as GET /v2/positions gives it: signed quantity, in USD like everything in an Alpaca account.

    Raises:
        KeyError, ValueError: It is no position.
    """
    quantity = required(row["qty"])
    return Position(
        native_id=str(row["asset_id"]),
        symbol=str(row["symbol"]),
        currency="USD",
        mic=mic(str(row.get("exchange") or "")),
        quantity=-abs(quantity) if row.get("side") == "short" else quantity,
        average_cost=number(row.get("avg_entry_price")),
        market_price=number(row.get("current_price")),
    )


def quote(contract: Contract, row: Mapping[str, Any] | None, bar: Mapping[str, Any] | None) -> Quote | None:
    """A quote from the latest quote and, where a side is missing, the latest bar; None where there is no price at all.

    Alpaca writes 0 for a side without offers.

    Raises:
        KeyError, TypeError, ValueError: The rows are something else.
    """
    bid = (number(row.get("bp")) or None) if row else None
    ask = (number(row.get("ap")) or None) if row else None
    last = (number(bar.get("c")) or None) if bar else None
    if bid is None and ask is None and last is None:
        return None
    newest = row if row and (bid or ask) else bar
    if newest is None:
        return None
    return Quote(
        native_id=contract.native_id, currency=contract.currency, bid=bid, ask=ask, last=last, time=moment(str(newest["t"]))
    )


def number(value: Any) -> Decimal | None:
    """A Decimal from Alpaca's text or JSON number; None for null and "".

    Raises:
        ValueError: It is no finite number.
    """
    if value is None or value == "":
        return None
    return required(value)


def required(value: Any) -> Decimal:
    """Like `number`, for what must be there. Raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f"expected a number, found {type(value).__name__}")
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"expected a number, found {str(value)[:40]!r}") from error
    if not found.is_finite():
        raise ValueError(f"expected a finite number, found {found}")
    return found


def moment(text: str) -> datetime:
    """An aware UTC time from RFC 3339 with any number of fraction digits. Raises `ValueError`."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found {text!r}")
    return found.astimezone(UTC)
