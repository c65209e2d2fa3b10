"""Columns of symbols in one spelling; `symbols.canonical` does the same for one."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.mapping.columns import flat


def spelled(symbols: Any) -> pa.Array:
    """Upper case, any separator a dot, none at either end; null stays null."""
    upper = flat(pc.utf8_upper(symbols), pa.string())
    rows = np.flatnonzero(~pc.fill_null(pc.ascii_is_alnum(upper), True).to_numpy(zero_copy_only=False))
    if not len(rows):
        return upper
    some = pc.ascii_trim(pc.replace_substring_regex(upper.take(pa.array(rows)), r"[\s./_\-]+", "."), ".")
    changed = np.zeros(len(upper), np.bool_)
    changed[rows] = True
    return pc.replace_with_mask(upper, pa.array(changed), some)
