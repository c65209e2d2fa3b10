"""The few contracts of a broker's list that the wanted instruments could be, as columns.

A list has half a million rows, a universe some hundred members: rows are picked by the keys they share with what is wanted, and
only the picked ones are taken apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.errors import InputError
from include.mapping.columns import Mask, Rows, among, cusips, flat, mask, same, taken
from include.mapping.names import Names, parse_names
from include.mapping.reasons import CODES, FITS
from include.mapping.spelling import spelled
from include.mapping.symbols import QUOTED_IN_PAIRS, pair_key
from include.mapping.wanted import IDENTITIES, Wanted

# IBKR's exchange word for contracts that are only valued, never traded, and its suffix for symbols that were given away.
_VALUED_ONLY = "VALUE"
_DEAD_MARK = ".OLD"
_DEAD_SUFFIX = r"\.OLD\d*$"
_PASSING = "tradable|halt|suspend"
_KINDS = frozenset(kind.value for kind in AssetClass)
_PAIRS = pa.array([kind.value for kind in QUOTED_IN_PAIRS])


Shared = tuple[Rows, Rows]


@dataclass(frozen=True)
class ContractList:
    """A broker's whole list.

    Attributes:
        table: Of `CONTRACT_SCHEMA`, see `complete`.
        markets: By id.
        home_market: Market of contracts that name none, at a broker that only serves one; None: unknown stays unknown.
        names_are_keys: Whether instruments are looked for by name too, so that every name of the list is taken apart.
    """

    table: pa.Table
    markets: Mapping[str, Market]
    home_market: str | None = None
    names_are_keys: bool = False

    @cached_property
    def spelled(self) -> pa.Array:
        """Each row's symbol in one spelling."""
        return spelled(self.table["symbol"])

    @cached_property
    def symbol_keys(self) -> pa.Array:
        """The key of each row's symbol."""
        return symbol_keys(self.table, self.spelled)

    @cached_property
    def names(self) -> Names:
        """Every name, taken apart."""
        return parse_names(flat(self.table["name"], pa.string()))

    def pick(self, wanted: Wanted) -> tuple["Contracts", dict[str, Shared]]:
        """The contracts that share a key with something wanted, and by key the wanted row and the contract of each that do.

        Keys are those of `Wanted.indexes` that the list knows.
        """
        columns = {name: self.table[name] for name in IDENTITIES if self.table[name].null_count < self.table.num_rows}
        columns["symbol"] = self.symbol_keys
        places = {name: index.find(columns[name]) for name, index in wanted.indexes.items() if name in columns}
        chosen = np.zeros(self.table.num_rows, np.bool_)
        for found in places.values():
            chosen |= found >= 0
        picked, rows = self.pick_rows(chosen), np.arange(self.table.num_rows)
        shared = {name: wanted.indexes[name].join(rows, found) for name, found in places.items()}
        return picked, {name: (i, picked.of_rows(mine)) for name, (mine, i) in shared.items()}

    def pick_rows(self, chosen: Mask) -> "Contracts":
        """The contracts of some rows, and of all rows with the same native ids."""
        ids = flat(self.table["native_id"], pa.string())
        if chosen.any() and not chosen.all():
            chosen = chosen | among(ids, ids.filter(pa.array(chosen)))  # a contract may have a row for each ISIN it answers to
        return _contracts(self, np.flatnonzero(chosen))


@dataclass(frozen=True)
class Contracts:
    """Contracts that share a key with something wanted, one row per native id.

    Attributes:
        listed: Where they were picked from.
        table: Their rows of `CONTRACT_SCHEMA`.
        rows: Which rows of the broker's list these are: the same for a contract, however it was picked.
        symbol_key: The symbol in its one spelling; of pairs `BASE.QUOTE`.
        market: Key into markets.yaml; "" where the broker does not tell; `mic:<MIC>` or `word:<word>` for a market that is not
            configured.
        state: `FITS` for a live contract, else the code of why it cannot be traded.
        isin_count: How many different ISINs its rows carry.
        picked_rows / group: Every row that was picked of the list, ascending, and which contract it is of.
        unnamed: Rows whose names nobody asks for, so that they are not taken apart; None: none.
    """

    listed: ContractList
    table: pa.Table
    rows: Rows
    symbol_key: pa.Array
    market: pa.Array
    state: npt.NDArray[np.int8]
    isin_count: Rows
    picked_rows: Rows
    group: Rows
    unnamed: Mask | None = None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> pa.Array:
        """One column of the table."""
        return flat(self.table[name], pa.string())

    def of_rows(self, rows: Rows) -> Rows:
        """The contracts that picked rows of the list are of."""
        return self.group[np.searchsorted(self.picked_rows, rows)]

    @cached_property
    def market_told(self) -> Mask:
        """Whether the broker tells a market."""
        return mask(pc.not_equal(self.market, ""))

    @cached_property
    def names(self) -> Names:
        """Their names, taken apart."""
        if self.listed.names_are_keys:
            return self.listed.names.take(self.rows)
        names = self.column("name")
        return parse_names(names if self.unnamed is None else pc.if_else(pa.array(self.unnamed), "", names))

    @cached_property
    def asset_class(self) -> pa.Array:
        """Their kinds; a share whose name says that it is an exchange-traded fund is one."""
        declared = self.column("asset_class")
        fund = pc.and_(pc.equal(declared, AssetClass.STOCK.value), pa.array(self.names.is_fund))
        return pc.if_else(fund, AssetClass.ETF.value, declared)

    @cached_property
    def cusips(self) -> pa.Array:
        """CUSIPs, told or within the ISIN."""
        return cusips(self.column("cusip"), self.column("isin"))

    @cached_property
    def spelled(self) -> pa.Array:
        """The symbols in one spelling."""
        return self.listed.spelled.take(pa.array(self.rows))

    @cached_property
    def share_class(self) -> pa.Array:
        """By the symbol (`BRK B`), else by the name, else null."""
        found = np.full(len(self), None, dtype=object)
        parted = mask(pc.match_substring(self.spelled, "."))  # few
        told = pc.extract_regex(self.spelled.filter(pa.array(parted)), r"^[A-Z0-9]+[.](?P<letter>[A-Z])$")
        found[parted] = pc.struct_field(told, "letter").to_pylist()
        return pc.coalesce(pa.array(found, pa.string()), self.names.share_class)

    @cached_property
    def squeezed_symbol(self) -> pa.Array:
        """The symbol without separators."""
        return pc.replace_substring(pc.fill_null(self.spelled, ""), ".", "")


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


def _contracts(listed: ContractList, rows: Rows) -> Contracts:
    table, keys = taken(listed.table, pa.array(rows)), listed.symbol_keys.take(pa.array(rows))
    first, group = _groups(table)
    state = np.zeros(len(first), np.int8)
    np.maximum.at(
        state, group, _states(table, listed.spelled.take(pa.array(rows)))
    )  # one look-up saying that it is dead is enough
    state[_conflicts(table, keys, first, group)] = CODES["conflicting_rows"]
    isins = flat(table["isin"], pa.string())
    edges = pa.table({"row": group, "isin": isins}).filter(pc.is_valid(isins)).group_by(["row", "isin"]).aggregate([])
    isin_rows = edges["row"].to_numpy().astype(np.int64)
    kept = table if len(first) == table.num_rows else taken(table, pa.array(first))
    return Contracts(
        listed=listed,
        table=kept,
        rows=rows[first],
        symbol_key=keys.take(pa.array(first)),
        market=_markets(kept, listed.markets, listed.home_market),
        state=state,
        isin_count=np.bincount(isin_rows, minlength=len(first)).astype(np.int64),
        picked_rows=rows,
        group=group,
    )


def _groups(table: pa.Table) -> tuple[Rows, Rows]:
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


def _conflicts(table: pa.Table, keys: pa.Array, first: Rows, group: Rows) -> Rows:
    """Contracts whose rows say different things: one id, two symbols, currencies, kinds or identities."""
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


def _states(table: pa.Table, symbol: pa.Array) -> npt.NDArray[np.int8]:
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


def _markets(table: pa.Table, markets: Mapping[str, Market], home: str | None) -> pa.Array:
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
