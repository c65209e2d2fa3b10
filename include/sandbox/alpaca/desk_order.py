"""One order as the venue keeps it (what the engine has of it, and what only Alpaca knows), and what happened to it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.domain.model import Value
from include.domain.order import Fill, OrderType, Side, TimeInForce

OPEN = frozenset({"new", "held", "partially_filled"})


class DeskOrder(Value):
    """A frozen picture; ask the desk again for a newer one.

    Attributes:
        number: 1, 2, 3 ... ; the id that clients see is made of it (`Venue.order_uuid`).
        order_type: As Alpaca has them: an order for the opening or closing auction is `market` or `limit` with `opg` or `cls`.
        quantity: Units; of an order by `notional` what that buys at the price of its acceptance.
        status: Alpaca's word.
        parent: Number of the entry whose closing order this is.
        replaces / replaced_by: Numbers of its predecessor and successor.
        engine_id: The engine's order that fills it; its successor has the same. None of one that was rejected at once.
        earlier_fills: How many of that one's fills are its predecessors'.
        release_at: When its auction is.
        hwm: Best price since a trailing stop was accepted.
        told_late: Times it is still told as it was before a late fill shows (a fault).
    """

    number: int
    client_order_id: str
    native_id: str
    symbol: str
    currency: str
    kind: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    extended_hours: bool = False
    order_class: str = ""
    status: str = "new"
    parent: int | None = None
    replaces: int | None = None
    replaced_by: int | None = None
    engine_id: int | None = None
    earlier_fills: int = 0
    release_at: datetime | None = None
    fills: tuple[Fill, ...] = ()
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    told_late: int | None = None

    @property
    def is_open(self) -> bool:
        """True while it can still fill."""
        return self.status in OPEN

    @property
    def filled_quantity(self) -> Decimal:
        """Sum of the fills."""
        return sum((fill.quantity for fill in self.fills), Decimal(0))

    @property
    def remaining(self) -> Decimal:
        """Quantity not filled yet."""
        return self.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal | None:
        """In currency units; None while nothing is filled."""
        filled = self.filled_quantity
        return sum((fill.quantity * fill.price for fill in self.fills), Decimal(0)) / filled if filled else None

    def changed(self, now: datetime, **changes: Any) -> "DeskOrder":
        """A copy with other values, updated at `now`."""
        return self.model_copy(update={**changes, "updated_at": now})


@dataclass(frozen=True)
class Event:
    """What happened to an order, as `trade_updates` tells it.

    Attributes:
        name: `new`, `fill`, `partial_fill`, `canceled`, `expired`, `replaced` or `rejected`.
        order: The order as it was then.
        position: Units held afterwards.
    """

    name: str
    order: DeskOrder
    at: datetime
    position: Decimal
    fill: Fill | None = None
