"""Why the engine refuses an order, in one word each.

`unknown_contract`, `wrong_currency`, `not_tradable`, `invalid_quantity` (not positive, no whole lots, or money that buys none),
`invalid_price` (one that the type needs is missing or not positive), `invalid_bracket` (its closing orders stand on the wrong
sides), `invalid_time_in_force` (not with this type), `no_session` (an auction without the session's times), `session_over` (it
would come after the auction), `no_parent`, `parent_over` (it ended before it filled), `no_quote`, `no_rate`,
`insufficient_funds`, `no_short`.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from include.domain.order import OrderType, Side, TimeInForce
from include.simulation import funds
from include.simulation.orders import SimContract, SimOrder

if TYPE_CHECKING:
    from include.simulation.matching import Matching

_AUCTIONS = {OrderType.MARKET_ON_OPEN: TimeInForce.OPG, OrderType.MARKET_ON_CLOSE: TimeInForce.CLS}
_STANDING = (TimeInForce.DAY, TimeInForce.GTC)


def refusal(engine: "Matching", order: SimOrder) -> str | None:
    """Why an order is not taken; None where it is. Asked for new orders, and for changed ones as they would stand."""
    contract = engine.contracts.get(order.native_id)
    if contract is None:
        return "unknown_contract"
    if order.currency != contract.currency:
        return "wrong_currency"
    if not contract.tradable:
        return "not_tradable"
    if order.cash_amount is not None and order.cash_amount > 0 and not order.is_limited and order.native_id not in engine.marks:
        return "no_quote"
    found = _quantity(order, contract) or _prices(order) or _session(order) or _parent(engine, order)
    if found:
        return found
    if order.order_type is OrderType.MARKET and order.native_id not in engine.marks:
        return "no_quote"
    if not engine.ledger.can_settle(order.currency):
        return "no_rate"
    return None if order.is_held else uncovered(engine, order)


def uncovered(engine: "Matching", order: SimOrder) -> str | None:
    """`no_short` or `insufficient_funds` where the account does not hold what an order sells, or costs."""
    if order.side is Side.SELL:
        return "no_short" if order.remaining > funds.unreserved(engine, order) else None
    price = funds.reserve_price(engine, order)
    if price is None:
        return None  # nobody knows yet what it costs: asked again when it fills
    return None if funds.affordable(engine, order, order.remaining, price) else "insufficient_funds"


def _quantity(order: SimOrder, contract: SimContract) -> str | None:
    whole = not contract.lot_size or order.quantity % contract.lot_size == 0
    return None if order.quantity > 0 and whole else "invalid_quantity"


def _prices(order: SimOrder) -> str | None:
    kind = order.order_type
    trails = [trail for trail in (order.trail_amount, order.trail_pct) if trail is not None]
    needed: list[Decimal | None] = []
    if order.is_limited:
        needed.append(order.limit_price)
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT):
        needed.append(order.stop_price)
    told = [*trails, order.take_profit_price, order.stop_loss_price, order.stop_loss_limit_price]
    if any(price is None or price <= 0 for price in needed) or any(price is not None and price <= 0 for price in told):
        return "invalid_price"
    if kind is OrderType.TRAILING_STOP and (len(trails) != 1 or (order.trail_pct is not None and order.trail_pct >= 100)):
        return "invalid_price"
    gain, loss = order.take_profit_price, order.stop_loss_price
    if gain is not None and loss is not None and (gain - loss) * order.side.sign <= 0:
        return "invalid_bracket"
    return None if loss is not None or order.stop_loss_limit_price is None else "invalid_bracket"


def _session(order: SimOrder) -> str | None:
    kind, standing = order.order_type, order.time_in_force
    auction = standing if standing in _AUCTIONS.values() else None
    if kind in _AUCTIONS and standing is not _AUCTIONS[kind]:
        return "invalid_time_in_force"
    if auction is not None and kind not in (OrderType.LIMIT, *_AUCTIONS):
        return "invalid_time_in_force"
    if order.is_stop and standing not in _STANDING:
        return "invalid_time_in_force"
    if auction is None:
        return None
    moment = order.opens_at if auction is TimeInForce.OPG else order.closes_at
    if moment is None:
        return "no_session"
    return "session_over" if moment <= (order.active_at or order.created_at) else None


def _parent(engine: "Matching", order: SimOrder) -> str | None:
    if order.parent_id is None or order.started:
        return None
    parent = engine.orders.get(order.parent_id)
    if parent is None:
        return "no_parent"
    return None if parent.is_open or engine.rules.starts_children(parent) else "parent_over"
