"""The second key: a symbol, if market, currency, kind, form and share class agree and the name is plausible."""

import numpy as np

from include.mapping.columns import Mask, same
from include.mapping.pairs import Pairs
from include.mapping.reasons import CODES, FITS
from include.mapping.verdicts import SYMBOL_CLAIMED_TWICE, TICKER, Verdicts, any_of, counts, most


def decide_by_symbol(pairs: Pairs, undecided: Mask, verdicts: Verdicts) -> None:
    """Say what the symbol says of every undecided instrument: a match, or a miss with the reason of the nearest candidate.

    Args:
        pairs: That share a symbol.
        undecided: One per wanted instrument.
        verdicts: Written to.
    """
    asked = pairs.where(undecided[pairs.i])
    fits = asked.refusal == FITS
    fitting = asked.where(fits)
    several = counts(fitting)
    rivals = _rivals(asked, fitting)
    contested = any_of(asked.where(rivals))
    verdicts.hit(fitting.where((several[fitting.i] == 1) & ~contested[fitting.i]), TICKER)
    verdicts.ambiguous(fitting.where((several[fitting.i] > 1) & ~contested[fitting.i]))
    verdicts.ambiguous(asked.where((fits | rivals) & contested[asked.i]), SYMBOL_CLAIMED_TWICE)
    refused = asked.where(several[asked.i] == 0)
    nearest = most(refused.refusal, refused)[refused.i]
    closest = refused.where(refused.refusal == nearest)
    verdicts.miss(closest, closest.refusal)


def _rivals(asked: Pairs, fitting: Pairs) -> Mask:
    """Live contracts that bear the very symbol of one that fits, on its market, in its currency, but are another company's.

    A symbol is one company's on its market: such a list is wrong in a way that nobody can see through, so neither is taken.
    """
    fit = np.zeros(len(asked.wanted), np.int64)
    fit[fitting.i] = fitting.c
    other = np.isin(asked.refusal, (CODES["name_mismatch"], CODES["isin_mismatch"])) & asked.live & any_of(fitting)[asked.i]
    keys = asked.contracts.symbol_key
    return other & same(keys, asked.c, keys, fit[asked.i]) if len(fitting) else other
