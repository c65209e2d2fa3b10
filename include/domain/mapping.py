"""Mapping: the answer to "which contract is this instrument at that broker, and how do we know"."""

from enum import StrEnum

from include.domain.contract import Contract
from include.domain.model import Value


class MappingStatus(StrEnum):
    """`matched` is the wanted listing; `other_listing` the right instrument on another market or in another currency."""

    MATCHED = "matched"
    OTHER_LISTING = "other_listing"
    AMBIGUOUS = "ambiguous"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"


class Mapping(Value):
    """One instrument at one broker.

    Attributes:
        ticker: The universe row (`all_stocks` key) that was looked for.
        contract: Set for `matched` and `other_listing`, else None.
        search_method: Key that decided: `isin`, `share_class_figi`, `figi`, `cusip`, `ticker`, `name`; None without a contract.
        evidence: What the deciding key found, as `<key>=<value>`, and the contract's own evidence; None without a contract.
        score: Name similarity 0 to 1 where names were compared, else None.
        reason: Why there is no match (`symbol_not_found`, `name_mismatch`, `ambiguous`, `inactive`, `not_eligible` ...);
            None when matched.
        candidates: Native ids that could not be told apart (ambiguous), or were refused.
    """

    broker: str
    ticker: str
    instrument_id: str
    status: MappingStatus
    contract: Contract | None = None
    search_method: str | None = None
    evidence: str | None = None
    score: float | None = None
    reason: str | None = None
    candidates: tuple[str, ...] = ()
