"""The simulation's words in the project's."""

from include.domain.account import Position
from include.domain.contract import Contract
from include.domain.order import OrderReport
from include.errors import (
    InsufficientFunds,
    InvalidQuantity,
    InvalidSymbol,
    MarketClosed,
    NotPermitted,
    OrderRejected,
    Terminal,
)
from include.simulation.engine import Engine, SimOrder, SimPosition
from include.simulation.orders import Mark

_REFUSALS: dict[str, tuple[type[Terminal], str]] = {
    "insufficient_funds": (InsufficientFunds, "not enough settled cash"),
    "no_short": (NotPermitted, "more than the account holds; it cannot go short"),
    "not_tradable": (InvalidSymbol, "the contract is not tradable"),
    "invalid_quantity": (InvalidQuantity, "expected a positive number of whole lots, or money that buys one"),
    "invalid_price": (InvalidQuantity, "expected every price its type needs, all of them positive"),
    "invalid_bracket": (OrderRejected, "expected its take profit on the gaining side of its stop loss"),
    "invalid_time_in_force": (OrderRejected, "its type is not for this time in force"),
    "no_session": (OrderRejected, "nobody keeps a calendar of its market, so its auction has no time"),
    "session_over": (MarketClosed, "the auction it is for is over"),
    "no_quote": (OrderRejected, "no quote to fill it at"),
}


def order_report(order: SimOrder, engine: Engine) -> OrderReport:
    """The state of a simulated order, with its closing orders where it is a bracket's entry that has filled."""
    return OrderReport(
        client_order_id=order.client_order_id,
        broker_order_id=str(order.order_id),
        native_id=order.native_id,
        side=order.side,
        quantity=order.quantity,
        state=order.state,
        filled_quantity=order.filled_quantity,
        average_price=order.average_price,
        fills=order.fills,
        code=order.reject_code,
        updated_at=order.updated_at,
        legs=tuple(order_report(leg, engine) for leg in engine.legs(order)),
    )


def position(held: SimPosition, contract: Contract, mark: Mark | None) -> Position:
    """A holding with what its contract says and its last price."""
    return Position(
        native_id=held.native_id,
        symbol=held.symbol,
        name=contract.name,
        isin=contract.isin,
        currency=held.currency,
        mic=contract.mic,
        quantity=held.quantity,
        average_cost=held.average_cost,
        market_price=mark.price if mark else None,
    )


def refusal(order: SimOrder) -> Terminal:
    """The error for a rejected order."""
    code = order.reject_code or ""
    kind, words = _REFUSALS.get(code, (OrderRejected, code))
    return kind(
        f"paper: {order.client_order_id} ({order.side.value} {order.quantity} {order.symbol}): {words}",
        broker="paper",
        broker_code=code,
    )
