"""An order before the market sees it: who may trade what, whether its market is open, and what the engine is asked for."""

from datetime import datetime

from include.domain.order import OrderChange, OrderType, TimeInForce
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.contracts import security_type
from include.sandbox.ibkr.tickets import AT_ONCE, REDUCE, Refusal, Ticket
from include.sandbox.sessions import Closings
from include.simulation.engine import SimRequest
from include.simulation.orders import OneCancels

NO_PERMISSION = "no_permission"  # `no_permission.<secType>` or `no_permission.<conId>` among the venue's faults
TRADING_HOURS = "trading_hours"  # while it stands there, orders wait for the opening of their market
_TYPES = {
    "MKT": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "STP": OrderType.STOP,
    "STP LMT": OrderType.STOP_LIMIT,
    "TRAIL": OrderType.TRAILING_STOP,
    "MOC": OrderType.MARKET_ON_CLOSE,
    "LOC": OrderType.LIMIT,
}


class Admission:
    """What the desk asks before an order goes to the engine.

    TWS's own behaviour, as others have recorded it: a kind of contract that the account may not trade is error 460 and nothing
    is taken (QuantConnect/Lean.Brokerages.InteractiveBrokers, pull request 245); a contract that it may not trade is an inactive
    order and 201 (`No Trading Permission, Customer Ineligible`, error 201 in the logs of many); a market order that finds its
    exchange closed is 201 `Exchange is closed.` (the same repository, issue 204), an immediate-or-cancel limit order is
    cancelled (ThomasMarcelis/ibkr-go, transcript api_ioc_fok_aapl), any other waits, with warning 399 (api_order_rejects_aapl).
    The last only while `trading_hours` is among the venue's faults: a sandbox trades round the clock.

    Args:
        closings: Where a market's are not known, it is always open, and a DAY order stands for 24 hours.
    """

    def __init__(self, book: VenueBook, closings: Closings) -> None:
        self._book = book
        self._closings = closings

    def check(self, listing: Listing) -> None:
        """Whether the account may trade this kind of contract.

        Raises:
            Refusal: It may not.
        """
        if self._book.misbehaves(f"{NO_PERMISSION}.{security_type(listing)}"):
            raise Refusal(460, "No trading permissions.")

    def rejection(self, ticket: Ticket, listing: Listing, now: datetime) -> str | None:
        """Why an order becomes inactive at once, in one word; None: it does not."""
        if self._book.misbehaves(f"{NO_PERMISSION}.{listing.native_id}"):
            return NO_PERMISSION
        at_once = ticket.kind == "MKT" and ticket.time_in_force in AT_ONCE
        return "closed" if at_once and self.opening(listing, now) is not None else None

    def comes_too_late(self, ticket: Ticket, listing: Listing, now: datetime) -> bool:
        """Whether it is cancelled at once: it does not wait, and its market is closed."""
        return ticket.time_in_force in AT_ONCE and self.opening(listing, now) is not None

    def waits_until(self, ticket: Ticket, listing: Listing, now: datetime) -> datetime | None:
        """The opening that an order waits for; None: it goes to the market now."""
        if ticket.outside_rth or _auction(ticket) or not self._book.misbehaves(TRADING_HOURS):
            return None
        return self.opening(listing, now)

    def opening(self, listing: Listing, now: datetime) -> datetime | None:
        """When a market opens that is closed now; None for one that is open, or of which nobody knows."""
        opening, closing = self._closings.opening_after(listing.exchange, now), self._closings.after(listing.exchange, now)
        return opening if opening is not None and closing is not None and opening < closing else None

    def warning(self, ticket: Ticket, listing: Listing, opens_at: datetime) -> str:
        """What TWS says of an order that waits for an opening, in the market's own time."""
        zone, days = self._closings.hours(listing.exchange, opens_at, 1)
        there = next((times[0] for _, times in days if times is not None), opens_at)
        return (
            f"Order Message:\n{ticket.side.value.upper()} {ticket.quantity} {ticket.symbol} {listing.exchange}\n"
            f"Warning: Your order will not be placed at the exchange until {there:%Y-%m-%d %H:%M:%S} {zone}."
        )

    def request(self, ticket: Ticket, listing: Listing, parent_id: int | None, now: datetime) -> SimRequest:
        """The order as the engine takes it.

        Args:
            parent_id: The engine's id of the order that must fill first.

        Raises:
            Refusal: It is for an auction that nobody knows of.
        """
        auction = _auction(ticket)
        opening = self._closings.opening_after(listing.exchange, now) if auction is TimeInForce.OPG else None
        closing = self._closings.after(listing.exchange, now) if auction is not TimeInForce.OPG else None
        if auction is not None and opening is None and closing is None:
            raise Refusal(387, f"Unsupported order type for this exchange and security type.{ticket.kind}")
        return SimRequest(
            client_order_id=ticket.reference,
            native_id=ticket.native_id,
            symbol=ticket.symbol,
            currency=ticket.currency,
            side=ticket.side,
            order_type=OrderType.MARKET_ON_OPEN if ticket.kind == "MKT" and auction else _TYPES[ticket.kind],
            time_in_force=auction or TimeInForce(ticket.time_in_force.lower()),
            quantity=ticket.quantity,
            limit_price=ticket.limit_price,
            stop_price=ticket.stop_price or ticket.trail_stop,
            trail_amount=ticket.trail_amount,
            trail_pct=ticket.trail_pct,
            cash_amount=ticket.cash_amount,
            expires_at=closing if auction is None else None,
            opens_at=opening,
            closes_at=closing if auction is TimeInForce.CLS else None,
            extended_hours=ticket.outside_rth,
            parent_id=parent_id,
            group=ticket.oca_group or None,
            one_cancels=OneCancels.REDUCE if ticket.oca_type >= REDUCE else OneCancels.CANCEL,
            transmit=ticket.transmit,
        )


def change(old: Ticket, new: Ticket) -> OrderChange | None:
    """What a client wants to be otherwise; None for nothing that the engine knows of.

    Raises:
        Refusal: Something else than what can be changed.
    """
    if (old.native_id, old.side, old.parent_id) != (new.native_id, new.side, new.parent_id):
        raise Refusal(105, "Order being modified does not match original order")
    if old.kind != new.kind:
        raise Refusal(329, "Order modify failed. Cannot change to the new order type.")
    names = ("quantity", "limit_price", "stop_price", "trail_amount", "trail_pct")
    values = {name: getattr(new, name) for name in names if getattr(new, name) not in (None, getattr(old, name))}
    if new.time_in_force != old.time_in_force:
        values["time_in_force"] = TimeInForce(new.time_in_force.lower())
    return OrderChange(**values) if values else None


def _auction(ticket: Ticket) -> TimeInForce | None:
    if ticket.kind in ("MOC", "LOC"):
        return TimeInForce.CLS
    return TimeInForce.OPG if ticket.time_in_force == "OPG" else None
