"""Coverage: mapped divided by all, by count and by weight. Computed by `include/mapping`, judged by `include/quality`."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Member:
    """One row of the mapped universe.

    Attributes:
        weight: Target weight, 0 to 1; 0 where none is set.
        asked: Counting brokers that could trade it at all.
        found: Those of `asked` that mapped it.
        reasons: Broker (of `asked`, or every counting one if none is) to why not.
    """

    ticker: str
    instrument_id: str
    name: str
    weight: Decimal
    asked: tuple[str, ...]
    found: tuple[str, ...]
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class Coverage:
    """The figures. Percentages are 0 to 100, rounded to six digits.

    Attributes:
        instruments: The denominator of the count: distinct instruments, rejected rows included.
        by_weight_pct: Share of target weight; equal to the count's where no target is set.
        coverage_pct: The worse of the two: what the gates look at.
        multi_broker_pct: Of the instruments that two or more brokers could trade, those found at two or more; None: no such.
        multi_broker_raw_pct: The same over all instruments.
        missing: Rows found nowhere, heaviest first.
        partial: Rows found, but not everywhere they could be, heaviest first.
    """

    instruments: int
    mapped: int
    rejected: int
    weight: Decimal
    mapped_weight: Decimal
    by_count_pct: float
    by_weight_pct: float
    multi_broker_pct: float | None
    multi_broker_raw_pct: float
    missing: tuple[Member, ...]
    partial: tuple[Member, ...]

    @property
    def coverage_pct(self) -> float:
        """The worse of count and weight."""
        return min(self.by_count_pct, self.by_weight_pct)
