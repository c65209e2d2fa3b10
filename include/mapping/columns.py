"""Small steps between arrow columns and numpy masks that the matcher takes again and again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def mask(column: Any) -> Mask:
    """A boolean column as numpy; null counts as False."""
    found: Mask = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return found


def same(left: pa.Array, left_rows: Rows, right: pa.Array, right_rows: Rows) -> Mask:
    """Row by row, whether two columns hold the same; null equals nothing, null included."""
    return mask(pc.equal(left.take(pa.array(left_rows)), right.take(pa.array(right_rows))))


def among(column: Any, values: pa.Array) -> Mask:
    """Whether each value is one of `values`; null is never."""
    return mask(pc.is_in(column, value_set=values.drop_null().cast(pa.string()))) & mask(pc.is_valid(column))


def cusips(cusip: pa.Array, isin: pa.Array) -> pa.Array:
    """CUSIPs, those within the ISINs of the US and Canada included."""
    if isin.null_count == len(isin):
        return cusip
    within = pc.struct_field(pc.extract_regex(isin, r"^(?:US|CA)(?P<cusip>[0-9A-Z]{9})[0-9]$"), "cusip")
    return pc.coalesce(cusip, within)


def flat(column: Any, kind: pa.DataType) -> pa.Array:
    """A column of a table as one array of a type."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(kind)


def taken(table: pa.Table, rows: pa.Array) -> pa.Table:
    """Some rows of a table, null for a null; brokers leave many columns empty, of which nothing has to be taken."""
    columns = [
        pa.nulls(len(rows), column.type) if column.null_count == len(column) else column.take(rows) for column in table.columns
    ]
    return pa.table(columns, schema=table.schema)


def join(left_rows: Rows, left: pa.Array, right_rows: Rows, right: pa.Array) -> tuple[Rows, Rows]:
    """Every (left row, right row) whose keys are equal, in the order of rows; null joins nothing.

    Args:
        left_rows / right_rows: One per key, ascending; a row may have several keys.
        left / right: Keys.
    """
    index = Index.of(right_rows, right)
    return index.join(left_rows, index.find(left))


@dataclass(frozen=True)
class Index:
    """Rows by their keys: made once, asked for the keys of several tables.

    Attributes:
        keys: Distinct, none null.
        rows: Those of the first key in their order, then those of the second ...
        sizes: How many of them each key has.
    """

    keys: pa.Array
    rows: Rows
    sizes: Rows

    @classmethod
    def of(cls, rows: Rows, keys: pa.Array) -> "Index":
        """Rows, one per key; a row may have several keys, or null for none."""
        known = pc.dictionary_encode(keys.drop_null())
        codes = known.indices.to_numpy()
        order = np.argsort(codes, kind="stable")
        return cls(known.dictionary, rows[mask(pc.is_valid(keys))][order], np.bincount(codes, minlength=len(known.dictionary)))

    def find(self, column: Any) -> Rows:
        """The place of each value among the keys, -1 where it is none."""
        found: Rows = pc.fill_null(pc.index_in(column, value_set=self.keys), -1).to_numpy().astype(np.int64)
        return found

    def join(self, others: Rows, places: Rows) -> tuple[Rows, Rows]:
        """Every (other row, row) with the same key, in the order of the other rows, whose keys' places were found."""
        some = places >= 0
        key = places[some]
        count = self.sizes[key]
        before = np.cumsum(count) - count
        place = np.arange(count.sum()) - np.repeat(before, count) + np.repeat((np.cumsum(self.sizes) - self.sizes)[key], count)
        return np.repeat(others[some], count), self.rows[place]
