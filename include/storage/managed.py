"""What a portfolio manages: the signed sum of its own fills and explicit adoptions, never more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from include.domain.contract import Contract
from include.domain.order import Order


@dataclass(frozen=True)
class ManagedPosition:
    """One position under management. `quantity` is signed, in units of the contract; long is positive."""

    portfolio: str
    account: str
    ticker: str
    instrument_id: str
    contract: Contract
    quantity: Decimal


def managed_positions(
    portfolio: str, executed: Sequence[tuple[Order, Decimal]], adopted: Sequence[ManagedPosition]
) -> list[ManagedPosition]:
    """Positions per (account, native id), sorted by account, ticker and native id; zero positions are left out.

    Args:
        portfolio: Whose.
        executed: (order, filled quantity, positive), oldest first: the newest order names ticker and contract.
        adopted: Positions taken under management explicitly.
    """
    sums: dict[tuple[str, str], ManagedPosition] = {}
    parts = list(adopted) + [
        ManagedPosition(portfolio, order.account, order.ticker, order.instrument_id, order.contract, filled * order.side.sign)
        for order, filled in executed
    ]
    for part in parts:
        key = (part.account, part.contract.native_id)
        before = sums[key].quantity if key in sums else Decimal(0)
        sums[key] = replace(part, quantity=before + part.quantity)
    found = [position for position in sums.values() if position.quantity]
    return sorted(found, key=lambda p: (p.account, p.ticker, p.contract.native_id))
