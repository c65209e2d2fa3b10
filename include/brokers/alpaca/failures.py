"""What Alpaca's refusals mean, as data: (HTTP status, Alpaca's code) to one of `include.errors`.

Alpaca's codes are families (40310000 is "not enough" of several things), so the text is passed on for people and never decides.
"""

import json
from dataclasses import dataclass

from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    InsufficientFunds,
    InvalidSymbol,
    NotPermitted,
    OrderRejected,
    OutcomeUnknown,
    PolybrokerError,
    RateLimited,
)

DUPLICATE_FAMILY = (422, 40010001)  # "client_order_id must be unique", and other faults of a request
NOT_FOUND = (404, 40410000)

# The first row that fits decides; None fits every code, or (with `has_code` False below) the absence of one.
_REFUSALS: tuple[tuple[int, int | None, type[PolybrokerError]], ...] = (
    (401, None, AuthenticationFailed),
    (403, 40310000, InsufficientFunds),  # buying power, quantity held, not fractionable, below the smallest order
    (403, 40310100, NotPermitted),  # pattern day trading
    (404, 40410000, InvalidSymbol),
    (429, None, RateLimited),
)
# The time ran out on the server's side: whether it acted on the request is not known.
_NO_ANSWER = frozenset({408, 499})


@dataclass(frozen=True)
class Refusal:
    """An HTTP answer that is no success.

    Attributes:
        code: Alpaca's own code; None where the body holds none (HTML, `{"message": "forbidden."}`).
        message: Alpaca's text, or the beginning of a body that is no JSON.
    """

    status: int
    code: int | None
    message: str

    @property
    def key(self) -> tuple[int, int | None]:
        """What the table is asked with."""
        return self.status, self.code


def read_refusal(status: int, body: str) -> Refusal:
    """A refusal out of status and body, whatever the body is."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return Refusal(status, None, " ".join(body.split())[:120])
    code = document.get("code")
    known = code if isinstance(code, int) and not isinstance(code, bool) else None
    return Refusal(status, known, str(document.get("message", ""))[:300])


def error_of(refusal: Refusal, *, changes: bool) -> PolybrokerError:
    """The error to raise for a refusal.

    Args:
        refusal: The broker's answer.
        changes: True for requests that change something (orders): there a server's fault leaves the outcome unknown.
    """
    text = f"alpaca answered {refusal.status}" + (f" / {refusal.code}" if refusal.code is not None else "")
    text += f": {refusal.message}" if refusal.message else ""
    if refusal.status >= 500 or refusal.status in _NO_ANSWER:
        return OutcomeUnknown(text) if changes else BrokerUnavailable(text)
    for status, code, error in _REFUSALS:
        if status == refusal.status and code in (None, refusal.code):
            return error(text)
    if refusal.status == 403:
        return AuthenticationFailed(text) if refusal.code is None else NotPermitted(text)
    # Any other 4xx says "not like this": an order that does not stand, or a reading request that this version words wrongly.
    return OrderRejected(text) if changes else BrokerUnavailable(text)
