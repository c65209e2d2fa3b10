"""Cash and positions of one simulated account."""

from collections.abc import Mapping
from decimal import Decimal

from include.domain.model import Value
from include.domain.order import Side
from include.errors import InputError
from include.simulation.tracked import Tracked

ZERO = Decimal(0)


class SimPosition(Value):
    """A holding; never short.

    Attributes:
        average_cost: Per unit, in currency units, without commissions.
        realized_pnl: What sales of this contract brought over their cost so far, before commissions.
    """

    native_id: str
    symbol: str
    currency: str
    quantity: Decimal
    average_cost: Decimal
    realized_pnl: Decimal = ZERO


class Ledger:
    """Cash per currency and open positions.

    Args:
        cash: Currency -> settled cash.
        settle_in: None: every purchase is paid in its own currency. A currency: what the account lacks of another one is bought
            with this one at `rates` in the same moment, and proceeds in another one are sold for it.
        rates: Units of a currency for one unit of `settle_in`.

    Attributes:
        positions: Native id -> open position; a closed one disappears, its profit stays in `realized_pnl`.
        realized_pnl: Native id -> what sales brought over their cost, in the contract's currency, before commissions.
        commissions: Native id -> commissions paid, positive, in the contract's currency.
    """

    def __init__(self, cash: Mapping[str, Decimal], settle_in: str | None = None) -> None:
        self.cash: Tracked[str, Decimal] = Tracked(cash)
        self.settle_in = settle_in
        self.rates: Tracked[str, Decimal] = Tracked()
        self.positions: Tracked[str, SimPosition] = Tracked()
        self.realized_pnl: Tracked[str, Decimal] = Tracked()
        self.commissions: Tracked[str, Decimal] = Tracked()

    def rate(self, currency: str) -> Decimal | None:
        """Units of `currency` for one of `settle_in`; None without one (and where nothing is converted)."""
        return Decimal(1) if currency == self.settle_in else self.rates.get(currency)

    def can_settle(self, currency: str) -> bool:
        """Whether a trade in `currency` can be paid for at all."""
        return self.settle_in is None or self.rate(currency) is not None

    def can_pay(self, amounts: Mapping[str, Decimal]) -> bool:
        """Whether all these amounts (currency -> amount) can be paid together."""
        missing = {currency: amount - self.cash.get(currency, ZERO) for currency, amount in amounts.items()}
        short = {currency: amount for currency, amount in missing.items() if amount > 0}
        if self.settle_in is None or not short:
            return not short
        need = short.pop(self.settle_in, ZERO)
        free = max(self.cash.get(self.settle_in, ZERO) - amounts.get(self.settle_in, ZERO), ZERO)
        for currency, amount in short.items():
            rate = self.rate(currency)
            if rate is None:
                return False
            need += amount / rate
        return need <= free

    def apply(self, side: Side, position: SimPosition, price: Decimal, multiplier: Decimal, commission: Decimal) -> None:
        """Book one execution.

        Args:
            position: Contract and traded quantity (positive); its cost and profit are ignored.
            price: In currency units.
            commission: Positive, in the contract's currency.
        """
        value = position.quantity * price * multiplier
        self._move(position.currency, -side.sign * value - commission)
        if commission:
            self.commissions[position.native_id] = self.commissions.get(position.native_id, ZERO) + commission
        held = self.positions.get(position.native_id)
        before = held.quantity if held else ZERO
        cost = held.average_cost if held else ZERO
        after = before + side.sign * position.quantity
        realized = self.realized_pnl.get(position.native_id, ZERO)
        if side is Side.BUY:
            cost = (before * cost + position.quantity * price) / after
        else:
            realized += (price - cost) * position.quantity * multiplier
            self.realized_pnl[position.native_id] = realized
        if after == 0:
            self.positions.pop(position.native_id, None)
            return
        self.positions[position.native_id] = position.model_copy(
            update={"quantity": after, "average_cost": cost, "realized_pnl": realized}
        )

    def _move(self, currency: str, amount: Decimal) -> None:
        balance = self.cash.get(currency, ZERO) + amount
        rate = self.rate(currency)
        if self.settle_in is None or rate is None or currency == self.settle_in:
            self.cash[currency] = balance
        elif amount > 0:  # proceeds are sold for the settlement currency, what was there before stays
            self._add(self.settle_in, amount / rate)
        else:
            self.cash[currency] = max(balance, ZERO)
            self._add(self.settle_in, min(balance, ZERO) / rate)
            if self.cash[currency] == 0:
                del self.cash[currency]

    def _add(self, currency: str, amount: Decimal) -> None:
        self.cash[currency] = self.cash.get(currency, ZERO) + amount


def worth(amounts: Mapping[str, Decimal], rates: Mapping[str, Decimal], base: str) -> Decimal:
    """Amounts per currency in one currency.

    Args:
        rates: Units of a currency for one unit of `base`; `base` itself needs none.

    Raises:
        InputError: A currency with an amount has no positive rate.
    """
    total = ZERO
    for currency, amount in amounts.items():
        rate = Decimal(1) if currency == base else rates.get(currency, ZERO)
        if amount and rate <= 0:
            raise InputError(f"expected a positive rate of {currency} per {base}", source="exchange rates", field=currency)
        total += amount / rate if amount else ZERO
    return total
