"""What Alpaca's refusals mean for a request; the codes themselves are data (`errors.yaml`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.brokers.error_table import ERRORS, UNKNOWN, error_table
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    InvalidSymbol,
    NotPermitted,
    OutcomeUnknown,
    PolybrokerError,
    RateLimited,
)

DUPLICATE_FAMILY = (422, 40010001)  # "client_order_id must be unique", and other faults of a request
NOT_FOUND = (404, 40410000)
# The time ran out on the server's side: whether it acted on the request is not known.
_NO_ANSWER = frozenset({408, 499})
# What a refused reading request may mean; anything else says that this version words it wrongly.
_OF_READS = (AuthenticationFailed, NotPermitted, InvalidSymbol, RateLimited)
_HEADERS = {"X-Request-ID": "request_id", "Retry-After": "retry_after"}


@dataclass(frozen=True)
class Refusal:
    """An HTTP answer that is no success.

    Attributes:
        code: Alpaca's own code; None where the body holds none (HTML, `{"message": "forbidden."}`).
        message: Alpaca's text, or the beginning of a body that is no JSON.
        context: `request_id` (what Alpaca's support asks for) and `retry_after` in seconds, where the answer told them.
    """

    status: int
    code: int | None
    message: str
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int | None]:
        """Status and code."""
        return self.status, self.code

    @property
    def broker_code(self) -> str:
        """The same as the table writes it."""
        return str(self.status) if self.code is None else f"{self.status}/{self.code}"


@dataclass(frozen=True)
class Advice:
    """What a person can look at: ends of messages, each with what stands before it; "" for none.

    Attributes:
        address: The host cannot be reached.
        login: Keys or token are refused.
    """

    address: str = ""
    login: str = ""


NO_ADVICE = Advice()


def read_refusal(status: int, body: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """A refusal out of status, body and headers, whatever the body is."""
    context = {ours: str((headers or {})[theirs])[:100] for theirs, ours in _HEADERS.items() if theirs in (headers or {})}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Refusal(status, None, " ".join(body.split())[:120], context)
    code = document.get("code")
    known = code if isinstance(code, int) and not isinstance(code, bool) else None
    return Refusal(status, known, str(document.get("message", ""))[:300], context)


def error_of(refusal: Refusal, *, changes: bool) -> PolybrokerError:
    """The error to raise for a refusal.

    Args:
        refusal: The broker's answer.
        changes: True for requests that change something (orders): there a server's fault, and a code that nobody has thought of,
            leave the outcome unknown.
    """
    text = f"alpaca answered {refusal.status}" + (f" / {refusal.code}" if refusal.code is not None else "")
    text += f": {refusal.message}" if refusal.message else ""
    kind: type[PolybrokerError] = OutcomeUnknown if changes else BrokerUnavailable
    code = kind.code
    if refusal.status < 500 and refusal.status not in _NO_ANSWER:
        code = standard_code(refusal)
        told = ERRORS.get(code, kind)
        if changes or told in _OF_READS:
            kind = told
        elif code != UNKNOWN:
            code = kind.code
    return kind(text, code=code, broker="alpaca", broker_code=refusal.broker_code, context=refusal.context)


def standard_code(refusal: Refusal) -> str:
    """The standard code of status and code, else of the status alone; `UNKNOWN` where no row fits."""
    table = error_table("alpaca")
    exact = table.code_of(refusal.broker_code, refusal.message)
    return table.code_of(str(refusal.status), refusal.message) if exact == UNKNOWN else exact
