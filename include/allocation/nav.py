"""What a portfolio is worth: the equity of its accounts in its base currency."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Protocol

from include.allocation.conversion import cross_rate
from include.domain.account import AccountSnapshot
from include.domain.portfolio import Portfolio
from include.errors import InputError

CENT = Decimal("0.01")


class SnapshotStore(Protocol):
    """Account snapshots by session, kept for accounts that cannot be read (`include/storage/snapshots.py`)."""

    def save(self, snapshot: AccountSnapshot, run_id: str) -> AccountSnapshot:
        """Keep a snapshot; the first of a run stays, and is returned."""

    def latest(self, account_id: str, not_before: str, not_after: str) -> AccountSnapshot | None:
        """The newest whose session (ISO date) lies in [`not_before`, `not_after`], or None."""


@dataclass(frozen=True)
class NetAssetValue:
    """Net asset value in the portfolio's base currency, to the cent.

    Attributes:
        total: Sum over the accounts that are known.
        by_account: Account id to its part; None for an account without a snapshot.
        frozen: Accounts that count with an older snapshot, sorted.
        plan_only_reason: Why nothing may be sent, or None: an account is unknown, or there is nothing to invest.
    """

    total: Decimal
    by_account: dict[str, Decimal | None]
    frozen: tuple[str, ...]
    plan_only_reason: str | None


def net_asset_value(
    portfolio: Portfolio, snapshots: Mapping[str, AccountSnapshot], rates: Mapping[str, Decimal], source: object
) -> NetAssetValue:
    """Value a portfolio from the snapshots of its accounts.

    Args:
        portfolio: Its accounts and base currency.
        snapshots: By account id; an account that is absent is unknown, which is never zero.
        rates: Units of each currency for one euro.
        source: What to name in errors.

    Raises:
        InputError: An account in a currency that has no rate.
    """
    by_account: dict[str, Decimal | None] = {}
    for account in sorted(portfolio.accounts, key=lambda a: a.account_id):
        snapshot = snapshots.get(account.account_id)
        by_account[account.account_id] = None if snapshot is None else _equity(snapshot, portfolio, rates, source)
    total = sum((value for value in by_account.values() if value is not None), Decimal(0))
    unknown = [name for name, value in by_account.items() if value is None]
    reason = None
    if unknown:
        reason = f"no snapshot of {', '.join(unknown)} from this session or the one before"
    elif total <= 0:
        reason = f"net asset value is {total} {portfolio.base_currency}"
    frozen = tuple(name for name in by_account if name in snapshots and snapshots[name].frozen)
    return NetAssetValue(total, by_account, frozen, reason)


def _equity(snapshot: AccountSnapshot, portfolio: Portfolio, rates: Mapping[str, Decimal], source: object) -> Decimal:
    if snapshot.currency not in rates:
        expected = f"expected a rate for {snapshot.currency}, the currency of account {snapshot.account_id}"
        raise InputError(expected, source=source, field="metadata.exchange_rates", value=snapshot.currency)
    rate = cross_rate(rates, snapshot.currency, portfolio.base_currency, source)
    return (snapshot.equity / rate).quantize(CENT, ROUND_HALF_EVEN)
