"""When an order that waits goes to the market: stops, trailing stops, auctions, members of a group.

The engine matches only what is at market or at a limit; what must wait for something is kept back by the desk and asked here.
"""

from datetime import datetime
from decimal import Decimal

from include.domain.order import Side
from include.sandbox.ibkr.tickets import Ticket
from include.simulation.engine import SimQuote

STOPS = frozenset({"STP", "STP LMT", "TRAIL"})


def waits_for_auction(ticket: Ticket) -> str:
    """`open`, `close`, or "" for an order that takes part in no auction."""
    if ticket.kind in ("MOC", "LOC"):
        return "close"
    return "open" if ticket.time_in_force == "OPG" else ""


def best_price(ticket: Ticket, reached: Decimal | None, quote: SimQuote | None) -> Decimal | None:
    """The best price a trailing stop has seen, from its side; None for other orders, and before the first price."""
    if ticket.kind != "TRAIL" or quote is None:
        return reached
    if reached is None:
        return quote.last
    return max(reached, quote.last) if ticket.side is Side.SELL else min(reached, quote.last)


def stop_of(ticket: Ticket, reached: Decimal | None) -> Decimal | None:
    """Where a stop is triggered now; None while a trailing one has seen no price."""
    if ticket.kind != "TRAIL":
        return ticket.stop_price
    if reached is None:
        return ticket.trail_stop
    distance = ticket.trail_amount or reached * (ticket.trail_pct or Decimal(0)) / 100
    trailed = reached - ticket.side.sign * -distance
    if ticket.trail_stop is None:
        return trailed
    return max(trailed, ticket.trail_stop) if ticket.side is Side.SELL else min(trailed, ticket.trail_stop)


def is_due(ticket: Ticket, stop: Decimal | None, quote: SimQuote | None, auction_at: datetime | None, now: datetime) -> bool:
    """Whether the order goes to the market now.

    Args:
        stop: As `stop_of` tells it.
        auction_at: When its auction is, for an order that waits for one.
    """
    if waits_for_auction(ticket):
        return auction_at is not None and auction_at <= now
    if ticket.kind in STOPS:
        if stop is None or quote is None:
            return False
        return quote.last >= stop if ticket.side is Side.BUY else quote.last <= stop
    if (
        ticket.oca_group and ticket.limit_price is not None
    ):  # only one of a group may stand in the engine: it reserves what is held
        if quote is None:
            return False
        return quote.ask <= ticket.limit_price if ticket.side is Side.BUY else quote.bid >= ticket.limit_price
    return True
