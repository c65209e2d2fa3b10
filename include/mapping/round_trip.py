"""The way back: a match stands only if its contract, looked up backwards, leads to this instrument and to no other."""

import numpy as np

from include.mapping.columns import Mask, Rows
from include.mapping.pairs import Pairs
from include.mapping.verdicts import CLAIMED_TWICE, NO_CONTRACT, TICKER, Verdicts
from include.mapping.wanted import Wanted


def bring_home(wanted: Wanted, by_symbol: Pairs, verdicts: Verdicts) -> None:
    """Withdraw every match that does not come home: `ambiguous`, reason `claimed_twice`.

    Args:
        wanted: What was looked for.
        by_symbol: All pairs that share a symbol.
        verdicts: Written to.
    """
    ids = wanted.instrument_codes
    lost = _claimed_twice(ids, verdicts) | _anothers_symbol(ids, by_symbol, verdicts)
    verdicts.withdraw(lost, CLAIMED_TWICE)


def _claimed_twice(ids: Rows, verdicts: Verdicts) -> Mask:
    """A contract claimed by two instruments goes to the one with the strictly stronger key, or to neither."""
    lost = np.zeros(len(ids), np.bool_)
    rows = np.flatnonzero(verdicts.contract != NO_CONTRACT)
    rows = rows[np.lexsort((ids[rows], verdicts.method[rows], verdicts.contract[rows]))]
    contract, method, owner = verdicts.contract[rows], verdicts.method[rows], ids[rows]
    starts = np.flatnonzero(np.append(True, contract[1:] != contract[:-1])[: len(rows)])
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(rows))))
    strongest = method == method[starts][group]
    first_owner = owner[starts][group]
    contested = np.zeros(len(starts), np.bool_)
    np.logical_or.at(contested, group, strongest & (owner != first_owner))
    lost[rows] = contested[group] | (owner != first_owner)
    return lost


def _anothers_symbol(ids: Rows, by_symbol: Pairs, verdicts: Verdicts) -> Mask:
    """Matches by symbol or name whose contract bears the symbol, market, currency and kind of another wanted instrument.

    That one was refused for its name; a contract whose symbol leads elsewhere is still not taken by anything but an identity.
    """
    lost = np.zeros(len(ids), np.bool_)
    mine = np.flatnonzero((verdicts.contract != NO_CONTRACT) & (verdicts.method >= TICKER))
    here = by_symbol.in_currency & (by_symbol.in_market | ~by_symbol.market_told)
    others = by_symbol.where(here & (verdicts.contract[by_symbol.i] != by_symbol.rows))
    others = others.where(np.isin(others.rows, verdicts.contract[mine]))
    others = others.where(others.same_kind)
    owners = mine[np.argsort(verdicts.contract[mine], kind="stable")]
    owner = owners[np.searchsorted(verdicts.contract[owners], others.rows)] if len(others) else others.i
    led_astray = others.rows[ids[others.i] != ids[owner]]
    lost[mine] = np.isin(verdicts.contract[mine], led_astray)
    return lost
