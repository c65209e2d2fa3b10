"""The third key: the name alone, only at a broker that knows ISINs and had none for the instrument.

A broker without ISINs gives no way to notice a namesake. Even so the company's words must be the same, market and currency agree,
nothing else come near, and no word can be missing. In North America a name decides nothing: there preferred shares, notes and
units are listed under the company's plain name, with symbols of their own. Nor does it anywhere for funds, whose classes (paying
out or not, hedged or not) often share one name.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.instrument import AssetClass
from include.domain.mapping import MappingStatus
from include.domain.market import Market
from include.mapping.columns import Mask, Rows, among, flat, join, mask, same
from include.mapping.contracts import ContractList
from include.mapping.pairs import Pairs
from include.mapping.reasons import CODES, FITS
from include.mapping.verdicts import NAME, REASONS, Verdicts, counts
from include.mapping.wanted import Wanted

# The same words, at most a letter apart, and the next best company clearly behind.
NAME_MIN = 97.0
NAME_MARGIN = 5.0
_PLAIN_NAMES = pa.array(["us", "canada"])
_OPENING = 8  # letters: contracts whose names begin otherwise are not looked at

# What a stronger key said and the name may not overrule: a dead contract or a contradiction is an answer.
_FINAL = tuple(
    REASONS.index(reason) for reason in ("inactive", "not_tradable", "isin_mismatch", "conflicting_rows", "no_native_id")
)


def decide_by_name(wanted: Wanted, listed: ContractList, undecided: Mask, verdicts: Verdicts) -> None:
    """Say what the name says of the instruments that neither identity nor symbol found; silence leaves what was said.

    Args:
        wanted: All that is wanted.
        listed: The broker's contracts.
        undecided: Instruments that no identity decided, one per wanted one.
        verdicts: Written to; rows with a final answer are left alone.
    """
    rows = open_rows(wanted, undecided, verdicts)
    if not len(rows) or not listed.table.num_rows:
        return
    ours = _openings(wanted.names.words.take(rows).joined(" "), wanted.column("currency").take(pa.array(rows)))
    theirs = _openings(listed.names.core, flat(listed.table["currency"], pa.string()))
    contracts = listed.pick_rows(among(theirs, ours))
    i, c = join(rows, ours, np.arange(len(contracts)), theirs.take(pa.array(contracts.rows)))
    pairs = Pairs(wanted, contracts, i, c, least_score=NAME_MIN - NAME_MARGIN)
    pairs = pairs.where(pairs.same_kind & ~pairs.contradicts & ~_funds(contracts.asset_class)[pairs.c])
    here = pairs.where(pairs.in_market)
    best = np.zeros(len(wanted))
    np.maximum.at(best, here.i, here.score)
    _decide_here(here.where((best[here.i] >= NAME_MIN) & (here.score >= best[here.i] - NAME_MARGIN)), verdicts)
    _decide_elsewhere(pairs.where((best[pairs.i] < NAME_MIN) & ~pairs.in_market), listed.markets, verdicts)


def open_rows(wanted: Wanted, undecided: Mask, verdicts: Verdicts) -> Rows:
    """Instruments that a name may decide."""
    final = np.isin(verdicts.reason, _FINAL) | ~verdicts.is_(MappingStatus.NOT_FOUND)
    plain = mask(pc.is_in(wanted.region, value_set=_PLAIN_NAMES))
    return np.flatnonzero(undecided & ~final & ~plain & ~wanted.is_pair & ~wanted.is_fund)


def _funds(kinds: pa.Array) -> Mask:
    return mask(pc.equal(kinds, AssetClass.ETF.value))


def _decide_here(near: Pairs, verdicts: Verdicts) -> None:
    only = counts(near)[near.i] == 1
    verdicts.ambiguous(near.where(~only))
    near = near.where(only)
    codes = np.select([~near.live, ~near.same_share_class], [near.state, CODES["name_mismatch"]], FITS).astype(np.int8)
    told = told_apart(near)
    refused = codes != FITS
    verdicts.miss(near.where(refused), codes[refused])
    verdicts.ambiguous(near.where(~refused & ~told))
    verdicts.hit(near.where(~refused & told), NAME)


def _decide_elsewhere(others: Pairs, markets: Mapping[str, Market], verdicts: Verdicts) -> None:
    """On another market of the region: only the very same name with its legal form, in the same currency, only one such."""
    region_of = {name: market.region for name, market in markets.items()}
    regions = pa.array([region_of.get(name) for name in others.contracts.market.to_pylist()], pa.string())
    alike = same(others.wanted.region, others.i, regions, others.c)
    alike &= same(others.wanted.names.full, others.i, others.contracts.names.full, others.c)
    found = others.where(alike)
    only = counts(found)[found.i] == 1
    verdicts.ambiguous(found.where(~only))
    found = found.where(only)
    verdicts.hit(found.where(found.same_share_class & told_apart(found) & found.live), NAME, MappingStatus.OTHER_LISTING)


def told_apart(pairs: Pairs) -> Mask:
    """Whether a name that agrees is enough to know the share by: no word of it may be missing, and the symbols may not be akin.

    A company's preferred shares, notes and units often bear its plain name, and its symbol with something added (`FBIO`, `FBIOP`;
    Tokyo's `2593`, `25935`). Not so in Europe, where the added part is often the broker's or the market's own (`FPE1`, `WRT1V`).
    """
    ours, offered = pairs.wanted.names, pairs.contracts.names
    cut = ours.may_be_cut[pairs.i], offered.may_be_cut[pairs.c]
    equal = same(ours.squeezed, pairs.i, offered.squeezed, pairs.c)
    missing = np.where(equal, cut[0] & cut[1], cut[0] | cut[1])
    left = pairs.wanted.squeezed_symbol.take(pa.array(pairs.i)).to_pylist()
    right = pairs.contracts.squeezed_symbol.take(pa.array(pairs.c)).to_pylist()
    akin = [a.startswith(b) or b.startswith(a) for a, b in zip(left, right, strict=True)]
    abroad = mask(pc.not_equal(pairs.wanted.region, "europe"))[pairs.i]
    return ~missing & ~(abroad & np.array(akin, np.bool_))


def _openings(core: pa.Array, currency: pa.Array) -> pa.Array:
    """The first letters of names, with the currency; null where there are none. A `the` in front is left out."""
    bare = pc.replace_substring(pc.utf8_slice_codeunits(core, 0, 4), "the ", "")
    letters = pc.binary_join_element_wise(bare, pc.utf8_slice_codeunits(core, 4, 4 + 2 * _OPENING), "")
    letters = pc.utf8_slice_codeunits(pc.replace_substring(letters, " ", ""), 0, _OPENING)
    return pc.if_else(pc.equal(letters, ""), pa.scalar(None, pa.string()), pc.binary_join_element_wise(letters, currency, " "))
