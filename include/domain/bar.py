"""Bar: what happened to a contract's price in one stretch of time."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from include.domain.model import Value


class BarSize(StrEnum):
    """How long one bar is."""

    MINUTE = "1min"
    HOUR = "1h"
    DAY = "1d"


class Bar(Value):
    """Prices in currency units (never pence).

    Attributes:
        time: When the bar begins, aware UTC; of a daily bar midnight UTC of its session's date.
        volume: Units of the contract that changed hands, not negative.
    """

    native_id: str
    currency: str
    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
