"""The wanted instruments as columns: taken apart once, matched with every broker's contracts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.instrument import AssetClass, Instrument
from include.domain.market import Market
from include.domain.notation.venues import INDIA
from include.errors import InputError
from include.mapping.columns import Index, Mask, Rows, cusips, flat, mask
from include.mapping.names import Names, parse_names
from include.mapping.spelling import spelled
from include.mapping.symbols import QUOTED_IN_PAIRS, keys, share_class

IDENTITIES = ("isin", "share_class_figi", "figi", "cusip")  # in order of strength
WANTED_SCHEMA = pa.schema([(name, pa.string()) for name in Instrument.model_fields])
_PAIRS = pa.array([kind.value for kind in QUOTED_IN_PAIRS])


@dataclass(frozen=True)
class Wanted:
    """Instruments, one row each.

    Attributes:
        table: Of `WANTED_SCHEMA`, each ticker once.
        region: Of each row's market.
        names: Their names, taken apart.
        stem: The tickers without their markets' endings.
        share_class: From the ticker (`BRK-B`), else from the name, else null.
        is_pair: Crypto and currency pairs are their symbol; they have no company name.
        key_rows / keys: Every canonical symbol under which a row's contract may be listed, and the row; by row.
    """

    table: pa.Table
    region: pa.Array
    names: Names
    stem: pa.Array
    share_class: pa.Array
    is_pair: Mask
    key_rows: Rows
    keys: pa.Array

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @classmethod
    def of(cls, instruments: Sequence[Instrument], markets: Mapping[str, Market]) -> "Wanted":
        """Take instruments apart. Raises `InputError` like `of_table`."""
        columns = [
            pa.array([getattr(instrument, name) or None for instrument in instruments], pa.string())
            for name in WANTED_SCHEMA.names
        ]
        return cls.of_table(pa.table(columns, schema=WANTED_SCHEMA), markets)

    @classmethod
    def of_table(cls, table: pa.Table, markets: Mapping[str, Market]) -> "Wanted":
        """Take the rows of a table of `WANTED_SCHEMA` apart.

        Raises:
            InputError: One names a market that is not configured.
        """
        columns = {name: flat(table[name], pa.string()) for name in WANTED_SCHEMA.names}
        unknown = {
            name: pc.if_else(pc.equal(columns[name], ""), pa.scalar(None, pa.string()), columns[name]) for name in IDENTITIES
        }
        table = pa.table(columns | unknown, schema=WANTED_SCHEMA)
        market = flat(table["market"], pa.string())
        used = sorted(filter(None, pc.unique(market).to_pylist()))
        for name in used:
            if name not in markets:
                first = table.filter(pc.equal(market, name))["ticker"][0].as_py()
                raise InputError("expected a market of markets.yaml", source=first, field="market", value=name)
        stems = _stems(flat(table["ticker"], pa.string()), market, [markets[name] for name in used])
        names = parse_names(flat(table["name"], pa.string()))
        is_pair = mask(pc.is_in(table["asset_class"], value_set=_PAIRS))
        plain = mask(pc.match_substring_regex(stems, r"^[1-9A-Z][A-Z0-9]*$")) & ~is_pair
        plain &= ~mask(pc.is_in(market, value_set=pa.array(sorted(INDIA))))
        key_rows, found = _keys(table, stems, plain, markets)
        return cls(
            table=table,
            region=pa.array([markets[name].region for name in used], pa.string()).take(
                pc.index_in(market, pa.array(used, pa.string()))
            ),
            names=names,
            stem=stems,
            share_class=pc.coalesce(_share_classes(stems, plain), names.share_class),
            is_pair=is_pair,
            key_rows=key_rows,
            keys=found,
        )

    def column(self, name: str) -> pa.Array:
        """One column of the table."""
        return self.table[name].chunk(0) if self.table.num_rows else pa.array([], pa.string())

    @cached_property
    def indexes(self) -> dict[str, Index]:
        """The rows by each of `IDENTITIES` that any has, and by `symbol`."""
        known = {name: self.column(name) for name in IDENTITIES if self.column(name).null_count < len(self)}
        rows = np.arange(len(self))
        return {name: Index.of(rows, column) for name, column in known.items()} | {"symbol": Index.of(self.key_rows, self.keys)}

    @cached_property
    def instrument_codes(self) -> Rows:
        """A number for each row's instrument: the same where the instrument is the same."""
        codes: Rows = pc.dictionary_encode(self.column("instrument_id")).indices.to_numpy().astype(np.int64)
        return codes

    @cached_property
    def may_be_receipt(self) -> Mask:
        """Listed in the US and not told apart from a receipt by the ISIN: receipts have one of the US."""
        isin = self.column("isin")
        american = mask(pc.starts_with(isin, "US")) | mask(pc.is_null(isin))
        return american & mask(pc.equal(self.column("market"), "US"))

    @cached_property
    def is_fund(self) -> Mask:
        """Declared exchange-traded funds."""
        return mask(pc.equal(self.column("asset_class"), AssetClass.ETF.value))

    @cached_property
    def cusips(self) -> pa.Array:
        """CUSIPs, told or within the ISIN."""
        return cusips(self.column("cusip"), self.column("isin"))

    @cached_property
    def squeezed_symbol(self) -> pa.Array:
        """The tickers without market and separators (`BRKB`)."""
        return pc.replace_substring(spelled(self.stem), ".", "")


def _stems(tickers: pa.Array, market: pa.Array, used: Sequence[Market]) -> pa.Array:
    """Tickers without the ending of their own market (`include.domain.notation.venues.stem`, a market at a time)."""
    stems = tickers
    for one in used:
        if one.yahoo_suffix:
            here = pc.equal(market, one.market)
            whole = tickers.filter(here)
            ends = [pc.ends_with(whole, sign + one.yahoo_suffix, ignore_case=True) for sign in ".="]
            bare = pc.utf8_slice_codeunits(whole, 0, -1 - len(one.yahoo_suffix))
            stems = pc.replace_with_mask(stems, here, pc.if_else(pc.or_(*ends), bare, whole))
    return stems


def _keys(table: pa.Table, stems: pa.Array, plain: Mask, markets: Mapping[str, Market]) -> tuple[Rows, pa.Array]:
    """(row, key): a plain symbol is its own only spelling; whatever has separators, zeros in front or series has several."""
    rows = np.flatnonzero(~plain)
    rare = table.select(["ticker", "asset_class", "currency", "market"]).take(pa.array(rows)).to_pylist()
    spellings = [  # none where a ticker has nothing but separators
        sorted(keys(row["ticker"], AssetClass(row["asset_class"]), row["currency"], markets[row["market"]]) - {""})
        for row in rare
    ]
    several = np.repeat(rows, [len(one) for one in spellings]).astype(np.int64)
    found = pa.concat_arrays([stems.filter(pa.array(plain)), pa.array([key for one in spellings for key in one], pa.string())])
    key_rows = np.concatenate((np.flatnonzero(plain), several))
    order = np.argsort(key_rows, kind="stable")
    return key_rows[order], found.take(pa.array(order))


def _share_classes(stems: pa.Array, plain: Mask) -> pa.Array:
    classes = np.full(len(stems), None, dtype=object)
    rows = np.flatnonzero(~plain)
    classes[rows] = [share_class(one or "") for one in stems.take(pa.array(rows)).to_pylist()]
    return pa.array(classes, pa.string())
