"""One matcher for all brokers: which of a broker's contracts is the wanted instrument, by what evidence, and if none, why.

Keys in order of strength; a weaker one is tried only after a definite "not found" of the stronger:

1. Identity: ISIN, FIGI, CUSIP, with currency (`identity_key.py`).
2. Symbol, if market, currency, kind and share class agree and the name is plausible (`symbol_key.py`).
3. Name, only where the broker knows ISINs and had none for this instrument (`name_key.py`).

A contract whose identity contradicts the instrument's is refused under every weaker key. What cannot be told apart is
`ambiguous`; nothing is ever guessed. At the end every match is looked up backwards (`round_trip.py`). Everything is a column
operation: cost grows with the rows and with the instruments, never with their product.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from include.domain.instrument import Instrument
from include.domain.mapping import Mapping as Mapped
from include.domain.market import Market
from include.mapping.contract_rows import complete
from include.mapping.contracts import ContractList
from include.mapping.identity_key import decide_by_identity
from include.mapping.matches import Matches
from include.mapping.name_key import decide_by_name, open_rows
from include.mapping.pairs import by_identity, by_symbol
from include.mapping.round_trip import bring_home
from include.mapping.symbol_key import decide_by_symbol
from include.mapping.verdicts import Verdicts
from include.mapping.wanted import IDENTITIES, Wanted


def match(
    instruments: Sequence[Instrument],
    contracts: pa.Table,
    markets: Mapping[str, Market],
    knows_isin: bool,
    broker: str,
    home_market: str | None = None,
) -> list[Mapped]:
    """Find each instrument among a broker's contracts.

    Args:
        instruments: Wanted, each ticker once.
        contracts: Table of `CONTRACT_SCHEMA`; the whole list, or the answers to look-ups. Empty: nothing is found.
        markets: By id, as `Settings.markets`.
        knows_isin: Whether the broker answers to ISINs, so that "no contract has it" is a statement about the instrument.
        broker: Name written into the mappings.
        home_market: Market of contracts that name none, at a broker that serves only one (`US` at Alpaca).

    Returns:
        One mapping per instrument, in their order.

    Raises:
        InputError: An instrument names a market that is not configured, or a contract's row is no contract.
    """
    return match_columns(Wanted.of(instruments, markets), contracts, markets, knows_isin, broker, home_market).mappings()


def match_columns(
    wanted: Wanted,
    contracts: pa.Table,
    markets: Mapping[str, Market],
    knows_isin: bool,
    broker: str,
    home_market: str | None = None,
) -> Matches:
    """`match` for instruments that were taken apart once for several brokers; nothing becomes a Python object.

    Raises:
        InputError: A contract is of an unknown kind.
    """
    listed = ContractList(complete(contracts), markets, home_market, names_are_keys=knows_isin)
    picked, shared = listed.pick(wanted)
    verdicts = Verdicts.undecided(len(wanted))
    symbols = by_symbol(wanted, picked, shared).naming_only_what_matters()
    decided = decide_by_identity(by_identity(wanted, picked, shared), symbols, verdicts)
    decide_by_symbol(symbols, ~decided, verdicts)
    known = [name for name in IDENTITIES if listed.table[name].null_count < listed.table.num_rows]
    tried = sum(len(wanted) - wanted.column(name).null_count for name in known) + int((~decided[wanted.key_rows]).sum())
    if knows_isin:
        tried += len(open_rows(wanted, ~decided, verdicts))
        decide_by_name(wanted, listed, ~decided, verdicts)
    bring_home(wanted, symbols, verdicts)
    return Matches(wanted, listed.table, verdicts, broker, tried)
