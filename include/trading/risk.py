"""The last look at a plan before anybody is asked: limits that only ever stop more."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from include.domain.account import AccountSnapshot
from include.domain.broker_limits import BrokerLimits
from include.domain.order import Order, Side
from include.domain.portfolio import Portfolio
from include.trading.ceilings import held_or_bought, unknown_size


@dataclass(frozen=True)
class RiskFindings:
    """What the limits say about one portfolio's plan.

    Attributes:
        blocked: client order id to the reason why this order is never sent.
        portfolio_blocked: Why nothing of the portfolio is sent, or None.
        turnover_pct: Sum of all order notionals over NAV, in percent; 0 for an empty plan.
    """

    blocked: dict[str, str]
    portfolio_blocked: str | None
    turnover_pct: Decimal


def check(orders: Sequence[Order], portfolio: Portfolio, nav: Decimal, *, first_funding: bool) -> RiskFindings:
    """Hold a plan against the portfolio's limits.

    Args:
        orders: All orders of the plan; notionals in base currency, positive.
        portfolio: Its `limits`.
        nav: Net asset value in base currency.
        first_funding: The user said that this run invests a new portfolio: the turnover limit is waived, nothing else.
    """
    limits = portfolio.limits
    if not orders:
        return RiskFindings({}, None, Decimal(0))
    if nav <= 0:
        return RiskFindings({}, f"net_asset_value: {nav:.2f} {portfolio.base_currency} is not positive", Decimal(0))
    blocked = {}
    for order in orders:
        share = order.notional / nav * 100
        if share > limits.max_order_pct:
            blocked[order.client_order_id] = (
                f"max_order: {share:.2f} % of value, the limit is {limits.max_order_pct} % (portfolio {portfolio.portfolio_id})"
            )
        elif limits.forbids(order.ticker, order.instrument_id):
            blocked[order.client_order_id] = "do_not_trade: on the list of this portfolio"
    turnover = sum((order.notional for order in orders), Decimal(0)) / nav * 100
    stop = None
    if turnover > limits.max_turnover_pct and not first_funding:
        stop = (
            f"max_turnover: {turnover:.1f} % of value, the limit is {limits.max_turnover_pct} %; "
            "trigger with first_funding=true if this invests a new portfolio"
        )
    return RiskFindings(blocked, stop, turnover)


def over_broker_limits(
    orders: Sequence[Order], limits: Mapping[str, BrokerLimits], snapshots: Mapping[str, AccountSnapshot]
) -> dict[str, str]:
    """Client order id to the reason why its broker's `risk_limits` forbid the order; planning has cut what it could.

    Args:
        orders: Of one portfolio.
        limits: By broker; one that is absent has none.
        snapshots: This run's, of the portfolio's accounts.
    """
    found = {}
    planned: dict[tuple[str, str], Decimal] = {}  # (broker, native id) to the units that orders before it buy
    for order in orders:
        limit = limits.get(order.broker, BrokerLimits())
        if limit.max_order_value is not None and order.notional > limit.max_order_value:
            found[order.client_order_id] = (
                f"max_order_value: {order.notional:.2f}, the limit of {order.broker} is {limit.max_order_value:f}"
            )
        elif too_much := _position_too_large(order, limit.max_position_value, snapshots, planned):
            found[order.client_order_id] = f"max_position_value: {too_much}"
    return found


def _position_too_large(
    order: Order, limit: Decimal | None, snapshots: Mapping[str, AccountSnapshot], planned: dict[tuple[str, str], Decimal]
) -> str | None:
    """Why this buy would make a position too large; None where it would not, and what it buys is added to `planned`."""
    if limit is None or order.side is not Side.BUY:
        return None
    key = (order.broker, order.contract.native_id)
    # An earlier run may have sent this very order: it stands among the open ones then, and counts once.
    units = held_or_bought(*key, snapshots, but=order.client_order_id)
    if units is None:
        return unknown_size(order.broker)
    before = units + planned.get(key, Decimal(0))
    after = order.notional + before * order.quote_price * order.contract.multiplier / order.fx_rate
    if after > limit:
        return f"{after:.2f} afterwards, the limit of {order.broker} is {limit:f}"
    planned[key] = planned.get(key, Decimal(0)) + order.quantity
    return None


def over_count(orders: Sequence[Order], limits: Mapping[str, BrokerLimits], counted: Counter[str]) -> dict[str, str]:
    """Client order id to the reason, for the orders beyond a broker's `max_orders_per_run`; the first ones go.

    Args:
        orders: What the run would send for one portfolio, in the order of its plan.
        limits: By broker.
        counted: Orders by broker of the portfolios before; these are added.
    """
    found = {}
    for order in orders:
        most = limits.get(order.broker, BrokerLimits()).max_orders_per_run
        counted[order.broker] += 1
        if most is not None and counted[order.broker] > most:
            found[order.client_order_id] = f"max_orders_per_run: {order.broker} is sent {most} in one run"
    return found
