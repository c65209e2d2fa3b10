"""Small steps between arrow columns and numpy masks that the matcher takes again and again."""

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
    within = pc.struct_field(pc.extract_regex(isin, r"^(?:US|CA)(?P<cusip>[0-9A-Z]{9})[0-9]$"), "cusip")
    return pc.coalesce(cusip, within)


def flat(column: Any, kind: pa.DataType) -> pa.Array:
    """A column of a table as one array of a type."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(kind)


def join(left_rows: Rows, left: pa.Array, right_rows: Rows, right: pa.Array) -> tuple[Rows, Rows]:
    """Every (left row, right row) whose keys are equal, in the order of rows; null joins nothing.

    Args:
        left_rows / right_rows: One per key, ascending; a row may have several keys.
        left / right: Keys.
    """
    keys = pc.dictionary_encode(right.drop_null())
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    sizes = np.bincount(keys.indices.to_numpy(), minlength=len(keys.dictionary))
    by_key = right_rows[mask(pc.is_valid(right))][np.argsort(keys.indices.to_numpy(), kind="stable")]
    found = pc.index_in(left, value_set=keys.dictionary)
    key = found.drop_null().to_numpy()
    count = sizes[key]
    before = np.cumsum(count) - count
    place = np.arange(count.sum()) - np.repeat(before, count) + np.repeat((np.cumsum(sizes) - sizes)[key], count)
    return np.repeat(left_rows[mask(pc.is_valid(found))], count), by_key[place]
