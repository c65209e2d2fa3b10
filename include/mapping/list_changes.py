"""What differs between two contract lists of one source: added, removed, changed. Pure; columns, no loop over rows."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.domain.contract import CONTRACT_SCHEMA

SHOWN = 50
_NAMED = ("native_id", "symbol", "name")
# What names the row or tells how it was found is no property of the contract.
_COMPARED = tuple(name for name in CONTRACT_SCHEMA.names if name not in ("broker", "native_id", "evidence"))


def list_changes(before: pa.Table, after: pa.Table, shown: int = SHOWN, *, common_only: bool = False) -> dict[str, Any]:
    """Counts and the first rows of what was added, removed and changed, by native id; a repeated id counts once.

    Args:
        before: The earlier list, `CONTRACT_SCHEMA`.
        after: The later one.
        shown: Rows of each kind to name, by symbol and native id.
        common_only: Only contracts that are in both: answers to questions, where a missing one may not have been asked for.

    Returns:
        `{"rows_before", "rows", "added", "removed", "changed"}`; the last three `{"count", "first": [...]}` (None with
        `common_only`, except `changed`), `changed` also `"by_column"`; a changed row tells `{column: [before, after]}`.
    """
    columns = [name for name in CONTRACT_SCHEMA.names if name in before.column_names and name in after.column_names]
    old, new = _unique(before.select(columns)), _unique(after.select(columns))  # an earlier version's lists had fewer columns
    place = pc.index_in(new["native_id"], value_set=old["native_id"])
    both = pc.is_valid(place)
    now, then = new.filter(both), old.take(place.filter(both))
    told: dict[str, Any] = {"rows_before": before.num_rows, "rows": after.num_rows, "added": None, "removed": None}
    if not common_only:
        told["added"] = _named(new.filter(pc.invert(both)), shown)
        told["removed"] = _named(old.filter(pc.invert(pc.is_in(old["native_id"], value_set=new["native_id"]))), shown)
    return told | {"changed": _changed(then, now, shown)}


def _unique(table: pa.Table) -> pa.Table:
    """The table with the first row of each native id."""
    ids = table["native_id"].combine_chunks()
    first = pc.equal(pc.index_in(ids, value_set=ids), pa.array(range(len(ids)), pa.int32()))
    return table if pc.all(first).as_py() is not False else table.filter(first)


def _named(table: pa.Table, shown: int) -> dict[str, Any]:
    return {"count": table.num_rows, "first": _first(table, shown).select(_NAMED).to_pylist()}


def _changed(then: pa.Table, now: pa.Table, shown: int) -> dict[str, Any]:
    """Rows are the same contracts in both tables, in one order."""
    compared = [name for name in now.column_names if name in _COMPARED]
    differs = {name: _differs(then[name], now[name]) for name in compared}
    counts = {name: pc.sum(mask).as_py() or 0 for name, mask in differs.items()}
    any_of = pa.chunked_array([pa.array([], pa.bool_())]) if not now.num_rows else _any(list(differs.values()))
    numbered = now.append_column("row", pa.array(range(now.num_rows), pa.int64()))
    first = _first(numbered.filter(any_of), shown)
    rows = []
    for row, old in zip(first.to_pylist(), then.take(first["row"]).to_pylist(), strict=True):
        changes = {name: [old[name], row[name]] for name in compared if old[name] != row[name]}
        rows.append({"native_id": row["native_id"], "symbol": row["symbol"], "changes": changes})
    return {
        "count": pc.sum(any_of).as_py() or 0,
        "by_column": {name: count for name, count in counts.items() if count},
        "first": rows,
    }


def _differs(then: pa.ChunkedArray, now: pa.ChunkedArray) -> pa.ChunkedArray:
    """True where the values differ; null is a value of its own."""
    one_is_null = pc.xor(pc.is_null(then), pc.is_null(now))
    return pc.or_(one_is_null, pc.fill_null(pc.not_equal(then, now), False))


def _any(masks: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    found = masks[0]
    for mask in masks[1:]:
        found = pc.or_(found, mask)
    return found


def _first(table: pa.Table, shown: int) -> pa.Table:
    return table.take(pc.select_k_unstable(table, k=shown, sort_keys=[("symbol", "ascending"), ("native_id", "ascending")]))
