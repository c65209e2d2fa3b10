"""Orders, executions and commissions as messages of the protocol at server version 176, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from include.domain.order import Fill, OrderState, OrderType, Side
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.contracts import contract_fields
from include.sandbox.ibkr.wire import UNSET, Field
from include.simulation.engine import SimOrder

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


@dataclass(frozen=True)
class VenueOrder:
    """An order with what the protocol adds to it.

    Attributes:
        client_id / api_id: Which client sent it, under which order id of that client's own.
        text: Why it was rejected, else "".
    """

    order: SimOrder
    listing: Listing
    account: str
    client_id: int
    api_id: int
    text: str = ""

    @property
    def perm_id(self) -> int:
        """The venue's own id of the order, for ever."""
        return FIRST_PERM_ID + self.order.order_id

    @property
    def extra(self) -> dict[str, Any]:
        """What the book keeps beside the engine's order."""
        return {"client_id": self.client_id, "api_id": self.api_id, "text": self.text}

    @classmethod
    def restore(cls, order: SimOrder, listing: Listing, account: str, extra: Mapping[str, Any]) -> "VenueOrder":
        """From the engine's order and what the book kept."""
        return cls(order, listing, account, int(extra["client_id"]), int(extra["api_id"]), str(extra["text"]))

    def price(self, value: Decimal | None) -> Decimal | None:
        """A price in the units the contract is quoted in."""
        return None if value is None else value * self.listing.price_magnifier


def open_order(placed: VenueOrder) -> list[Field]:
    """Message 5. The delta-neutral type is the text `None`, so eight more fields follow it; counts are 0, never empty."""
    order = placed.order
    return [
        *(5, placed.api_id, *contract_fields(placed.listing)),
        *_order_head(placed),
        *(placed.client_id, placed.perm_id, False, False, 0, "", ""),  # outsideRth, hidden, discretionary, goodAfterTime, -
        *("", "", "", "", "", "", "", "", "", 0, "", -1),  # advisor x4, model, goodTill, rule80A, percent, settling, short x3
        *(0, "", "", "", "", "", 0, False, False, False, 0, 0, False, False, "", 0, 0),  # auctionStrategy .. triggerMethod
        *("", 0, "None", "", 0, "", "", "", "?", False, 0, ""),  # volatility, delta-neutral block
        *(False, 0, "", "", "", "", ""),  # continuousUpdate, reference, trailStop, trailingPercent, basisPoints x2, legs' text
        *(0, 0, 0, "", "", "", ""),  # legs, order legs, smart parameters, scale x3, hedge
        *(False, "", "IB", False, False, ""),  # optOutSmart, clearing x2, notHeld, delta-neutral contract, algo
        *(False, False, STATUS[order.state], "", "", "", "", "", "", "", "", ""),  # solicited, whatIf, status, margins
        *("", "", "", order.currency, "", False, False, 0),  # commissions, warning, randomize x2, conditions
        *("None", "", "", "", "", "", "", 0, "", "", ""),  # adjusted orders, soft dollar tier
        *(0, False, False, False, False, "", "", False),  # cashQty .. usePriceMgmtAlgo, duration, postToAts, autoCancelParent
        *("", "", "", "", ""),  # minTradeQty .. midOffsetAtHalf
    ]


def completed_order(placed: VenueOrder) -> list[Field]:
    """Message 101: like 5, but without the client's ids."""
    order = placed.order
    why = COMPLETED[order.state].format(filled=order.filled_quantity, reason=placed.text)
    return [
        *(101, *contract_fields(placed.listing)),
        *_order_head(placed),
        *(placed.perm_id, False, False, 0, ""),
        *("", "", "", "", "", "", "", "", "", 0, "", -1),
        *("", "", "", "", "", 0, False, False, 0, 0, 0),  # startingPrice .. triggerMethod
        *("", 0, "None", "", 0, False, 0, ""),
        *(False, 0, "", "", ""),
        *(0, 0, 0, "", "", "", ""),
        *("", "IB", False, False, ""),
        *(False, STATUS[order.state], False, False, 0),
        *("", "", 0, False, False, "", order.filled_quantity, 0, False, "", False, False, 0),  # trailStop .. parentPermId
        *(order.updated_at.strftime("%Y%m%d %H:%M:%S UTC"), why),
        *("", "", "", "", ""),
    ]


def order_status(placed: VenueOrder) -> list[Field]:
    """Message 3."""
    order = placed.order
    last = placed.price(order.fills[-1].price) if order.fills else Decimal(0)
    return [
        *(3, placed.api_id, STATUS[order.state], order.filled_quantity, order.remaining),
        *(placed.price(order.average_price) or 0, placed.perm_id, 0, last, placed.client_id, "", 0),
    ]


def executions(placed: VenueOrder, request_id: str | int = -1) -> Iterator[list[Field]]:
    """Messages 11, each with its commission report (59); request id -1 means that it happened just now."""
    total, value = Decimal(0), Decimal(0)
    for fill in placed.order.fills:
        total += fill.quantity
        value += fill.quantity * fill.price
        yield [
            *(11, request_id, placed.api_id, *contract_fields(placed.listing)),
            *(execution_id(placed, fill), fill.time.strftime("%Y%m%d %H:%M:%S UTC"), placed.account, placed.listing.exchange),
            *("BOT" if placed.order.side is Side.BUY else "SLD", fill.quantity, placed.price(fill.price)),
            *(placed.perm_id, placed.client_id, 0, total, placed.price(value / total)),
            *(placed.order.client_order_id, "", 0, "", 2),
        ]
        yield [59, 1, execution_id(placed, fill), fill.commission or 0, fill.commission_currency, UNSET, UNSET, ""]


def execution_id(placed: VenueOrder, fill: Fill) -> str:
    """The venue's id of a fill, in TWS's look."""
    return f"{placed.perm_id:08x}.{fill.fill_id.replace('.', '.01.')}"


def _order_head(placed: VenueOrder) -> list[Field]:
    order = placed.order
    kind = "MKT" if order.order_type is OrderType.MARKET else "LMT"
    return [
        *(order.side.value.upper(), order.quantity, kind, placed.price(order.limit_price) or 0, 0),
        *(order.time_in_force.value.upper(), "", placed.account, "", 0, order.client_order_id),
    ]
