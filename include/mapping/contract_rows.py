"""What the rows of a broker's list say, column by column: keys, which rows are one contract, its market and its state."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.errors import InputError
from include.mapping.columns import Mask, Rows, flat, mask, same
from include.mapping.reasons import CODES, FITS
from include.mapping.symbols import QUOTED_IN_PAIRS, pair_key
from include.mapping.wanted import IDENTITIES

# IBKR's exchange word for contracts that are only valued, never traded, and its suffix for symbols that were given away.
_VALUED_ONLY = "VALUE"
_DEAD_MARK = ".OLD"
_DEAD_SUFFIX = r"\.OLD\d*$"
_PASSING = "tradable|halt|suspend"
_KINDS = frozenset(kind.value for kind in AssetClass)
_PAIRS = pa.array([kind.value for kind in QUOTED_IN_PAIRS])


def complete(table: pa.Table) -> pa.Table:
    """The table with every column of `CONTRACT_SCHEMA`; what an older list does not know, and an empty identity, is null."""
    columns = []
    for field in CONTRACT_SCHEMA:
        known = field.name in table.column_names
        column = table[field.name].cast(field.type) if known else pa.nulls(table.num_rows, field.type)
        if field.name in IDENTITIES and pc.any(pc.equal(column, "")).as_py():
            column = pc.if_else(pc.equal(column, ""), pa.scalar(None, field.type), column)
        columns.append(column)
    return pa.table(columns, schema=CONTRACT_SCHEMA)


def symbol_keys(table: pa.Table, symbols: pa.Array) -> pa.Array:
    """The key of each row's symbol; of pairs `BASE.QUOTE`."""
    keys = symbols
    dead = _dead(symbols)
    if dead.any():
        bare = pc.replace_substring_regex(symbols.filter(pa.array(dead)), _DEAD_SUFFIX, "")
        keys = pc.replace_with_mask(symbols, pa.array(dead), bare)
    rows = np.flatnonzero(mask(pc.is_in(table["asset_class"], value_set=_PAIRS)))
    if not len(rows):
        return keys
    some = table.select(["symbol", "base", "currency"]).take(pa.array(rows)).to_pydict()
    told = zip(some["symbol"], some["base"], some["currency"], strict=True)
    pairs = [pair_key(symbol or "", base, currency or "") for symbol, base, currency in told]
    changed = np.zeros(len(keys), np.bool_)
    changed[rows] = True
    return pc.replace_with_mask(keys, pa.array(changed), pa.array(pairs, pa.string()))


def groups(table: pa.Table) -> tuple[Rows, Rows]:
    """(the row that stands for each contract, the contract of each row): an answer by ISIN and one by symbol may be one contract.

    It is the row with an ISIN, and of those the one that is not tradable.
    """
    ids = flat(table["native_id"], pa.string())
    known = pc.dictionary_encode(ids)
    if len(known.dictionary) == len(ids):
        return np.arange(len(ids)), np.arange(len(ids))
    nameless = mask(pc.equal(pc.fill_null(ids, ""), ""))
    codes = np.nan_to_num(known.indices.to_numpy(zero_copy_only=False))
    codes = np.where(nameless, table.num_rows + np.arange(table.num_rows), codes).astype(np.int64)
    _, group = np.unique(codes, return_inverse=True)
    tie = [column.cast(pa.string()) for column in table.columns]  # of rows that differ always the same one, whatever their order
    ranks = pc.rank(pc.binary_join_element_wise(*tie, "|", null_handling="replace"), tiebreaker="first").to_numpy()
    order = np.lexsort((ranks, mask(table["tradable"]), mask(pc.is_null(table["isin"])), group))
    first = order[np.append(True, group[order][1:] != group[order][:-1])]
    back = np.argsort(np.argsort(first))  # contracts in the order of their rows
    return np.sort(first), back[group]


def conflicts(table: pa.Table, keys: pa.Array, first: Rows, group: Rows) -> Rows:
    """Contracts whose rows say different things: one id, two symbols, currencies, kinds or identities.

    Args:
        table: Of `CONTRACT_SCHEMA`.
        keys: Each row's symbol key.
        first / group: As `groups` says.
    """
    if len(first) == table.num_rows:
        return np.zeros(0, np.int64)
    rows, mine = np.arange(table.num_rows), first[group]
    keys = pc.fill_null(keys, "")
    agree = same(keys, rows, keys, mine)
    for name in ("currency", "asset_class"):
        column = pc.fill_null(flat(table[name], pa.string()), "")
        agree &= same(column, rows, column, mine)
    for name in ("share_class_figi", "cusip"):  # one row may know what another does not
        column = flat(table[name], pa.string())
        agree &= ~mask(pc.not_equal(column, column.take(pa.array(mine))))
    return np.unique(group[~agree])


def states(table: pa.Table, symbol: pa.Array) -> npt.NDArray[np.int8]:
    """Each row's state: `FITS` where it can be traded, else the code of why not.

    Args:
        table: Of `CONTRACT_SCHEMA`.
        symbol: Each row's symbol in one spelling.
    """
    word = pc.fill_null(table["exchange"], "")
    gone = _dead(symbol) | mask(pc.equal(word, _VALUED_ONLY))
    passing = np.ones(table.num_rows, np.bool_)
    told = mask(pc.is_valid(table["inactive_reason"]))
    passing[told] = mask(pc.match_substring_regex(pc.utf8_lower(table["inactive_reason"].filter(pa.array(told))), _PASSING))
    # IBKR's conId 0 is no id, also behind the name of a mirrored broker.
    no_id = mask(pc.match_substring_regex(pc.fill_null(table["native_id"], ""), "(^|:)0?$"))
    # What its prices are in nobody knows: no order for it could be sized.
    no_currency = mask(pc.equal(pc.fill_null(table["currency"], ""), ""))
    stopped = [no_id, gone, no_currency, mask(table["tradable"]), passing]
    codes = [CODES["no_native_id"], CODES["inactive"], CODES["not_tradable"], FITS, CODES["not_tradable"]]
    return np.select(stopped, codes, CODES["inactive"]).astype(np.int8)


def _dead(symbols: pa.Array) -> Mask:
    found = mask(pc.match_substring(symbols, _DEAD_MARK))  # hardly any
    found[found] = mask(pc.match_substring_regex(symbols.filter(pa.array(found)), _DEAD_SUFFIX))
    return found


def market_ids(table: pa.Table, markets: Mapping[str, Market], home: str | None) -> pa.Array:
    """Each row's market: key into markets.yaml, `mic:<MIC>` or `word:<word>` for one that is not configured, "" for none.

    Args:
        table: Of `CONTRACT_SCHEMA`.
        markets: By id.
        home: Market of contracts that name none; None: unknown stays unknown.

    Raises:
        InputError: A row of no known kind.
    """
    by_mic = {mic: market.market for market in markets.values() for mic in market.mics}
    by_word = {word: market.market for market in markets.values() for word in market.exchange_words}
    by_kind = {"crypto": "CRYPTO", "fx": "FX", "metal": "FX"}

    def market(kind: str, mic: str, word: str) -> str:
        if kind in by_kind:
            return by_kind[kind]
        if mic:
            return by_mic.get(mic, f"mic:{mic}")
        return by_word.get(word) or home or (f"word:{word}" if word and word != _VALUED_ONLY else "")

    parts = [pc.fill_null(table[name], "") for name in ("asset_class", "mic", "exchange")]
    told = pc.dictionary_encode(flat(pc.binary_join_element_wise(*parts, "\n"), pa.string()))
    found = []
    for line in told.dictionary.to_pylist():
        kind, mic, word = line.split("\n", 2)
        if kind not in _KINDS:
            raise InputError("expected a contract of a known asset_class", source="contracts", field="asset_class", value=kind)
        found.append(market(kind, mic, word))
    return pa.array(found, pa.string()).take(told.indices)
