"""Settled cash per account and currency: a buy that is not funded is held, never shrunk and never paid from buying power."""

from collections.abc import Mapping
from decimal import Decimal

from include.domain.account import AccountSnapshot


class Funding:
    """Cash that is still free while a plan is being written.

    Args:
        snapshots: Account id to snapshot.
        converting: Account ids whose broker changes money by itself when an order needs it: all their cash counts, in `base`.
        rates: Units of each currency for one unit of `base`.
        base: Base currency of the portfolio.
        committed: (account id, currency) to money, positive, that orders still open may take: it is not free.
    """

    def __init__(
        self,
        snapshots: Mapping[str, AccountSnapshot],
        converting: frozenset[str],
        rates: Mapping[str, Decimal],
        base: str,
        committed: Mapping[tuple[str, str], Decimal] | None = None,
    ) -> None:
        self._converting = converting
        self._rates = rates
        self._base = base
        self._free: dict[tuple[str, str], Decimal] = {}
        for account_id, snapshot in snapshots.items():
            for currency, amount in snapshot.settled_cash.items():
                key = self._key(account_id, currency)
                self._free[key] = self._free.get(key, Decimal(0)) + self._in(key[1], currency, amount)
        for (account_id, currency), amount in (committed or {}).items():
            key = self._key(account_id, currency)
            self._free[key] = self._free.get(key, Decimal(0)) - self._in(key[1], currency, amount)

    def reserve(self, account_id: str, currency: str, amount: Decimal) -> str | None:
        """Set `amount` (positive, in `currency`) aside, or say why it cannot be paid; nothing is set aside then."""
        key = self._key(account_id, currency)
        needed = self._in(key[1], currency, amount)
        free = self._free.get(key, Decimal(0))
        if needed > free:
            return f"unfunded: needs {needed:.2f} {key[1]}, {account_id} has {max(free, Decimal(0)):.2f} settled and free"
        self._free[key] = free - needed
        return None

    def left(self) -> dict[str, dict[str, str]]:
        """What is still free, by account and currency, as text with two decimals."""
        table: dict[str, dict[str, str]] = {}
        for (account_id, currency), amount in sorted(self._free.items()):
            table.setdefault(account_id, {})[currency] = f"{amount:.2f}"
        return table

    def _key(self, account_id: str, currency: str) -> tuple[str, str]:
        return (account_id, self._base if account_id in self._converting else currency)

    def _in(self, target: str, currency: str, amount: Decimal) -> Decimal:
        if target == currency:
            return amount
        if currency not in self._rates:
            return Decimal(0)  # money in a currency nobody needs has no rate in this run: it pays for nothing
        return amount / self._rates[currency] * self._rates.get(target, Decimal(1))
