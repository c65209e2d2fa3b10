"""The last look at a plan before anybody is asked: limits that only ever stop more."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from include.domain.order import Order
from include.domain.portfolio import Portfolio


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
