"""What the clients of the local TWS are told of their orders: how each stands after all that happened in one go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from include.domain.order import OrderState
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.order_messages import Placed, executions, open_order, order_status, told_reason
from include.sandbox.ibkr.tickets import Ticket
from include.sandbox.ibkr.wire import Field
from include.simulation.engine import SimOrder

Message = Sequence[Field]


@dataclass(frozen=True)
class Event:
    """What the client of an order is told of it, when it happens."""

    client_id: int
    number: int
    messages: tuple[Message, ...]


class News:
    """Changes of orders, told when `tell` is called.

    Args:
        placed: The order of a number as it stands now.
        listing: What an order is for.

    Attributes:
        events: Everything told so far, oldest first; connections read on from where they stopped.
    """

    def __init__(self, placed: Callable[[int], Placed], listing: Callable[[Ticket], Listing]) -> None:
        self._placed = placed
        self._listing = listing
        self._changed: dict[int, tuple[SimOrder | None, Ticket | None]] = {}  # as it was when its client last heard of it
        self.events: list[Event] = []

    def note(self, number: int, before: SimOrder | None, ticket: Ticket | None) -> None:
        """An order changes; the first note since the last `tell` counts.

        Args:
            before: How it was; None: its client has not heard of it yet.
            ticket: What it was ordered by; None: tell it as an open order again, whatever it was.
        """
        self._changed.setdefault(number, (before, ticket))

    def forget(self, number: int) -> None:
        """It did not change after all."""
        self._changed.pop(number, None)

    def tell(self) -> bool:
        """Tell how the noted orders stand now, where that is otherwise than their clients know; whether any were noted.

        Orders that are not transmitted are not told.
        """
        changed, self._changed = self._changed, {}
        for number, (before, ticket) in changed.items():
            now = self._placed(number)
            messages = self._messages(now, before, ticket) if now.ticket.transmit else []
            if messages:
                self.events.append(Event(now.ticket.client_id, number, tuple(messages)))
        return bool(changed)

    def _messages(self, now: Placed, before: SimOrder | None, ticket: Ticket | None) -> list[Message]:
        listing, api_id = self._listing(now.ticket), now.ticket.api_id
        then = replace(now, order=before or now.order, ticket=ticket or now.ticket)
        opened = before is None or ticket is None or then.shape != now.shape
        known = len(before.fills) if before is not None else 0
        if not opened and (then.status, known) == (now.status, len(now.order.fills)):
            return []
        messages: list[Message] = [open_order(now, listing)] if opened else []
        messages += [order_status(now, listing), *executions(now, listing, known=known)]
        reason = told_reason(now.order)
        if now.order.state is OrderState.REJECTED:
            messages.append(error(api_id, 201, f"Order rejected - reason:{reason}"))
        elif now.status == "Cancelled":
            messages.append(error(api_id, 202, f"Order Canceled - reason:{reason}"))
        elif before is None and now.warning:
            messages.append(error(api_id, 399, now.warning))
        return messages


def error(request_id: str | int, code: int, text: str) -> Message:
    """Message 4; request id -1 belongs to no request."""
    return (4, 2, request_id, code, text, "")
