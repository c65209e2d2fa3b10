"""Every error this project raises on purpose, and what the caller may do about it.

```
PolybrokerError
├── InputError              the user's data or settings: names file, row, field and what was expected
├── Terminal                do not retry, the answer will not change
│   ├── OrderRejected       the broker refused the order
│   ├── DuplicateOrder      the broker already knows this client order id
│   ├── InsufficientFunds   not enough settled cash or margin
│   ├── InvalidSymbol       the broker does not know this contract
│   ├── InvalidQuantity     lot, tick or minimum broken
│   ├── MarketClosed        no session takes this order now
│   ├── NotPermitted        the account may not do this (permission, kill switch, missing approval)
│   ├── Unsupported         the broker or this version cannot do it
│   └── AuthenticationFailed  credentials refused, or an environment claimed without proof
├── Transient               safe to retry: nothing was changed
│   ├── RateLimited         asked too often
│   └── BrokerUnavailable   not reachable, or its answer made no sense
└── OutcomeUnknown          the request may have arrived: look it up before anything else
```

Steps raise these; `include/hooks/` translates them for Airflow (Terminal and InputError fail a
task for good, Transient lets Airflow retry).
"""

from collections.abc import Mapping


class PolybrokerError(Exception):
    """Base of all errors raised by this project.

    Attributes:
        code: The standard code, the same for all brokers (`RATE_LIMITED`); `UNKNOWN` where a broker's code stands in no table.
        broker / broker_code: Whose error it is, and the broker's own code, as text; "" where there is none.
        context: What else the broker told (reject reason, request id), for people; never a secret.
    """

    code: str = "UNKNOWN"

    def __init__(
        self,
        *words: object,
        code: str | None = None,
        broker: str = "",
        broker_code: str = "",
        context: Mapping[str, str] | None = None,
    ) -> None:
        self.broker, self.broker_code = broker, broker_code
        self.context: dict[str, str] = dict(context or {})
        if code is not None:
            self.code = code
        super().__init__(*words)


class InputError(PolybrokerError):
    """The user's data or settings are wrong.

    Args:
        expected: What was expected, in words a user can act on.
        source: File, setting or URI that holds the fault.
        row: 1-based line or row inside `source`, if there is one.
        field: Column, key or option name, if there is one.
        value: The offending value as found (shown with `repr`).
    """

    code = "INPUT_ERROR"

    def __init__(
        self,
        expected: str,
        *,
        source: object | None = None,
        row: int | None = None,
        field: str | None = None,
        value: object | None = None,
    ) -> None:
        self.source = None if source is None else str(source)
        self.row = row
        self.field = field
        where = [str(source)] if source is not None else []
        if row is not None:
            where.append(f"row {row}")
        if field is not None:
            where.append(f"field {field!r}")
        found = "" if value is None else f" (found {value!r})"
        super().__init__(f"{', '.join(where)}: {expected}{found}" if where else expected + found)


class Terminal(PolybrokerError):
    """Do not retry: the answer will not change."""


class OrderRejected(Terminal):
    """The broker refused the order."""

    code = "ORDER_REJECTED"


class DuplicateOrder(Terminal):
    """The broker already holds an order with this client order id."""

    code = "DUPLICATE_ORDER"


class InsufficientFunds(Terminal):
    """Not enough settled cash or margin for the order."""

    code = "INSUFFICIENT_FUNDS"


class InvalidSymbol(Terminal):
    """The broker does not know this contract."""

    code = "INVALID_SYMBOL"


class InvalidQuantity(Terminal):
    """Quantity or price breaks the contract's lot, tick or minimum."""

    code = "INVALID_QUANTITY"


class MarketClosed(Terminal):
    """No session takes this order now."""

    code = "MARKET_CLOSED"


class NotPermitted(Terminal):
    """The account may not do this: permission, kill switch or missing approval."""

    code = "NOT_PERMITTED"


class Unsupported(Terminal):
    """The broker, or this version of the project, cannot do it."""

    code = "UNSUPPORTED"


class AuthenticationFailed(Terminal):
    """Credentials were refused, or an environment was claimed without proof."""

    code = "AUTHENTICATION_FAILED"


class Transient(PolybrokerError):
    """Safe to retry: nothing was changed at the broker."""


class RateLimited(Transient):
    """Asked more often than the broker allows."""

    code = "RATE_LIMITED"


class BrokerUnavailable(Transient):
    """The broker cannot be reached, or its answer made no sense."""

    code = "CONNECTION_ERROR"


class OutcomeUnknown(PolybrokerError):
    """The request may have arrived: look the order up before anything else."""

    code = "OUTCOME_UNKNOWN"
