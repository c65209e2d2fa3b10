"""How much of a contract one order may be: the portfolio's share of value, and what its broker may be sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from include.domain.account import AccountSnapshot
from include.domain.broker_limits import BrokerLimits
from include.domain.contract import Contract
from include.domain.order import Side
from include.trading.plan_input import PlanInput

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Ceiling:
    """What an order may be worth at most.

    Attributes:
        value: In base currency, down to the cent as notionals are told: an order that fills it must not lie a rounding above.
        cut: Said of an order that it made smaller.
        refused: Said where not even one lot is allowed.
    """

    value: Decimal
    cut: str
    refused: str


def ceilings(plan: PlanInput, contract: Contract, price: Decimal, side: Side) -> list[Ceiling]:
    """Every ceiling of an order, the portfolio's first.

    Args:
        plan: Limits, snapshots and rates.
        contract: What is ordered.
        price: Of one unit, in the contract's currency.
        side: A position's limit is no limit of a sale.
    """
    share, base = plan.portfolio.limits.max_order_pct, plan.portfolio.base_currency
    found = [
        Ceiling(_cents(plan.nav * share / 100), f"{share} % in one order", "max_order: one lot is more than one order may be")
    ]
    broker = contract.broker
    limits = plan.broker_limits.get(broker, BrokerLimits())
    if limits.max_order_value is not None:
        told = f"{limits.max_order_value:f} {base}"
        refused = f"max_order_value: one lot is more than {told}, the limit of {broker}"
        found.append(Ceiling(_cents(limits.max_order_value), f"{told} in one order at {broker}", refused))
    if limits.max_position_value is not None and side is Side.BUY:
        held = held_at(broker, contract.native_id, plan.snapshots)
        worth = max(held, Decimal(0)) * price * contract.multiplier / plan.rates[contract.currency]
        told = f"{limits.max_position_value:f} {base}"
        refused = f"max_position_value: {worth:.2f} of at most {told} are held at {broker}"
        room = max(limits.max_position_value - worth, Decimal(0))
        found.append(Ceiling(_cents(room), f"a position of {told} at {broker}", refused))
    return found


def held_at(broker: str, native_id: str, snapshots: Mapping[str, AccountSnapshot]) -> Decimal:
    """Signed quantity of a contract over all accounts at a broker, whoever bought it."""
    return sum((s.held(native_id) for s in snapshots.values() if s.broker == broker), Decimal(0))


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_DOWN)
