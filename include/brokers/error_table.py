"""A broker's own error codes as data: `include/brokers/<name>/errors.yaml`, one row per code, in the project's standard codes.

```yaml
- { code: "201", text: insufficient, means: INSUFFICIENT_FUNDS, source: "TWS API, error codes" }
- { code: "201", means: ORDER_REJECTED }
```

The first row whose `code` is the broker's, and whose `text` (if any) is in the broker's words, decides. A code that stands in no
row is `UNKNOWN`: whether that is harmless depends on what was asked, which only the adapter knows.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError, field_validator

from include.domain.model import Value
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    DuplicateOrder,
    InputError,
    InsufficientFunds,
    InvalidQuantity,
    InvalidSymbol,
    MarketClosed,
    NotPermitted,
    OrderRejected,
    OutcomeUnknown,
    PolybrokerError,
    RateLimited,
    Unsupported,
)

UNKNOWN = "UNKNOWN"
ERRORS: dict[str, type[PolybrokerError]] = {
    kind.code: kind
    for kind in (
        OrderRejected,
        DuplicateOrder,
        InsufficientFunds,
        InvalidSymbol,
        InvalidQuantity,
        MarketClosed,
        NotPermitted,
        Unsupported,
        AuthenticationFailed,
        RateLimited,
        BrokerUnavailable,
        OutcomeUnknown,
    )
}


class ErrorRow(Value):
    """One row of a table.

    Attributes:
        code: The broker's, as text (`201`, `403/40310000`, `-2010`).
        text: Lower-case words that must be in the broker's message; "": any message.
        means: A standard code of `ERRORS`.
        source: Where that is written, for people.
    """

    code: str
    text: str = ""
    means: str
    source: str = ""

    @field_validator("means")
    @classmethod
    def _standard(cls, code: str) -> str:
        if code not in ERRORS:
            raise ValueError(f"expected one of {', '.join(ERRORS)}")
        return code


class ErrorTable:
    """One broker's table.

    Args:
        broker: Whose.
        rows: In the order in which they are tried.
    """

    def __init__(self, broker: str, rows: tuple[ErrorRow, ...]) -> None:
        self.broker = broker
        self.rows = rows

    def code_of(self, broker_code: str, text: str = "") -> str:
        """The standard code; `UNKNOWN` where no row fits."""
        lowered = text.lower()
        return next((row.means for row in self.rows if row.code == broker_code and row.text in lowered), UNKNOWN)

    def error(
        self,
        broker_code: str,
        text: str,
        message: str,
        otherwise: type[PolybrokerError],
        context: Mapping[str, str] | None = None,
    ) -> PolybrokerError:
        """The error to raise.

        Args:
            broker_code: The broker's code.
            text: The broker's own words, which rows may look at.
            message: For people.
            otherwise: The class where no row fits: what is safe for the request (a sent order: `OutcomeUnknown`). Its `code` is
                then `UNKNOWN`, so that it is counted as what nobody has thought of.
            context: What else the broker told; never a secret.
        """
        code = self.code_of(broker_code, text)
        kind = ERRORS.get(code, otherwise)
        return kind(message, code=code, broker=self.broker, broker_code=broker_code, context=context)


@lru_cache
def error_table(broker: str) -> ErrorTable:
    """The table in the broker's folder.

    Raises:
        InputError: There is none, or a row is none.
    """
    path = Path(__file__).parent / broker / "errors.yaml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"expected a table of error codes: {error}", source=path) from error
    try:
        return ErrorTable(broker, TypeAdapter(tuple[ErrorRow, ...]).validate_python(document))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"], source=path, field=field, value=first.get("input")) from error
