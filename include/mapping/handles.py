"""Lists of handles that people write by hand, verified backwards: id, its contract, and whether that is what the row says.

The facts are those of the matcher (`pairs.py`), between each claim and the one contract that its id leads to.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.contract import Contract, from_row
from include.domain.handle import Claim
from include.domain.instrument import AssetClass, Instrument
from include.domain.market import Market
from include.errors import InputError
from include.mapping.columns import among, join, mask
from include.mapping.contract_rows import complete
from include.mapping.contracts import ContractList, Contracts
from include.mapping.pairs import Pairs
from include.mapping.reasons import FITS, reason_of
from include.mapping.wanted import Wanted

NOT_LISTED = "not_listed"  # the broker lists no such id
NOTHING_CLAIMED = "nothing_claimed"  # neither a ticker nor a name: nothing can be verified
SYMBOL_MISMATCH = "symbol_mismatch"
NAME_MISMATCH = "name_mismatch"
MARKET_MISMATCH = "market_mismatch"
MARKET_NOT_CONFIGURED = "market_not_configured"  # no market of markets.yaml: its symbols cannot be read
ASSET_CLASS_MISMATCH = "asset_class_mismatch"
CLAIMED_TWICE = "claimed_twice"

# What a list may mean without saying so; an index, a future or a warrant is never what a share's row means.
_MEANT = frozenset({AssetClass.STOCK, AssetClass.ETF, AssetClass.CRYPTO, AssetClass.FX, AssetClass.METAL})


@dataclass(frozen=True)
class HandleVerdict:
    """What one row of a list is worth.

    Attributes:
        claim: The row.
        reasons: Why it is refused, the constants of this module or a refusal of `include.mapping.reasons` (`inactive` ...);
            () for a row that is what it says.
        contract: What its id really is; None where the broker lists no such id.
    """

    claim: Claim
    reasons: tuple[str, ...]
    contract: Contract | None

    @property
    def is_ok(self) -> bool:
        """The id leads to the very instrument that the row claims, and it can be traded."""
        return not self.reasons


def check_handles(
    claims: Sequence[Claim],
    contracts: pa.Table,
    markets: Mapping[str, Market],
    home_market: str | None = None,
    words: Mapping[str, str] | None = None,
) -> list[HandleVerdict]:
    """Verify a list row by row against everything that a broker lists.

    A handle is for trading: it must lead to a live share, fund or pair. Lists do not tell these apart, and what else a row does
    not say is not compared either; a ticker or a name it must say. An id that stands twice is nobody's, whatever else is right.

    Args:
        claims: Rows of the list; [] gives [].
        contracts: Table of `CONTRACT_SCHEMA`, the broker's whole official list.
        markets: By id.
        home_market: Market of contracts that name none, as in `match`.
        words: The broker's words for markets, to MICs (`exchanges` of its YAML).

    Returns:
        One verdict per claim, in their order.

    Raises:
        InputError: A claim names a market that nobody knows.
    """
    claimed = [_market(claim, markets, words or {}) for claim in claims]
    listed = ContractList(complete(contracts), markets, home_market)
    ids = pa.array([claim.native_id for claim in claims], pa.string())
    picked = listed.pick_rows(among(listed.table["native_id"], ids))
    rows = {row["native_id"]: (place, from_row(row)) for place, row in enumerate(picked.table.to_pylist())}
    told = picked.market.to_pylist()
    meant: dict[int, tuple[Instrument, int]] = {}  # claim to what it means, and the place of its id's contract
    for number, claim in enumerate(claims):
        if claim.native_id in rows and (claim.ticker or claim.name):
            place, contract = rows[claim.native_id]
            market = claimed[number] or told[place]
            if market in markets:
                meant[number] = _instrument(claim, contract, market, picked.asset_class[place].as_py()), place
    refused = dict(zip(meant, _refusals([*meant.values()], picked, markets), strict=True))
    count = Counter(claim.native_id for claim in claims)
    verdicts = []
    for number, claim in enumerate(claims):
        known = rows.get(claim.native_id)
        silent = MARKET_NOT_CONFIGURED if claim.ticker or claim.name else NOTHING_CLAIMED
        reasons = refused.get(number, [silent]) if known else [NOT_LISTED]
        twice = [CLAIMED_TWICE] if count[claim.native_id] > 1 else []
        verdicts.append(HandleVerdict(claim, (*reasons, *twice), known[1] if known else None))
    return verdicts


def _market(claim: Claim, markets: Mapping[str, Market], words: Mapping[str, str]) -> str | None:
    """The id of the market that a row names; None where it names none."""
    if not claim.market or claim.market in markets:
        return claim.market or None
    mic = words.get(claim.market, claim.market)
    for name, market in markets.items():
        if mic in market.mics or claim.market in market.exchange_words:
            return name
    expected = "expected a market of markets.yaml, a MIC, or the broker's word for one"
    raise InputError(expected, row=claim.row, field="market", value=claim.market)


def _instrument(claim: Claim, contract: Contract, market: str, kind: str) -> Instrument:
    """What a row means, completed by its contract where it says nothing: that cannot contradict it."""
    return Instrument(
        instrument_id=f"claim:{claim.row}",
        ticker=claim.ticker or contract.symbol,
        name=claim.name or contract.name,
        currency=contract.currency,
        market=market,
        asset_class=AssetClass(kind) if kind in _MEANT else AssetClass.STOCK,
    )


def _refusals(meant: Sequence[tuple[Instrument, int]], contracts: Contracts, markets: Mapping[str, Market]) -> list[list[str]]:
    """Why each row is not what its id leads to, by the matcher's facts; [] where it is."""
    wanted = Wanted.of([instrument for instrument, _ in meant], markets)
    pairs = Pairs(wanted, contracts, np.arange(len(meant)), np.array([place for _, place in meant], np.int64))
    i, c = join(wanted.key_rows, wanted.keys, np.arange(len(contracts)), contracts.symbol_key)
    bears = np.isin(pairs.i * len(contracts) + pairs.c, i * len(contracts) + c)
    kinds = contracts.asset_class.take(pa.array(pairs.c))
    meant_kind = mask(pc.is_in(kinds, value_set=pa.array(sorted(_MEANT))))
    facts = {
        SYMBOL_MISMATCH: ~bears & meant_kind,  # a nickname of an index (`BANKNIFTY`) is not what is wrong with it
        NAME_MISMATCH: ~pairs.plausible,
        MARKET_MISMATCH: ~pairs.in_market & pairs.market_told,
        ASSET_CLASS_MISMATCH: ~pairs.same_kind,
    }
    return [
        [reason for reason, fails in facts.items() if fails[row]] + ([reason_of(state)] if state != FITS else [])
        for row, state in enumerate(pairs.state)
    ]
