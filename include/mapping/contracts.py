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

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.mapping.columns import Mask, Rows, among, cusips, flat, mask, taken
from include.mapping.contract_rows import conflicts, groups, market_ids, states, symbol_keys
from include.mapping.names import Names, parse_names
from include.mapping.reasons import CODES
from include.mapping.spelling import spelled
from include.mapping.wanted import IDENTITIES, Wanted

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


def _contracts(listed: ContractList, rows: Rows) -> Contracts:
    table, keys = taken(listed.table, pa.array(rows)), listed.symbol_keys.take(pa.array(rows))
    first, group = groups(table)
    state = np.zeros(len(first), np.int8)
    np.maximum.at(
        state, group, states(table, listed.spelled.take(pa.array(rows)))
    )  # one look-up saying that it is dead is enough
    state[conflicts(table, keys, first, group)] = CODES["conflicting_rows"]
    isins = flat(table["isin"], pa.string())
    edges = pa.table({"row": group, "isin": isins}).filter(pc.is_valid(isins)).group_by(["row", "isin"]).aggregate([])
    isin_rows = edges["row"].to_numpy().astype(np.int64)
    kept = table if len(first) == table.num_rows else taken(table, pa.array(first))
    return Contracts(
        listed=listed,
        table=kept,
        rows=rows[first],
        symbol_key=keys.take(pa.array(first)),
        market=market_ids(kept, listed.markets, listed.home_market),
        state=state,
        isin_count=np.bincount(isin_rows, minlength=len(first)).astype(np.int64),
        picked_rows=rows,
        group=group,
    )
