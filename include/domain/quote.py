"""Quote: what a contract can be bought and sold for, and when that was true."""

from datetime import datetime
from decimal import Decimal

from include.domain.model import Value


class Quote(Value):
    """Prices in currency units (never pence). `last` stands in where a side is missing; all three None is not a quote.

    Attributes:
        time: Aware UTC time at which the venue says the prices held.
    """

    native_id: str
    currency: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    time: datetime

    @property
    def mid(self) -> Decimal | None:
        """Middle of bid and ask, else the last price, else None."""
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.last
