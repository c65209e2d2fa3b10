"""Profit and cost per contract and of the whole account."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from include.domain.model import Value
from include.simulation.ledger import ZERO, worth

if TYPE_CHECKING:
    from include.simulation.engine import Engine


class Profit(Value):
    """What one contract, or a whole account, brought so far. Amounts in `currency`.

    Attributes:
        native_id: "" for the whole account.
        quantity / average_cost: What is held, and its cost per unit without commissions; 0 for the account.
        realized: What sales brought over their cost, before commissions.
        unrealized: Value at the mark minus cost, before commissions; 0 without a mark.
        commission: Paid so far, positive.
    """

    native_id: str
    currency: str
    quantity: Decimal = ZERO
    average_cost: Decimal = ZERO
    realized: Decimal = ZERO
    unrealized: Decimal = ZERO
    commission: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """Both profits minus commissions."""
        return self.realized + self.unrealized - self.commission


def profits(engine: "Engine") -> list[Profit]:
    """Every contract ever traded, by native id."""
    ledger = engine.ledger
    found = []
    for native_id in sorted({*ledger.positions, *ledger.realized_pnl, *ledger.commissions}):
        held, mark, contract = ledger.positions.get(native_id), engine.marks.get(native_id), engine.contracts[native_id]
        gain = (mark.price - held.average_cost) * held.quantity * contract.multiplier if held and mark else ZERO
        found.append(
            Profit(
                native_id=native_id,
                currency=contract.currency,
                quantity=held.quantity if held else ZERO,
                average_cost=held.average_cost if held else ZERO,
                realized=ledger.realized_pnl.get(native_id, ZERO),
                unrealized=gain,
                commission=ledger.commissions.get(native_id, ZERO),
            )
        )
    return found


def total(found: Iterable[Profit], rates: Mapping[str, Decimal], base: str) -> Profit:
    """All contracts together in one currency, at the rates of now.

    Args:
        rates: Units of a currency for one unit of `base`; `base` itself needs none.

    Raises:
        InputError: A currency with an amount has no positive rate.
    """
    rows = list(found)
    names = ("realized", "unrealized", "commission")
    sums = {name: sum((worth({row.currency: getattr(row, name)}, rates, base) for row in rows), ZERO) for name in names}
    return Profit(native_id="", currency=base, **sums)
