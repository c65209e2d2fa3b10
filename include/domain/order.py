"""Orders, from intent (planned by us) to report and fill (the broker's word)."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from include.domain.contract import Contract
from include.domain.model import Value


class Side(StrEnum):
    """Buy is positive, sell negative (`Side.sign`)."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for buy, -1 for sell."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """How the price is chosen."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    """How long the order stands."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class OrderState(StrEnum):
    """Where an order stands. `sending` and `unknown` may exist at the broker: look up before anything else."""

    PLANNED = "planned"  # in the journal, never sent
    HELD = "held"  # stopped by a rule (risk, quote, kill switch); never sent
    SENDING = "sending"  # written before the call; the outcome is not recorded yet
    ACCEPTED = "accepted"  # the broker has it, nothing filled
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"  # may have arrived; not found yet
    NOT_SENT = "not_sent"  # proven never to have arrived, past its validity

    @property
    def is_final(self) -> bool:
        """True when nothing can change any more."""
        return self in _FINAL


_FINAL = frozenset(
    {
        OrderState.HELD,
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
        OrderState.REJECTED,
        OrderState.NOT_SENT,
    }
)


class Order(Value):
    """An intent, complete: everything a person needs to judge it and an adapter needs to send it.

    Attributes:
        client_order_id: 20 base32 characters, the same for every retry (`include/trading/order_id.py`).
        quantity: Positive, in units of the contract.
        limit_price: In the contract's currency units; None for market orders.
        quote_price: Middle price the order was sized on, with `quote_time`.
        fx_rate: Units of the contract's currency for one unit of the portfolio's base currency.
        notional: quantity x price x multiplier in the base currency, positive.
        current_quantity / target_quantity / delta_quantity: managed position, wanted position, difference (signed).
        reason: Why this order exists, in words.
        valid_until: Close of the market session it targets (aware UTC); never sent after it.
        hold_reason: Set when a rule stopped it; a held order is reported, never sent.
    """

    client_order_id: str
    portfolio: str
    environment: str
    account: str
    broker: str
    as_of: str
    revision: int
    ticker: str
    instrument_id: str
    contract: Contract
    mic: str
    side: Side
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.DAY
    quantity: Decimal
    limit_price: Decimal | None = None
    quote_price: Decimal
    quote_time: datetime
    fx_rate: Decimal
    notional: Decimal
    current_quantity: Decimal
    target_quantity: Decimal
    delta_quantity: Decimal
    reason: str
    valid_until: datetime
    hold_reason: str | None = None


class Fill(Value):
    """One execution. `commission` is positive when it costs, in `commission_currency`.

    Attributes:
        fill_id: The broker's execution id, unique per broker account.
        quantity: Positive.
        price: In currency units.
        time: Aware UTC.
    """

    fill_id: str
    quantity: Decimal
    price: Decimal
    time: datetime
    commission: Decimal | None = None
    commission_currency: str | None = None


class OrderReport(Value):
    """The broker's word about one order.

    Attributes:
        filled_quantity: Total executed so far, positive.
        average_price: In currency units; None while nothing is filled.
        fills: Executions known so far; may be empty although something filled (a broker that tells totals only).
        code / message: The broker's own error code and text, for rejections.
    """

    client_order_id: str
    broker_order_id: str | None = None
    native_id: str | None = None
    side: Side | None = None
    quantity: Decimal | None = None
    state: OrderState
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    fills: tuple[Fill, ...] = ()
    code: str | None = None
    message: str | None = None
    updated_at: datetime | None = None
