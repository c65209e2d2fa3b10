"""TWS's error codes in this project's words."""

from include.errors import (
    BrokerUnavailable,
    InsufficientFunds,
    InvalidQuantity,
    InvalidSymbol,
    MarketClosed,
    NotPermitted,
    OrderRejected,
    OutcomeUnknown,
    PolybrokerError,
    RateLimited,
)

CLIENT_ID_IN_USE = 326
DUPLICATE_ORDER_ID = 103
CANCELLED = 202
# Belong to no request and end what the connection is good for: too fast, the line between TWS and IBKR is down.
CONNECTION_LOST = frozenset({1100, 1300, 2110})
TOO_FAST = frozenset({100})
NO_MARKET_DATA = frozenset({354, 10089, 10090, 10091, 10168, 10186, 10187, 10189, 10197})
# Said about an order that stands: notices, held for a locate, will wait for the session, cancelled (its state says so).
NOTICES = frozenset({CANCELLED, 399, 404, 2109, 10311, 10349})

_REFUSALS: dict[int, type[PolybrokerError]] = {
    **dict.fromkeys((200, 478), InvalidSymbol),
    **dict.fromkeys((106, 109, 110, 125, 388, 434, 463, 10243, 10318), InvalidQuantity),
    **dict.fromkeys((203, 321, 460, 10197), NotPermitted),
    **dict.fromkeys((201, 116, 163, 387, 104, 105, 107, 10006, 10015), OrderRejected),
}
_FUNDS = ("insufficient", "settled cash", "margin", "buying power")
_CLOSED = ("market is closed", "exchange is closed", "outside of regular trading hours")


def request_failure(code: int, text: str) -> PolybrokerError:
    """The error of a read that TWS answered with a code. `InvalidSymbol` is a definite "no such contract"."""
    message = f"IBKR error {code}: {text}"
    if code == 200:
        return InvalidSymbol(message)
    if code in NO_MARKET_DATA:
        return NotPermitted(message)
    if code in TOO_FAST:
        return RateLimited(message)
    return BrokerUnavailable(message)


def order_failure(code: int, text: str) -> PolybrokerError:
    """The error of an order that TWS answered with a code; a code that is no known refusal proves nothing."""
    message = f"IBKR error {code}: {text}"
    lowered = text.lower()
    kind = _REFUSALS.get(code)
    if kind is None:
        return OutcomeUnknown(message)
    if kind is OrderRejected and any(word in lowered for word in _CLOSED):
        return MarketClosed(message)
    if kind is OrderRejected and any(word in lowered for word in _FUNDS):
        return InsufficientFunds(message)
    return kind(message)


def is_notice(code: int) -> bool:
    """True for what is said about an order without deciding it."""
    return code in NOTICES or 2100 <= code < 2200
