"""Currency pairs: what is bought is cash of another currency, not a position."""

from include.domain.instrument import AssetClass
from include.domain.order import Side
from include.sandbox.book import VenueBook
from include.simulation.engine import SimPosition, SimRequest


def is_pair(book: VenueBook, native_id: str) -> bool:
    """Whether a contract is a currency pair."""
    listing = book.by_native_id.get(native_id)
    return listing is not None and listing.asset_class is AssetClass.FX


def lend(book: VenueBook, request: SimRequest) -> None:
    """Turn cash of the currency that is sold into the position that the engine sells from, as far as there is any."""
    if request.side is not Side.SELL or not is_pair(book, request.native_id):
        return
    cash = book.engine.cash.get(request.symbol)
    if cash is None or cash < request.quantity:
        return
    mark, held = book.engine.marks.get(request.native_id), book.engine.positions.get(request.native_id)
    before = held.quantity if held else 0
    book.engine.cash[request.symbol] = cash - request.quantity
    book.engine.positions[request.native_id] = SimPosition(
        native_id=request.native_id,
        symbol=request.symbol,
        currency=request.currency,
        quantity=before + request.quantity,
        average_cost=mark.price if mark else request.limit_price or request.quantity,
    )


def settle(book: VenueBook) -> None:
    """Turn every position in a pair that no open sale needs back into cash."""
    engine = book.engine
    needed = {order.native_id for order in engine.open_orders() if order.side is Side.SELL}
    for native_id, position in list(engine.positions.items()):
        if is_pair(book, native_id) and native_id not in needed:
            engine.cash[position.symbol] = engine.cash.get(position.symbol, position.quantity * 0) + position.quantity
            del engine.positions[native_id]
