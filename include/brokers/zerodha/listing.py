"""Kite's instruments as contracts: the CSV of GET /instruments (kite.trade/docs/connect/v3/market-quotes).

All exchanges together are 100,000 rows, so this is column operations, not a loop.
"""

import io
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from include.brokers.listing import BATCH_ROWS, EXPIRED
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass
from include.errors import BrokerUnavailable

NAME = "zerodha"
COLUMNS = (
    "instrument_token",
    "tradingsymbol",
    "name",
    "expiry",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)
INDICES = "INDICES"
_TYPES = {"FUT": AssetClass.FUTURE, "CE": AssetClass.OPTION, "PE": AssetClass.OPTION}
_SHAPES = {
    "instrument_token": r"^\d+$",
    "tradingsymbol": r"^.",
    "expiry": r"^(\d{4}-\d{2}-\d{2})?$",
    "tick_size": r"^\d+(\.\d+)?$",
    "lot_size": r"^\d+(\.\d+)?$",
}


def contracts(payload: bytes, config: Mapping[str, Any], as_of: date) -> Iterator[pa.RecordBatch]:
    """Everything Kite lists; see `include.brokers.listing.ListReader`.

    Indices and funds' indicative values are `index` and not tradable. Options and futures are priced per unit, their `lot_size`
    is what one contract holds. Symbols keep their series (`AAKASH-BE`).

    Args:
        payload: The CSV, the gzip of its transfer undone (HTTP clients do that).
        config: The broker's YAML: `exchanges`, `currency`, `series`, `fund_names`, `indicative_symbols`.
        as_of: Futures and options that expired before this day are not tradable.
    """
    rows = _read(payload)
    kind = _kinds(rows, config)
    expiry = _null_if_empty(rows["expiry"])
    reason = _reasons(rows, kind, expiry, as_of)
    filled = {
        "broker": pa.repeat(NAME, rows.num_rows),
        "native_id": rows["instrument_token"],
        "symbol": rows["tradingsymbol"],
        "name": rows["name"],
        "asset_class": kind,
        "currency": pa.repeat(str(config["currency"]), rows.num_rows),
        "mic": _mapped(rows["exchange"], config["exchanges"]),
        "exchange": rows["exchange"],
        "expiry": expiry,
        "multiplier": pa.repeat("1", rows.num_rows),
        "price_magnifier": pa.repeat("1", rows.num_rows),
        "lot_size": _number(rows["lot_size"], "1"),
        "tick_size": _number(rows["tick_size"], "0.01"),
        "tradable": pc.is_null(reason),
        "fractionable": pa.repeat(False, rows.num_rows),
        "inactive_reason": reason,
    }
    columns = [filled.get(field.name, pa.nulls(rows.num_rows, field.type)) for field in CONTRACT_SCHEMA]
    return iter(pa.Table.from_arrays(columns, schema=CONTRACT_SCHEMA).to_batches(max_chunksize=BATCH_ROWS))


def _read(payload: bytes) -> pa.Table:
    """The needed columns as texts, every value checked for its shape."""
    options = pa.csv.ConvertOptions(
        include_columns=COLUMNS, column_types=dict.fromkeys(COLUMNS, pa.string()), strings_can_be_null=False
    )
    try:
        rows = pa.csv.read_csv(io.BytesIO(payload), convert_options=options)
    except (pa.ArrowException, KeyError) as error:
        raise BrokerUnavailable(f"zerodha sent no instruments as CSV ({error}): {payload[:120]!r}") from error
    if rows.num_rows == 0:
        raise BrokerUnavailable("zerodha listed nothing")
    for column, shape in _SHAPES.items():
        fits = pc.match_substring_regex(rows[column], shape)
        if not pc.all(fits).as_py():
            row = pc.index(fits, False).as_py()
            value = rows[column][row].as_py()
            raise BrokerUnavailable(f"zerodha listed a row that cannot be read (row {row + 2}, {column}: {value!r})")
    return rows.combine_chunks()


def _kinds(rows: pa.Table, config: Mapping[str, Any]) -> pa.ChunkedArray:
    """The kind of every row: by type, segment and series, then funds by their names."""
    kind = _mapped(rows["instrument_type"], _TYPES, "other")
    stem, series = _split(rows["tradingsymbol"])
    equity = pc.equal(rows["instrument_type"], "EQ")
    kind = pc.if_else(equity, _series_kinds(series, config["series"]), kind)
    bare = pc.and_(equity, pc.is_null(series))
    fund = pc.and_(bare, pc.match_substring_regex(rows["name"], config["fund_names"], ignore_case=True))
    kind = pc.if_else(fund, AssetClass.ETF.value, kind)
    value = pc.and_(equity, pc.match_substring_regex(stem, config["indicative_symbols"]))
    index = pc.or_(value, pc.equal(rows["segment"], INDICES))
    return pc.if_else(index, AssetClass.INDEX.value, kind)


def _split(symbols: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """(symbol without its series, series or null): two characters after a hyphen; other hyphens are the name's (`BAJAJ-AUTO`)."""
    found = pc.extract_regex(symbols, r"^(?P<stem>.+)-(?P<series>[A-Z0-9]{2})$")
    series = pc.struct_field(found, "series")
    return pc.if_else(pc.is_null(found), symbols, pc.struct_field(found, "stem")), pc.if_else(pc.is_null(found), None, series)


def _series_kinds(series: pa.ChunkedArray, patterns: Mapping[str, str]) -> pa.ChunkedArray:
    """Kind of each series, `stock` where there is none; the first pattern that fits decides."""
    kind = pc.if_else(pc.is_null(series), AssetClass.STOCK.value, AssetClass.OTHER.value)
    for name, pattern in reversed(list(patterns.items())):
        fits = pc.fill_null(pc.match_substring_regex(series, f"^(?:{pattern})$"), False)
        kind = pc.if_else(fits, AssetClass(name).value, kind)
    return kind


def _reasons(rows: pa.Table, kind: pa.ChunkedArray, expiry: pa.ChunkedArray, as_of: date) -> pa.ChunkedArray:
    """Why a row cannot be traded; null where it can."""
    expired = pc.fill_null(pc.less(expiry, as_of.isoformat()), False)
    nothing = pa.nulls(rows.num_rows, pa.string())
    return pc.if_else(pc.equal(kind, AssetClass.INDEX.value), "index", pc.if_else(expired, EXPIRED, nothing))


def _mapped(words: pa.ChunkedArray, table: Mapping[str, Any], other: str = "") -> pa.ChunkedArray:
    """Each word's entry in a table, `other` where it has none."""
    place = pc.index_in(words, pa.array(list(table), pa.string()))
    return pc.fill_null(pc.take(pa.array([str(value) for value in table.values()], pa.string()), place), other)


def _null_if_empty(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _number(texts: pa.ChunkedArray, missing: str) -> pa.ChunkedArray:
    """Decimals without trailing zeros; `missing` for 0, which indices have."""
    short = pc.replace_substring_regex(texts, r"(\.\d*?)0+$", r"\1")
    short = pc.replace_substring_regex(short, r"\.$", "")
    return pc.if_else(pc.match_substring_regex(short, r"^0+$"), missing, short)
