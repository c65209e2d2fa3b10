"""What the matcher says about every wanted instrument, collected in columns; each key writes the rows that it decides."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from include.domain.mapping import MappingStatus
from include.mapping.columns import Mask, Rows
from include.mapping.pairs import Pairs
from include.mapping.reasons import REFUSALS
from include.mapping.wanted import IDENTITIES

METHODS = (*IDENTITIES, "ticker", "name")  # in order of strength
TICKER, NAME = METHODS.index("ticker"), METHODS.index("name")
NO_CONTRACT = -1

# Reasons beside the refusals of single contracts.
AMBIGUOUS, OTHER_LISTING, SYMBOL_NOT_FOUND = "ambiguous", "other_listing", "symbol_not_found"
CLAIMED_TWICE, SYMBOL_CLAIMED_TWICE = "claimed_twice", "symbol_claimed_twice"
REASONS = ("", *REFUSALS, AMBIGUOUS, OTHER_LISTING, SYMBOL_NOT_FOUND, CLAIMED_TWICE, SYMBOL_CLAIMED_TWICE)
STATUSES = tuple(MappingStatus)
_CODE = {status: code for code, status in enumerate(STATUSES)}
_NO_PAIRS = np.zeros((0, 2), np.int64)


@dataclass
class Verdicts:
    """One row per wanted instrument.

    Attributes:
        status / reason: Place in `STATUSES` / `REASONS`.
        contract: Row of the broker's list, `NO_CONTRACT` without one.
        method: Place in `METHODS`; only told with a contract.
        candidates: (instrument, row of the broker's list) of those that could not be told apart, or were refused.
    """

    status: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    contract: Rows
    method: npt.NDArray[np.int8]
    candidates: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_PAIRS)

    @classmethod
    def undecided(cls, count: int) -> "Verdicts":
        """Nothing was found yet: `not_found`, `symbol_not_found`."""
        return cls(
            status=np.full(count, _CODE[MappingStatus.NOT_FOUND], np.int8),
            reason=np.full(count, REASONS.index(SYMBOL_NOT_FOUND), np.int8),
            contract=np.full(count, NO_CONTRACT, np.int64),
            method=np.zeros(count, np.int8),
        )

    def hit(self, pairs: Pairs, method: npt.NDArray[np.int8] | int, status: MappingStatus = MappingStatus.MATCHED) -> None:
        """Each pair is a match; an instrument is in one of them at most."""
        self._forget(pairs.i)
        self.status[pairs.i] = _CODE[status]
        self.reason[pairs.i] = REASONS.index(OTHER_LISTING if status is MappingStatus.OTHER_LISTING else "")
        self.contract[pairs.i] = pairs.rows
        self.method[pairs.i] = method

    def miss(self, pairs: Pairs, reasons: npt.NDArray[np.int8]) -> None:
        """The pairs' instruments are not found; `reasons` are refusal codes, one per pair, equal for one instrument."""
        self._without(pairs, MappingStatus.NOT_FOUND, reasons)  # refusal codes are places in REASONS

    def ambiguous(self, pairs: Pairs, reason: str = AMBIGUOUS) -> None:
        """The pairs of one instrument cannot be told apart."""
        self._without(pairs, MappingStatus.AMBIGUOUS, np.full(len(pairs), REASONS.index(reason), np.int8))

    def withdraw(self, lost: Mask, reason: str) -> None:
        """Matches that do not come home: their contract becomes a candidate."""
        rows = np.flatnonzero(lost & (self.contract != NO_CONTRACT))
        pairs = np.column_stack((rows, self.contract[rows]))
        self._forget(rows)
        self.candidates = np.concatenate((self.candidates, pairs))
        self.status[rows] = _CODE[MappingStatus.AMBIGUOUS]
        self.reason[rows] = REASONS.index(reason)
        self.contract[rows] = NO_CONTRACT

    def is_(self, status: MappingStatus) -> Mask:
        """Which rows have a status."""
        return np.asarray(self.status == _CODE[status])

    def _without(self, pairs: Pairs, status: MappingStatus, reasons: npt.NDArray[np.int8]) -> None:
        self._forget(pairs.i)
        self.status[pairs.i] = _CODE[status]
        self.reason[pairs.i] = reasons
        self.contract[pairs.i] = NO_CONTRACT
        self.candidates = np.concatenate((self.candidates, np.column_stack((pairs.i, pairs.rows))))

    def _forget(self, rows: Rows) -> None:
        """What a stronger key had as candidates gives way."""
        if len(self.candidates):
            self.candidates = self.candidates[~np.isin(self.candidates[:, 0], rows)]


def most(values: npt.NDArray[np.int8], pairs: Pairs) -> npt.NDArray[np.int8]:
    """The greatest value of each instrument's pairs, -1 without pairs; one per instrument."""
    found = np.full(len(pairs.wanted), -1, np.int8)
    np.maximum.at(found, pairs.i, values)
    return found


def counts(pairs: Pairs) -> Rows:
    """How many pairs each instrument has."""
    return np.bincount(pairs.i, minlength=len(pairs.wanted)).astype(np.int64)


def any_of(pairs: Pairs) -> Mask:
    """Which instruments have a pair."""
    return counts(pairs) > 0
