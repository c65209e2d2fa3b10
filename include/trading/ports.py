"""What sending and settling need from the order journal; `include.storage.journal.Journal` is the one that exists."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from include.domain.order import Order, OrderReport, OrderState


class JournalEntry(Protocol):
    """One order and where it stands."""

    @property
    def order(self) -> Order:
        """The intent."""

    @property
    def state(self) -> OrderState:
        """Where it stands."""


class SendJournal(Protocol):
    """The part of the journal that sending uses; every method is one committed transaction."""

    def state(self, client_order_id: str) -> OrderState | None:
        """State of an order, None where it is not registered."""

    def mark_sending(self, client_order_id: str, at: datetime | None = None) -> bool:
        """planned -> sending; False: it is not planned any more."""

    def mark_planned(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        """sending -> planned, for a send proven not to have arrived."""

    def hold(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        """planned -> held."""

    def close_unsent(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        """planned -> not_sent."""

    def record(self, client_order_id: str, report: OrderReport, at: datetime, reason: str | None = None) -> OrderState:
        """Record the broker's word; gives the state afterwards."""


class SettleJournal(Protocol):
    """The part of the journal that settling uses."""

    def unresolved(self, account: str) -> Sequence[JournalEntry]:
        """Orders that may stand at the broker."""

    def record(self, client_order_id: str, report: OrderReport, at: datetime, reason: str | None = None) -> OrderState:
        """Record the broker's word or our conclusion; gives the state afterwards."""

    def unexplained_since(self, order: Order, quantity_now: Decimal) -> Decimal | None:
        """Signed change of the account's position since the order was planned that no fill explains; None: not known."""


class BrokerPort(Protocol):
    """The part of `brokers.base.Broker` that sending and settling use."""

    def submit(self, order: Order) -> OrderReport:
        """Send once."""

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by our id, None only when the broker definitely has none."""
