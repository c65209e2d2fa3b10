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
from include.sandbox.ibkr.wire import UNSET, UNSET_INTEGER, UNSET_LONG, Field, double

FIRST_PERM_ID = 1_000_000_000
NO_GROUP = 3  # how TWS shows `ocaType` of an order without a group
NOT_AN_INSIDER = "Not an insider or substantial shareholder"
MIN_COMPETE_SIZE, COMPETE_OFFSET = 100, Decimal("0.02")  # what TWS fills in where the client said nothing
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
    ticket, stop = placed.ticket, _trail_stop(placed, listing)
    return [
        *(5, ticket.api_id, *contract_fields(listing), *_order_head(placed, listing, ticket.quantity)),
        *(ticket.client_id, placed.perm_id, ticket.outside_rth, False, 0, ""),  # hidden, discretionaryAmt, goodAfterTime
        *(f"{placed.perm_id}.0/{placed.account}/100", "", "", "", "", ""),  # sharesAllocation, advisor x4, modelCode
        *("", "", "", "", 0, "", -1),  # goodTillDate .. exemptCode
        *(0, "", "", "", "", "", UNSET_INTEGER, False, False, False, "", _group_type(ticket)),  # auctionStrategy .. ocaType
        *(False, False, "", ticket.parent_id, 0, "", 0),  # eTradeOnly, firmQuoteOnly, nbboPriceCap .. volatilityType
        *("None", "", 0, "", "", "", "?", False, 0, ""),  # delta-neutral block
        *(False, 0, stop, ticket.trail_pct, "", "", ""),  # continuousUpdate, referencePriceType .. comboLegsDescrip
        *(0, 0, 0, UNSET_INTEGER, UNSET_INTEGER, "", ""),  # legs, order legs, smart parameters, scale x3, hedge
        *(False, "", "IB", False, False, ""),  # optOutSmart, clearing x2, notHeld, delta-neutral contract, algo
        *(False, False, placed.status),
        *[UNSET] * 9,
        *("", "", "", "", ""),  # solicited, whatIf, margins, commissions, warning
        *(False, False, 0, "None", UNSET, UNSET if stop is None else stop),  # randomize x2, conditions, adjusted orders
        *(*[UNSET] * 4, "0"),
        *("", "", "", ticket.cash_amount or 0, True, False, False, False),  # soft dollar tier, cashQty .. usePriceMgmtAlgo
        *("", "", False, "", MIN_COMPETE_SIZE, COMPETE_OFFSET, "", ""),  # duration .. midOffsetAtHalf
    ]


def completed_order(placed: VenueOrder, listing: Listing) -> list[Field]:
    """Message 101 of an order that has ended: like 5, but without the client's ids; the quantity of one that was filled is 0."""
    ticket, stop = placed.ticket, _trail_stop(placed, listing)
    assert placed.ended is not None
    shown = Decimal(0) if placed.ended is OrderState.FILLED else ticket.quantity
    why = COMPLETED[placed.ended].format(filled=placed.filled, reason=placed.text)
    return [
        *(101, *contract_fields(listing), *_order_head(placed, listing, shown)),
        *(placed.perm_id, ticket.outside_rth, False, 0, ""),  # hidden, discretionaryAmt, goodAfterTime
        *("", "", "", "", "", "", "", "", "", 0, "", -1),  # advisor x4 .. exemptCode
        *("", "", "", "", "", UNSET_INTEGER, False, False, "", _group_type(ticket), 0),  # startingPrice .. triggerMethod
        *("", 0, "None", "", 0, False, 0, ""),  # volatility x2, delta-neutral block
        *(False, 0, stop, ticket.trail_pct, ""),  # continuousUpdate, referencePriceType .. comboLegsDescrip
        *(0, 0, 0, UNSET_INTEGER, UNSET_INTEGER, "", ""),  # legs, order legs, smart parameters, scale x3, hedge
        *("", "IB", False, False, ""),  # clearing x2, notHeld, delta-neutral contract, algo
        *(False, STATUS[placed.ended], False, False, 0),  # solicited, status, randomize x2, conditions
        *(UNSET if stop is None else stop, UNSET, ticket.cash_amount or 0, True, False, ""),  # stop .. autoCancelDate
        *(placed.filled, UNSET_INTEGER, False, NOT_AN_INSIDER, False, False, UNSET_LONG),  # .. parentPermId
        *(placed.updated_at.strftime("%Y%m%d %H:%M:%S UTC"), why),
        *("", "", "", "", ""),  # minTradeQty .. midOffsetAtHalf
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
            *(11, request_id, placed.ticket.api_id),
            *contract_fields(listing, strike="0.0", right="", exchange=listing.exchange),
            *(execution_id(placed, fill), fill.time.strftime("%Y%m%d %H:%M:%S UTC"), placed.account, listing.exchange),
            *("BOT" if placed.ticket.side is Side.BUY else "SLD", fill.quantity, fill.price * listing.price_magnifier),
            *(placed.perm_id, placed.ticket.client_id, 0, total, value / total * listing.price_magnifier),
            *(placed.ticket.reference, "", "", "", 2),  # evRule, evMultiplier, modelCode, lastLiquidity
        ]
        yield [59, 1, execution_id(placed, fill), fill.commission or 0, fill.commission_currency, UNSET, UNSET, ""]


def execution_id(placed: VenueOrder, fill: Fill) -> str:
    """The venue's id of a fill, in TWS's look."""
    order_id, _, number = fill.fill_id.partition(".")
    return f"{placed.perm_id:08x}.{int(order_id):08x}.{int(number):02d}.01"


def _order_head(placed: VenueOrder, listing: Listing, quantity: Decimal) -> list[Field]:
    ticket, magnifier = placed.ticket, listing.price_magnifier
    limit, auxiliary = ticket.limit_price or Decimal(0), ticket.stop_price or ticket.trail_amount or Decimal(0)
    return [
        *(ticket.side.value.upper(), quantity, ticket.kind, double(limit * magnifier), double(auxiliary * magnifier)),
        *(ticket.time_in_force, ticket.oca_group, placed.account, "", 0, ticket.reference),
    ]


def _group_type(ticket: Ticket) -> int:
    return ticket.oca_type or NO_GROUP


def _trail_stop(placed: VenueOrder, listing: Listing) -> str | None:
    stop = stop_of(placed.ticket, placed.reached) if placed.ticket.kind == "TRAIL" else None
    return None if stop is None else double(stop * listing.price_magnifier)
