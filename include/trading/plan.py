"""The plan: which orders take a portfolio from what it holds to what it wants. Pure: everything it needs is handed in."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from include.domain.contract import Contract
from include.domain.order import Order, Side
from include.trading.candidate import Candidate
from include.trading.candidate_orders import orders_of
from include.trading.funding import Funding
from include.trading.order_id import client_order_id
from include.trading.plan_input import PlanInput
from include.trading.routing import Route, route


@dataclass(frozen=True)
class Held:
    """An instrument that gets no order, and why."""

    ticker: str
    instrument_id: str
    name: str
    target_weight: Decimal
    reason: str


@dataclass(frozen=True)
class Plan:
    """Orders (sells first, then buys by weight), what was held back, and the cash that stays free by account and currency."""

    orders: tuple[Order, ...]
    held: tuple[Held, ...]
    cash_left: dict[str, dict[str, str]]


def wanted_quotes(plan: PlanInput) -> dict[str, list[Contract]]:
    """Account id to the contracts that this plan must see a quote of: every holding, and every route of a positive target."""
    contracts: dict[tuple[str, str], Contract] = {}
    for candidate in plan.candidates:
        for holding in candidate.holdings:
            if plan.is_read(holding.account_id):  # else nothing is planned for it
                contracts[(holding.account_id, holding.contract.native_id)] = holding.contract
        if candidate.target_weight > 0:
            found = route(candidate, plan.portfolio, plan.snapshots, plan.barred)
            if isinstance(found, Route):
                contracts[(found.account_id, found.contract.native_id)] = found.contract
    by_account: dict[str, list[Contract]] = {}
    for (account_id, _), contract in sorted(contracts.items()):
        by_account.setdefault(account_id, []).append(contract)
    return by_account


def build_plan(plan: PlanInput) -> Plan:
    """All orders of one portfolio, deterministic for equal input.

    A candidate is either ordered, held with a reason, or already where it should be. Sells come first and fund nothing: buys are
    paid from cash that is settled now (`Funding`), heaviest target first. No order is larger than `max_order_pct` of value or
    than its broker's `risk_limits` allow: the rest of a larger difference is left to later runs, and the order's reason says so.
    """
    orders: list[Order] = []
    held: list[Held] = []
    funding = Funding(plan.snapshots, plan.converting, plan.rates, plan.portfolio.base_currency, plan.committed)
    by_weight = sorted(plan.candidates, key=lambda c: (-c.target_weight, c.instrument_id, c.ticker))
    owners = _owners(by_weight, plan)
    for candidate in by_weight:
        for outcome in orders_of(candidate, plan, funding, owners):
            if isinstance(outcome, Order):
                orders.append(outcome)
            else:
                held.append(Held(candidate.ticker, candidate.instrument_id, candidate.name, candidate.target_weight, outcome))
    orders.sort(key=lambda order: order.side is Side.BUY)  # stable: sells first, each by weight
    return Plan(tuple(_with_own_ids(orders)), tuple(held), funding.left())


def _owners(candidates: Sequence[Candidate], plan: PlanInput) -> dict[tuple[str, str], str]:
    """(account id, native id) to the ticker that trades it: the one that holds it, else the first that is routed there."""
    owners = {(h.account_id, h.contract.native_id): c.ticker for c in candidates for h in c.holdings}
    for candidate in candidates:
        found = route(candidate, plan.portfolio, plan.snapshots, plan.barred) if candidate.target_weight > 0 else None
        if isinstance(found, Route):
            owners.setdefault((found.account_id, found.contract.native_id), candidate.ticker)
    return owners


def _with_own_ids(orders: Sequence[Order]) -> list[Order]:
    """The orders, each under an id of its own: a second one for an account, instrument and side is the next leg."""
    legs: Counter[tuple[str, str, Side]] = Counter()
    found = []
    for order in orders:
        key = (order.account, order.instrument_id, order.side)
        fields = (order.portfolio, order.environment, order.account, order.as_of, order.revision, order.instrument_id)
        found.append(order.model_copy(update={"client_order_id": client_order_id(*fields, order.side, legs[key])}))
        legs[key] += 1
    return found
