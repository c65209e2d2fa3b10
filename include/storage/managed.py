"""What a portfolio manages: the signed sum of its own fills and explicit adoptions, never more (read through `Journal`)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Connection, select

from include.domain.account import AccountSnapshot
from include.domain.contract import Contract
from include.domain.order import Order, Side
from include.storage.tables import adoptions, orders, snapshots


@dataclass(frozen=True)
class ManagedPosition:
    """One position under management. `quantity` is signed, in units of the contract; long is positive."""

    portfolio: str
    account: str
    ticker: str
    instrument_id: str
    contract: Contract
    quantity: Decimal


def read_managed(connection: Connection, portfolio: str) -> list[ManagedPosition]:
    """What this portfolio's fills and adoptions add up to, by account and native id; zero positions are left out."""
    executed = connection.execute(
        select(orders.c.body, orders.c.filled_quantity)
        .where(orders.c.portfolio == portfolio, orders.c.filled_quantity != Decimal(0))
        .order_by(orders.c.as_of, orders.c.revision, orders.c.client_order_id)
    ).all()
    adopted = connection.execute(select(adoptions).where(adoptions.c.portfolio == portfolio)).all()
    return _summed(
        portfolio,
        [(Order.model_validate(row.body), row.filled_quantity) for row in executed],
        [
            ManagedPosition(
                portfolio, row.account, row.ticker, row.instrument_id, Contract.model_validate(row.contract), row.quantity
            )
            for row in adopted
        ],
    )


def unexplained(connection: Connection, order: Order, quantity_now: Decimal) -> Decimal | None:
    """See `Journal.unexplained_since`."""
    contract = order.contract.native_id
    before = (
        select(snapshots.c.body, snapshots.c.taken_at)
        .where(snapshots.c.account_id == order.account, snapshots.c.session == order.as_of)
        .order_by(snapshots.c.taken_at, snapshots.c.run_id)
        .limit(1)
    )
    row = connection.execute(before).one_or_none()
    if row is None:
        return None
    mine = (orders.c.account == order.account) & (orders.c.native_id == contract) & (orders.c.as_of >= order.as_of)
    executed = connection.execute(select(orders.c.body, orders.c.filled_quantity).where(mine)).all()
    adopted = connection.execute(
        select(adoptions.c.quantity).where(
            adoptions.c.account == order.account, adoptions.c.native_id == contract, adoptions.c.adopted_at > row.taken_at
        )
    ).scalars()
    explained = sum(adopted, Decimal(0))
    explained += sum((Side(found.body["side"]).sign * found.filled_quantity for found in executed), Decimal(0))
    return quantity_now - AccountSnapshot.model_validate(row.body).held(contract) - explained


def _summed(
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
