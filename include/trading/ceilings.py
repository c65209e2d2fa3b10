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
        told = f"{limits.max_position_value:f} {base}"
        units = held_or_bought(broker, contract.native_id, plan.snapshots)
        worth = (units or Decimal(0)) * price * contract.multiplier / plan.rates[contract.currency]
        refused = f"max_position_value: {worth:.2f} of at most {told} are held or on order at {broker}"
        room = max(limits.max_position_value - worth, Decimal(0))
        if units is None:
            refused, room = f"max_position_value: {unknown_size(broker)}", Decimal(0)
        found.append(Ceiling(_cents(room), f"a position of {told} at {broker}", refused))
    return found


def held_or_bought(
    broker: str, native_id: str, snapshots: Mapping[str, AccountSnapshot], but: str | None = None
) -> Decimal | None:
    """Units of a contract that all accounts at a broker would hold if every open buy filled, whoever placed it; at least 0.

    Open sales do not count: they may never fill. None where an open buy tells no quantity.

    Args:
        broker: Whose accounts.
        native_id: The contract.
        snapshots: By account id, also of accounts elsewhere.
        but: Client order id of an order that does not count.
    """
    total = Decimal(0)
    for snapshot in snapshots.values():
        if snapshot.broker == broker:
            bought = snapshot.being_bought(native_id, but)
            if bought is None:
                return None
            total += snapshot.held(native_id) + bought
    return max(total, Decimal(0))


def unknown_size(broker: str) -> str:
    """Why nothing is bought of a contract while `held_or_bought` does not know how much of it is on order."""
    return f"an open buy of unknown size stands at {broker}; wait until it is filled, or cancel it"


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_DOWN)
