"""What the engine is asked and what it answers: requests, orders, contracts, marks."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.domain.model import Value
from include.domain.order import Fill, OrderState, OrderType, Side, TimeInForce


@dataclass(frozen=True)
class SimRequest:
    """One order as a client sends it. Price in currency units; quantity positive.

    Attributes:
        expires_at: End of a DAY order; None: 24 hours after it was submitted. Other times in force ignore it.
    """

    client_order_id: str
    native_id: str
    symbol: str
    currency: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None = None
    expires_at: datetime | None = None


class SimOrder(Value):
    """Where one order stands: a frozen picture; ask the engine again for a newer one.

    Attributes:
        state: `accepted`, `partially_filled`, `filled`, `cancelled`, `expired` or `rejected`.
        average_price: In currency units; None while nothing is filled.
        reject_code: Why it was rejected, or why its rest was cancelled by the venue: `unknown_contract`, `wrong_currency`,
            `not_tradable`, `invalid_quantity`, `invalid_price`, `no_quote`, `no_rate`, `insufficient_funds`, `no_short`.
        expires_at: For DAY orders, else None.
    """

    order_id: int
    client_order_id: str
    native_id: str
    symbol: str
    currency: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None = None
    state: OrderState
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    fills: tuple[Fill, ...] = ()
    reject_code: str | None = None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None

    @property
    def remaining(self) -> Decimal:
        """Quantity not filled yet."""
        return self.quantity - self.filled_quantity

    @property
    def is_open(self) -> bool:
        """True while it can still fill."""
        return not self.state.is_final

    @property
    def commission(self) -> Decimal:
        """Sum of the fills' commissions, positive."""
        return sum((fill.commission or Decimal(0) for fill in self.fills), Decimal(0))

    @property
    def filled_value(self) -> Decimal:
        """Sum of quantity times price over the fills, without the contract's multiplier."""
        return sum((fill.quantity * fill.price for fill in self.fills), Decimal(0))

    def changed(self, now: datetime, **changes: Any) -> "SimOrder":
        """A copy with other values, updated at `now`."""
        return self.model_copy(update={**changes, "updated_at": now})


class SimContract(Value):
    """What the engine must know of a contract. An order's quantity is a multiple of `lot_size`."""

    native_id: str
    currency: str
    multiplier: Decimal = Decimal(1)
    lot_size: Decimal | None = None
    tradable: bool = True


class Mark(Value):
    """The last price of a contract.

    Attributes:
        bid / ask: Both sides where they are known; None: half a spread from the price.
        volume: Units that can still be traded at this mark; None: any number.
    """

    price: Decimal
    time: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    volume: Decimal | None = None


class SimQuote(Value):
    """Bid, ask and last in currency units, and when the mark was made."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    time: datetime
