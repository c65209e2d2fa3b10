"""The first key: ISIN, FIGI, CUSIP.

It survives renames and other symbols. Where a broker has it, its word is final, good or bad.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.mapping import MappingStatus
from include.mapping.columns import Mask, mask
from include.mapping.pairs import Pairs
from include.mapping.reasons import CODES, FITS
from include.mapping.verdicts import TICKER, Verdicts, any_of, counts, most

# How far a contract with the identity comes; the farthest of an instrument's candidates decide.
CONTRADICTS, OTHER_KIND, DEAD, ELSEWHERE, NO_MARKET, EXACT = range(6)


def decide_by_identity(pairs: Pairs, by_symbol: Pairs, verdicts: Verdicts) -> Mask:
    """Decide every instrument that shares an identity with a contract.

    Args:
        pairs: That share an identity.
        by_symbol: That share a symbol: of equals the one that bears the ticker's own symbol is the match; and a broker does not
            know the ISIN of every listing, so that the wanted one may be known by its symbol only.
        verdicts: Written to.

    Returns:
        Which instruments were decided.
    """
    alive = np.where(
        ~pairs.in_currency | (pairs.market_told & ~pairs.in_market), ELSEWHERE, np.where(pairs.in_market, EXACT, NO_MARKET)
    )
    level = np.select(
        [pairs.contradicts, ~pairs.same_kind_by_identity, ~pairs.live], [CONTRADICTS, OTHER_KIND, DEAD], alive
    ).astype(np.int8)
    best = most(level, pairs)[pairs.i]
    for farthest, reason in ((CONTRADICTS, "isin_mismatch"), (OTHER_KIND, "asset_class_mismatch")):
        refused = pairs.where((best == farthest) & (level == farthest))
        verdicts.miss(refused, np.full(len(refused), CODES[reason], np.int8))
    dead = pairs.where((best == DEAD) & (level == DEAD))
    verdicts.miss(dead, most(dead.state, dead)[dead.i])
    _choose(pairs.where((best >= NO_MARKET) & (level == best)), by_symbol, verdicts, MappingStatus.MATCHED)
    _elsewhere(pairs.where((best == ELSEWHERE) & (level == ELSEWHERE)), by_symbol, verdicts)
    return any_of(pairs)


def _choose(equals: Pairs, by_symbol: Pairs, verdicts: Verdicts, status: MappingStatus) -> None:
    """The only one of equals; of several, the only one that bears the ticker's own symbol; else ambiguous."""
    several = counts(equals)[equals.i] > 1
    if not several.any():
        verdicts.hit(equals, equals.told_method, status)
        return
    width = len(equals.contracts)
    bearing = several & np.isin(equals.i * width + equals.c, by_symbol.i * width + by_symbol.c)
    only = bearing & (counts(equals.where(bearing))[equals.i] == 1)
    chosen = equals.where(~several | only)
    verdicts.hit(chosen, chosen.told_method, status)
    verdicts.ambiguous(equals.where(~any_of(chosen)[equals.i]))


def _elsewhere(known: Pairs, by_symbol: Pairs, verdicts: Verdicts) -> None:
    """The identity is only known elsewhere: what bears the symbol on the wanted market, if anything does; else another listing.

    Where all else agrees, what bears the symbol is the wanted listing; where only the name differs, it may be this company
    renamed or another one, and nobody can tell.
    """
    if not len(known):
        return
    bearing = by_symbol.where(any_of(known)[by_symbol.i])
    fitting = bearing.where(bearing.refusal == FITS)
    once = counts(fitting) == 1
    verdicts.hit(fitting.where(once[fitting.i]), TICKER)
    renamed = (bearing.refusal == CODES["name_mismatch"]) & ~bearing.contradicts
    unclear = bearing.where(~once[bearing.i] & ((bearing.refusal == FITS) | renamed))
    doubtful = any_of(unclear)
    both = known.where(doubtful[known.i])
    verdicts.ambiguous(
        Pairs(known.wanted, known.contracts, np.concatenate((unclear.i, both.i)), np.concatenate((unclear.c, both.c)))
    )
    _choose(_first_group(known.where(~once[known.i] & ~doubtful[known.i])), by_symbol, verdicts, MappingStatus.OTHER_LISTING)


def _first_group(known: Pairs) -> Pairs:
    """One market of each instrument: in its own currency first, then where only one contract stands, then by market."""
    if not len(known):
        return known
    market = known.contracts.market.take(pa.array(known.c))
    currency = known.contracts.column("currency").take(pa.array(known.c))
    place = pc.rank(pc.binary_join_element_wise(market, currency, "|"), tiebreaker="dense").to_numpy().astype(np.int64)
    group = known.i * (int(place.max()) + 1) + place
    _, back, sizes = np.unique(group, return_inverse=True, return_counts=True)
    order = np.lexsort((place, sizes[back], ~known.in_currency, known.i))
    first = order[np.append(True, known.i[order][1:] != known.i[order][:-1])]
    wanted_place = np.zeros(len(known.wanted), np.int64)
    wanted_place[known.i[first]] = place[first]
    return known.where(mask(pa.array(wanted_place[known.i] == place)))
