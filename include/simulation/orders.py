"""What the engine is asked and what it answers: requests, orders, contracts, marks."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from include.domain.model import Value
from include.domain.order import Fill, OrderState, OrderType, Side, TimeInForce

TAKE_PROFIT = "tp"
STOP_LOSS = "sl"


class ChildStart(StrEnum):
    """When an order that has a parent begins."""

    FIRST_FILL = "first_fill"  # with the parent's first fill, as large as that; it grows as the parent fills further
    WHOLE = "whole"  # when the parent is filled whole


class OneCancels(StrEnum):
    """What a fill of one order of a group does to the others."""

    REDUCE = "reduce"  # takes its quantity off them; nothing left is the end
    CANCEL = "cancel"  # ends them, however little it was


class Rules(Value):
    """What one venue does otherwise than another. The defaults are the paper broker's.

    Attributes:
        children_start: When orders with a parent begin.
        cancel_ends_group: Whether an order that its client cancels takes the others of its group along.
        open_by_clock: Whether an `opg` order is filled at `opens_at` at the mark there is then, for a venue whose marks stand
            still; else at the first mark of the session, whenever that comes.
    """

    children_start: ChildStart = ChildStart.FIRST_FILL
    cancel_ends_group: bool = False
    open_by_clock: bool = False

    def starts_children(self, parent: "SimOrder") -> bool:
        """Whether a parent has filled as far as its children need."""
        return parent.state is OrderState.FILLED if self.children_start is ChildStart.WHOLE else parent.filled_quantity > 0


@dataclass(frozen=True)
class SimRequest:
    """One order as a client sends it. Prices in currency units; quantity positive.

    Attributes:
        expires_at: End of a DAY order; None: 24 hours after it was submitted. Other times in force ignore it.
        cash_amount: Money in the contract's currency instead of a quantity (which is then ignored).
        opens_at / closes_at: Opening of the session that an `opg` order is for, closing of the one that a `cls` order is for.
        extended_hours: Kept with the order; the simulation knows no hours but those of its marks.
        parent_id: Order that must fill first: until then this one is held.
        group / one_cancels: Name of the orders of which one cancels the others, and what a fill of this one does to them.
        transmit: False holds it until `Engine.release`.
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
    cash_amount: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_pct: Decimal | None = None
    take_profit_price: Decimal | None = None
    stop_loss_price: Decimal | None = None
    stop_loss_limit_price: Decimal | None = None
    extended_hours: bool = False
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    parent_id: int | None = None
    group: str | None = None
    one_cancels: OneCancels = OneCancels.REDUCE
    transmit: bool = True


class SimOrder(Value):
    """Where one order stands: a frozen picture; ask the engine again for a newer one.

    Attributes:
        state: `accepted`, `partially_filled`, `filled`, `cancelled`, `expired` or `rejected`.
        quantity: Units; of a leg, a child or an order of a group those it may still fill and those it has filled.
        average_price: In currency units; None while nothing is filled.
        reject_code: Why it was rejected, or why its rest was cancelled by the venue: see `include/simulation/checks.py`.
        expires_at: End of a DAY or `opg` order, else None.
        stop_price: Where the stop is triggered; of a trailing stop where it stands now (None before the first mark).
        best_price: Of a trailing stop: the best mark since it began; None before the first one.
        triggered_at: When a stop was triggered; None: it waits, or is no stop.
        active_at: When it will reach the market; None: it has.
        parent_id: Order that must fill first, if any; of a bracket's closing order its entry.
        leg: `tp` or `sl` of a bracket's closing orders, which are as large as what the entry filled.
        started: False while it waits for its parent.
        wanted_quantity: Of a child that begins with its parent's first fill: how large it may grow; None: as large as that.
        group / one_cancels: As in `SimRequest`.
        transmit: False while it waits for `Engine.release`.
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
    cash_amount: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_pct: Decimal | None = None
    best_price: Decimal | None = None
    triggered_at: datetime | None = None
    take_profit_price: Decimal | None = None
    stop_loss_price: Decimal | None = None
    stop_loss_limit_price: Decimal | None = None
    extended_hours: bool = False
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    active_at: datetime | None = None
    parent_id: int | None = None
    leg: str | None = None
    started: bool = True
    wanted_quantity: Decimal | None = None
    group: str | None = None
    one_cancels: OneCancels = OneCancels.REDUCE
    transmit: bool = True

    @property
    def remaining(self) -> Decimal:
        """Quantity not filled yet."""
        return self.quantity - self.filled_quantity

    @property
    def is_open(self) -> bool:
        """True while it can still fill."""
        return not self.state.is_final

    @property
    def is_held(self) -> bool:
        """Whether it waits for its parent or for being released: it reserves nothing and cannot fill."""
        return not (self.started and self.transmit)

    @property
    def is_bracket(self) -> bool:
        """Whether closing orders follow its fill."""
        return self.take_profit_price is not None or self.stop_loss_price is not None

    @property
    def is_limited(self) -> bool:
        """Whether it never trades beyond its `limit_price`."""
        return self.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)

    @property
    def is_stop(self) -> bool:
        """Whether it waits for a trigger, or did."""
        return self.order_type in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)

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
        daily_volume: Units traded in a day, for the market impact; None: not known, no impact.
    """

    price: Decimal
    time: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    volume: Decimal | None = None
    daily_volume: Decimal | None = None


class SimQuote(Value):
    """Bid, ask and last in currency units, and when the mark was made."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    time: datetime
