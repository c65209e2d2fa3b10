"""TWS's errors: what stands in `errors.yaml`, seen from what was asked."""

from include.brokers.error_table import UNKNOWN, error_table
from include.errors import BrokerUnavailable, InvalidSymbol, NotPermitted, OutcomeUnknown, PolybrokerError, RateLimited, Terminal

CLIENT_ID_IN_USE = 326
DUPLICATE_ORDER_ID = 103
CANCELLED = 202
VALIDATION = 321
TOO_FAST = frozenset({100})  # belongs to no request: which one was dropped is not told
LINE_LOST = frozenset({1100, 2110})  # between TWS and IBKR: TWS answers, but not for the market
LINE_BACK = frozenset({1101, 1102})  # with or without the market data that was followed
CONNECTION_LOST = frozenset({1100, 1300, 2110})
NO_MARKET_DATA = frozenset({354, 10089, 10090, 10091, 10168, 10186, 10187, 10189, 10197})
# Said about an order that stands: notices, held for a locate, will wait for the session, cancelled (its state says so).
NOTICES = frozenset({CANCELLED, 399, 404, 2109, 10311, 10349})


class ClientIdInUse(PolybrokerError):
    """TWS has a client with this id; it never leaves the session."""


def request_failure(code: int, text: str) -> PolybrokerError:
    """The error of a read that TWS answered with a code. `InvalidSymbol` is a definite "no such contract"."""
    error = error_table("ibkr").error(str(code), text, f"IBKR error {code}: {text}", BrokerUnavailable, {"text": text})
    told = isinstance(error, RateLimited) or code in NO_MARKET_DATA or (code == 162 and isinstance(error, NotPermitted))
    if told or (code == 200 and isinstance(error, InvalidSymbol)):
        return error
    return _as(error, BrokerUnavailable)  # what decides an order decides no read


def order_failure(code: int, text: str) -> PolybrokerError:
    """The error of an order that TWS answered with a code; one that is no refusal of an order proves nothing."""
    error = error_table("ibkr").error(str(code), text, f"IBKR error {code}: {text}", OutcomeUnknown, {"text": text})
    return error if isinstance(error, Terminal) else _as(error, OutcomeUnknown)


def is_notice(code: int) -> bool:
    """True for what is said about an order without deciding it."""
    return code in NOTICES or 2100 <= code < 2200


def _as(error: PolybrokerError, kind: type[PolybrokerError]) -> PolybrokerError:
    """The same as another class; a code that stands in no table stays `UNKNOWN`."""
    if type(error) is kind:
        return error
    code = error.code if error.code == UNKNOWN else kind.code
    return kind(*error.args, code=code, broker=error.broker, broker_code=error.broker_code, context=error.context)
