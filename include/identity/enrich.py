"""What a source's answers are worth: an identity for a listing that has none, or the reason why there is no certain one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from include.identity.source import Identity, Query
from include.identity.table import SUPERSEDED

# (wanted name, offered name): whether both may name the same form and class of one company's shares. Names are the mapping's
# business, so the step that connects both hands it in.
Plausible = Callable[[str, str], bool]
# The same for columns of names: a column of booleans.
PlausiblePairs = Callable[[pa.Array, pa.Array], pa.Array]

UNKNOWN = "unknown"
LISTING_MISMATCH = "listing_mismatch"
KIND_MISMATCH = "asset_class_mismatch"
NAME_MISMATCH = "name_mismatch"
SEVERAL = "several_identities"


@dataclass(frozen=True)
class Verdict:
    """What is certain about one listing.

    Attributes:
        identity: What every agreeing answer says; a number about which they differ is None. None: nothing is certain.
        reason: Why there is none; one of this module's words, or the doubt of the table.
        detail: What stood against it, for people.
    """

    identity: Identity | None
    reason: str | None = None
    detail: str = ""


def judge(query: Query, answers: Sequence[Identity], plausible: Plausible) -> Verdict:
    """Decide about one listing.

    Market, symbol, currency and kind must be the query's own, and the name plausible; a query by ISIN need not have its symbol
    (sources spell symbols in their own way), but everything else. One answer that is not certain spoils all: another name under
    the same symbol means that the symbol was given away, or that one of the two is wrong.

    Args:
        query: What was asked.
        answers: What one source said; () for "not found".
        plausible: Compares names.
    """
    listed = [one for one in answers if _same_listing(query, one)]
    if not listed:
        return Verdict(None, LISTING_MISMATCH if answers else UNKNOWN)
    current = [one for one in listed if one.doubt != SUPERSEDED]
    if not current:
        return Verdict(None, SUPERSEDED, f"{listed[0].isin} until {listed[0].source_date}")
    for one in current:
        if one.doubt:
            return Verdict(None, one.doubt, ", ".join(sorted({str(other.isin) for other in current})))
    same_kind = [one for one in current if one.asset_class is query.asset_class]
    if not same_kind:
        return Verdict(None, KIND_MISMATCH, f"{current[0].asset_class or 'another kind'} there")
    for one in same_kind:
        if not plausible(query.name, one.name):
            return Verdict(None, NAME_MISMATCH, f"{one.name!r} there")
    return _agreed(same_kind)


def _same_listing(query: Query, one: Identity) -> bool:
    same_symbol = query.isin == one.isin if query.isin else query.symbol == one.symbol
    return same_symbol and (query.market, query.currency) == (one.market, one.currency)


def _agreed(answers: Sequence[Identity]) -> Verdict:
    said = {name: {getattr(one, name) for one in answers} - {None} for name in ("isin", "share_class_figi", "figi", "cusip")}
    if len(said["isin"]) > 1 or len(said["share_class_figi"]) > 1:
        both = sorted(said["isin"] if len(said["isin"]) > 1 else said["share_class_figi"])
        return Verdict(None, SEVERAL, ", ".join(both))
    sole = {name: next(iter(values)) if len(values) == 1 else None for name, values in said.items()}
    return Verdict(max(answers, key=lambda one: one.source_date).model_copy(update=sole))
