"""Orders, executions and commissions as messages of the protocol at server version 176, field by field."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from include.domain.model import Value
from include.domain.order import Fill, OrderState, Side
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.contracts import contract_fields
from include.sandbox.ibkr.tickets import Ticket
from include.sandbox.ibkr.waiting import stop_of
from include.sandbox.ibkr.wire import UNSET, Field

FIRST_PERM_ID = 1_000_000_000
STATUS = {
    OrderState.ACCEPTED: "Submitted",
    OrderState.PARTIALLY_FILLED: "Submitted",
    OrderState.FILLED: "Filled",
    OrderState.CANCELLED: "Cancelled",
    OrderState.EXPIRED: "Cancelled",
    OrderState.REJECTED: "Inactive",
}
COMPLETED = {
    OrderState.FILLED: "Filled Size: {filled}",
    OrderState.CANCELLED: "Cancelled by Trader",
    OrderState.EXPIRED: "Cancelled: Expired at the end of the session",
    OrderState.REJECTED: "Rejected: {reason}",
}


class VenueOrder(Value):
    """An order of the desk: a frozen picture, and all that is saved of it.

    Attributes:
        number: Of the venue, from 1.
        ticket: As it was written, or last changed.
        account: Whose.
        engine_ids: Its orders in the engine, one after the other; only the last one can be alive.
        working: Whether that one is alive, else the order waits or is over.
        fills: Of all of them, oldest first.
        ended: How it is over; None while it is not.
        text: Why it was rejected, else "".
        reached: Best price a trailing stop has seen.
        triggered: Whether a stop went off.
        shared: How much of its fills the rest of its group has heard of.
        auction_at / expires_at: When its auction is; when a DAY order ends.
    """

    number: int
    ticket: Ticket
    account: str
    engine_ids: tuple[int, ...] = ()
    working: bool = False
    fills: tuple[Fill, ...] = ()
    ended: OrderState | None = None
    text: str = ""
    reached: Decimal | None = None
    triggered: bool = False
    shared: Decimal = Decimal(0)
    auction_at: datetime | None = None
    expires_at: datetime | None = None
    updated_at: datetime

    @property
    def perm_id(self) -> int:
        """The venue's own id of the order, for ever."""
        return FIRST_PERM_ID + self.number

    @property
    def filled(self) -> Decimal:
        """Quantity executed."""
        return sum((fill.quantity for fill in self.fills), Decimal(0))

    @property
    def remaining(self) -> Decimal:
        """Quantity not executed yet."""
        return self.ticket.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        """Of all fills, in currency units; 0 while there is none."""
        filled = self.filled
        return sum((fill.quantity * fill.price for fill in self.fills), Decimal(0)) / filled if filled else Decimal(0)

    @property
    def status(self) -> str:
        """TWS's word for where it stands."""
        if self.ended is not None:
            return STATUS[self.ended]
        return "Submitted" if self.working or self.filled or self.triggered else "PreSubmitted"


def open_order(placed: VenueOrder, listing: Listing) -> list[Field]:
    """Message 5. The delta-neutral type is the text `None`, so eight more fields follow it; counts are 0, never empty."""
    ticket = placed.ticket
    return [
        *(5, ticket.api_id, *contract_fields(listing)),
        *_order_head(placed, listing),
        *(ticket.client_id, placed.perm_id, ticket.outside_rth, False, 0, "", ""),  # hidden, discretionary, goodAfterTime, -
        *("", "", "", "", "", "", "", "", "", 0, "", -1),  # advisor x4, model, goodTill, rule80A, percent, settling, short x3
        *(0, "", "", "", "", "", 0, False, False, False, 0, ticket.oca_type, False, False, ""),  # auctionStrategy .. nbboPriceCap
        *(ticket.parent_id, 0),  # parentId, triggerMethod
        *("", 0, "None", "", 0, "", "", "", "?", False, 0, ""),  # volatility, delta-neutral block
        *(
            False,
            0,
            _trail_stop(placed, listing),
            ticket.trail_pct,
            "",
            "",
            "",
        ),  # continuousUpdate, reference, .., basis, legs' text
        *(0, 0, 0, "", "", "", ""),  # legs, order legs, smart parameters, scale x3, hedge
        *(False, "", "IB", False, False, ""),  # optOutSmart, clearing x2, notHeld, delta-neutral contract, algo
        *(False, False, placed.status, "", "", "", "", "", "", "", "", ""),  # solicited, whatIf, status, margins
        *("", "", "", ticket.currency, "", False, False, 0),  # commissions, warning, randomize x2, conditions
        *("None", "", "", "", "", "", "", 0, "", "", ""),  # adjusted orders, soft dollar tier
        *(ticket.cash_amount or 0, False, False, False, False, "", "", False),  # cashQty .. duration, postToAts, autoCancelParent
        *("", "", "", "", ""),  # minTradeQty .. midOffsetAtHalf
    ]


def completed_order(placed: VenueOrder, listing: Listing) -> list[Field]:
    """Message 101: like 5, but without the client's ids. Only of an order that has ended."""
    ticket = placed.ticket
    assert placed.ended is not None
    why = COMPLETED[placed.ended].format(filled=placed.filled, reason=placed.text)
    return [
        *(101, *contract_fields(listing)),
        *_order_head(placed, listing),
        *(placed.perm_id, ticket.outside_rth, False, 0, ""),
        *("", "", "", "", "", "", "", "", "", 0, "", -1),
        *("", "", "", "", "", 0, False, False, 0, ticket.oca_type, 0),  # startingPrice .. triggerMethod
        *("", 0, "None", "", 0, False, 0, ""),
        *(False, 0, _trail_stop(placed, listing), ticket.trail_pct, ""),
        *(0, 0, 0, "", "", "", ""),
        *("", "IB", False, False, ""),
        *(False, STATUS[placed.ended], False, False, 0),
        *(
            "",
            "",
            ticket.cash_amount or 0,
            False,
            False,
            "",
            placed.filled,
            0,
            False,
            "",
            False,
            False,
            0,
        ),  # trailStop .. parentPermId
        *(placed.updated_at.strftime("%Y%m%d %H:%M:%S UTC"), why),
        *("", "", "", "", ""),
    ]


def order_status(placed: VenueOrder, listing: Listing) -> list[Field]:
    """Message 3."""
    magnifier = listing.price_magnifier
    last = placed.fills[-1].price * magnifier if placed.fills else Decimal(0)
    return [
        *(3, placed.ticket.api_id, placed.status, placed.filled, placed.remaining),
        *(placed.average_price * magnifier, placed.perm_id, placed.ticket.parent_id, last, placed.ticket.client_id, "", 0),
    ]


def executions(placed: VenueOrder, listing: Listing, request_id: str | int = -1, known: int = 0) -> Iterator[list[Field]]:
    """Messages 11, each with its commission report (59); request id -1 means that it happened just now.

    Args:
        known: So many of the oldest are left out.
    """
    total, value = Decimal(0), Decimal(0)
    for place, fill in enumerate(placed.fills):
        total += fill.quantity
        value += fill.quantity * fill.price
        if place < known:
            continue
        yield [
            *(11, request_id, placed.ticket.api_id, *contract_fields(listing)),
            *(execution_id(placed, fill), fill.time.strftime("%Y%m%d %H:%M:%S UTC"), placed.account, listing.exchange),
            *("BOT" if placed.ticket.side is Side.BUY else "SLD", fill.quantity, fill.price * listing.price_magnifier),
            *(placed.perm_id, placed.ticket.client_id, 0, total, value / total * listing.price_magnifier),
            *(placed.ticket.reference, "", 0, "", 2),
        ]
        yield [59, 1, execution_id(placed, fill), fill.commission or 0, fill.commission_currency, UNSET, UNSET, ""]


def execution_id(placed: VenueOrder, fill: Fill) -> str:
    """The venue's id of a fill, in TWS's look."""
    return f"{placed.perm_id:08x}.{fill.fill_id.replace('.', '.01.')}"


def _order_head(placed: VenueOrder, listing: Listing) -> list[Field]:
    ticket, magnifier = placed.ticket, listing.price_magnifier
    auxiliary = ticket.stop_price or ticket.trail_amount or Decimal(0)
    return [
        *(ticket.side.value.upper(), ticket.quantity, ticket.kind, (ticket.limit_price or 0) * magnifier, auxiliary * magnifier),
        *(ticket.time_in_force, ticket.oca_group, placed.account, "", 0, ticket.reference),
    ]


def _trail_stop(placed: VenueOrder, listing: Listing) -> Field:
    stop = stop_of(placed.ticket, placed.reached) if placed.ticket.kind == "TRAIL" else None
    return None if stop is None else stop * listing.price_magnifier
