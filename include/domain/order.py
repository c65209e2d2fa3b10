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
    """How the price is chosen. A bracket is no type of its own: any entry with `take_profit_price` and `stop_loss_price`."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"  # becomes a market order when the market reaches `stop_price`
    STOP_LIMIT = "stop_limit"  # becomes a limit order at `limit_price` then
    TRAILING_STOP = "trailing_stop"  # a stop that follows the market at `trail_amount` or `trail_pct`
    MARKET_ON_OPEN = "market_on_open"  # only with `opg`
    MARKET_ON_CLOSE = "market_on_close"  # only with `cls`


class TimeInForce(StrEnum):
    """How long the order stands."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"  # in the opening auction or not at all
    CLS = "cls"  # in the closing auction or not at all


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
        quantity: Positive, in units of the contract; with `cash_amount` what that is expected to buy.
        cash_amount: Money to spend or to raise instead of a quantity, positive, in the contract's currency (Alpaca's `notional`,
            IBKR's `cashQty`); the broker decides how many units that is.
        limit_price: In the contract's currency units; None for market orders.
        stop_price: Where a stop is triggered, in currency units.
        trail_amount / trail_pct: Distance of a trailing stop from the market, in currency units or in percent: one of them.
        take_profit_price: Limit of the order that closes the position with a gain, once this one filled.
        stop_loss_price / stop_loss_limit_price: Stop of the order that closes it with a loss, and its limit (None: at market).
        extended_hours: Whether it may fill outside of the regular session.
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
    cash_amount: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_pct: Decimal | None = None
    take_profit_price: Decimal | None = None
    stop_loss_price: Decimal | None = None
    stop_loss_limit_price: Decimal | None = None
    extended_hours: bool = False
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

    @property
    def is_bracket(self) -> bool:
        """Whether closing orders follow its fill."""
        return self.take_profit_price is not None or self.stop_loss_price is not None


class OrderChange(Value):
    """What `modify` changes of a standing order; None stays as it is. At least one is set."""

    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_pct: Decimal | None = None
    time_in_force: TimeInForce | None = None


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
        code / message: Of a rejection: the broker's own code, or the standard one (`include/errors.py`), and the text.
        legs: The closing orders of a bracket, as far as the broker tells them; their ids are the broker's, or made from ours.
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
    legs: tuple["OrderReport", ...] = ()
