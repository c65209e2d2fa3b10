"""Settling what earlier runs left open: look every open order up, and conclude only what is proven."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from include.domain.account import AccountSnapshot
from include.domain.order import Order, OrderReport, OrderState
from include.trading.ports import JournalEntry, SettleJournal

GRACE = timedelta(minutes=15)  # an order sent in its last second may still be on its way, or not listed yet
_AT_BROKER = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)


class Reader(Protocol):
    """The part of `brokers.base.Broker` that settling reads."""

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by our id, None only when the broker definitely has none."""

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """What the account holds."""


def settle(account_id: str, broker: Reader, journal: SettleJournal, now: datetime) -> set[str]:
    """Look up every order of an account that may stand at the broker, and record what is found.

    An order that is not found is concluded only `GRACE` after its `valid_until`: it never arrived (`not_sent`), or, where the
    broker had accepted it, it is over (`expired`). Not even then if the account's position moved in the order's direction
    without a fill that explains it, or where nothing tells whether it did: the broker's memory may be shorter than the
    order's life.

    Returns:
        Instrument ids with an order that may still stand at the broker (open there, or not to be found yet): nothing may be
        planned for them.

    Raises:
        PolybrokerError: The account could not be read; nothing was concluded for the orders not reached.
    """
    missing: list[JournalEntry] = []
    for entry in journal.unresolved(account_id):
        if look_up(entry, broker, journal, now) is None and now > entry.order.valid_until + GRACE:
            missing.append(entry)
    _conclude(missing, broker, journal, now)
    return {entry.order.instrument_id for entry in journal.unresolved(account_id)}


def look_up(entry: JournalEntry, broker: Reader, journal: SettleJournal, now: datetime) -> OrderState | None:
    """Ask the broker for one order and record its answer; gives the state afterwards, None when it was not found."""
    found = broker.find_order(entry.order.client_order_id)
    return None if found is None else journal.record(entry.order.client_order_id, found, now)


def _conclude(missing: Sequence[JournalEntry], broker: Reader, journal: SettleJournal, now: datetime) -> None:
    if not missing:
        return
    snapshot = broker.snapshot(max(entry.order.as_of for entry in missing), now)
    held = {position.native_id: position.quantity for position in snapshot.positions}
    for entry in missing:
        order = entry.order
        if suspicion := _suspicion(order, held, journal):
            journal.record(order.client_order_id, _report(order, OrderState.UNKNOWN), now, suspicion)
        elif entry.state in _AT_BROKER:
            words = "the broker does not know it any more and its validity is over"
            journal.record(order.client_order_id, _report(order, OrderState.EXPIRED), now, words)
        else:
            words = "never found at the broker and its validity is over"
            journal.record(order.client_order_id, _report(order, OrderState.NOT_SENT), now, words)


def _suspicion(order: Order, held: Mapping[str, Decimal], journal: SettleJournal) -> str | None:
    unexplained = journal.unexplained_since(order, held.get(order.contract.native_id, Decimal(0)))
    if unexplained is None:
        return "not found, and no snapshot of its session tells whether the position moved"
    if unexplained * order.side.sign <= 0:
        return None
    return f"not found, but the position moved by {unexplained.normalize():+f} that no known fill explains"


def _report(order: Order, state: OrderState) -> OrderReport:
    return OrderReport(client_order_id=order.client_order_id, state=state)
