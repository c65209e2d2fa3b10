"""Whether money or holding suffice for an order."""

from decimal import Decimal

from include.domain.order import Side
from include.sandbox.alpaca.assets import CRYPTO
from include.sandbox.alpaca.desk_order import DeskOrder
from include.sandbox.alpaca.permissions import NO_SHORT
from include.sandbox.alpaca.refused import FORBIDDEN, Refused, permit
from include.sandbox.alpaca.venue import plain
from include.sandbox.book import VenueBook

ZERO = Decimal(0)
MINIMUM_COST = {CRYPTO: Decimal(10)}  # USD; anything else at least 1


def check_account(book: VenueBook, order: DeskOrder, but: int | None = None) -> None:
    """Whether money or holding suffice.

    Args:
        but: The engine's order that this one takes the place of.

    Raises:
        Refused: They do not, or the order is too small.
    """
    if order.side is Side.SELL:
        position = book.engine.positions.get(order.native_id)
        existing = position.quantity if position else ZERO
        held = book.engine.reserved_units(order.native_id, but)
        free = plain(existing - held)
        if not existing and order.kind != CRYPTO:
            permit(NO_SHORT)
        if order.quantity > existing - held:
            raise Refused(
                FORBIDDEN,
                f"insufficient qty available for order (requested: {plain(order.quantity)}, available: {free})",
                available=free,
                existing_qty=plain(existing),
                held_for_orders=plain(held),
                symbol=order.symbol,
            )
        return
    price = price_for(book, order)
    if price is None:
        return
    cost = order.notional or price * order.quantity
    power = book.engine.cash.get(order.currency, ZERO) - book.engine.reserved_cash(but).get(order.currency, ZERO)
    if order.currency == "USD" and cost < (minimum := MINIMUM_COST.get(order.kind, Decimal(1))):
        raise Refused(FORBIDDEN, f"cost basis must be >= minimal amount of order {minimum}")
    if cost > power:
        raise Refused(FORBIDDEN, "insufficient buying power", buying_power=plain(power), cost_basis=plain(cost))


def price_for(book: VenueBook, order: DeskOrder) -> Decimal | None:
    """The price an order is reckoned with: its limit, else its stop, else the market's far side; None without a quote."""
    quote = book.engine.quote(order.native_id)
    far = (quote.ask if order.side is Side.BUY else quote.bid) if quote else None
    return order.limit_price or order.stop_price or far
