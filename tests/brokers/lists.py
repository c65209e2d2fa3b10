"""Reading a list in a test: the reader and the settings that the broker's own YAML names."""

from datetime import date
from typing import Any

import pyarrow as pa

from include.brokers.registry import list_reader
from include.domain.contract import CONTRACT_SCHEMA, from_row
from include.settings import load_settings

BROKERS = load_settings().brokers
DAY = date(2026, 3, 20)


def table(name: str, payload: bytes, as_of: date = DAY) -> pa.Table:
    """All rows of a list; every one of them is a contract."""
    read = pa.Table.from_batches(list(list_reader(name, BROKERS)(payload, BROKERS[name], as_of)), schema=CONTRACT_SCHEMA)
    for row in read.to_pylist():
        assert from_row(row).broker == name
    return read


def rows(name: str, payload: bytes, as_of: date = DAY) -> dict[str, dict[str, Any]]:
    """Rows by symbol."""
    return {row["symbol"]: row for row in table(name, payload, as_of).to_pylist()}


def counted(read: pa.Table, column: str) -> dict[Any, int]:
    """How often each value stands in a column."""
    return {row["values"]: row["counts"] for row in read[column].value_counts().to_pylist()}
