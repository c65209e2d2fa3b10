"""List readers: a broker's whole list, as its API sends it, becomes contracts. What all of them share.

A broker's YAML names its reader (`list_reader: package.module:function`); `include/brokers/registry.py` imports it when asked. A
reader knows no account and no connection: it takes the bytes that the API (or a file) delivered.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa

from include.domain.contract import CONTRACT_SCHEMA
from include.errors import BrokerUnavailable

BATCH_ROWS = 4096
EXPIRED = "expired"

Row = dict[str, Any]


class ListReader(Protocol):
    """Reads one broker's list."""

    def __call__(self, payload: bytes, config: Mapping[str, Any], as_of: date) -> Iterator[pa.RecordBatch]:
        """Contracts in `CONTRACT_SCHEMA`, one per row of the list and in its order, those that cannot be traded included.

        Args:
            payload: The answer of the API, byte for byte.
            config: The broker's YAML.
            as_of: Day of the list: what expired before it is not tradable.

        Raises:
            BrokerUnavailable: The answer is no such list, an empty or cut one, or one row of it makes no sense: nothing in it can
                be trusted then, and a missing row would look like an instrument that the broker does not have.
        """


def json_object(payload: bytes, broker: str) -> dict[str, Any]:
    """The JSON object of an answer; numbers with a point stay exact (`Decimal`). Raises `BrokerUnavailable` for anything else."""
    document = _json(payload, broker)
    if not isinstance(document, dict):
        raise BrokerUnavailable(f"{broker} sent no JSON object: {payload[:120]!r}")
    return document


def json_array(payload: bytes, broker: str) -> list[Any]:
    """The JSON array of an answer, not empty. Raises `BrokerUnavailable` for anything else."""
    document = _json(payload, broker)
    if not isinstance(document, list):
        raise BrokerUnavailable(f"{broker} sent no JSON array, which its list is: {payload[:120]!r}")
    return _filled(document, broker, "its array")


def rows_of(document: Mapping[str, Any], broker: str, *path: str) -> list[Any]:
    """The array at `path` of an object. Raises `BrokerUnavailable` where there is none, or an empty one."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return _filled(found, broker, ".".join(path))


def _json(payload: bytes, broker: str) -> Any:
    try:
        return json.loads(payload, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise BrokerUnavailable(f"{broker} sent no JSON: {payload[:120]!r}") from error


def _filled(found: Any, broker: str, where: str) -> list[Any]:
    if not isinstance(found, list):
        raise BrokerUnavailable(f"{broker} sent no list in {where}")
    if not found:
        raise BrokerUnavailable(f"{broker} listed nothing in {where}")
    return found


def batches(broker: str, items: Sequence[Any], row: Callable[[Mapping[str, Any]], Row]) -> Iterator[pa.RecordBatch]:
    """The rows of all items, at most `BATCH_ROWS` at a time; all are read before the first is handed out.

    Args:
        broker: Written into every row.
        items: The objects of the list.
        row: Makes a row of `CONTRACT_SCHEMA` of one; what it leaves out is null, `price_magnifier` and `multiplier` are 1.

    Raises:
        BrokerUnavailable: An item makes no row.
    """
    rows = [_row(broker, item, row) for item in items]
    try:
        table = pa.Table.from_pylist(rows, schema=CONTRACT_SCHEMA)
    except (pa.ArrowException, TypeError) as error:
        raise BrokerUnavailable(f"{broker} listed a row with a value of another type: {error}") from error
    return iter(table.to_batches(max_chunksize=BATCH_ROWS))


def _row(broker: str, item: Any, row: Callable[[Mapping[str, Any]], Row]) -> Row:
    try:
        return {"broker": broker, "name": "", "mic": "", "exchange": "", "multiplier": "1", "price_magnifier": "1"} | row(item)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, OSError) as error:
        raise BrokerUnavailable(f"{broker} listed a row that cannot be read ({error!r}): {str(item)[:160]}") from error


def word(item: Mapping[str, Any], key: str) -> str:
    """A text that must be there. Raises `KeyError` or `ValueError`."""
    value = item[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected a text in {key!r}")
    return value


def exact(value: Any) -> str:
    """A number of an API (text, int or `Decimal`) without exponent and trailing zeros, no digit lost.

    Raises:
        ValueError: A float, a truth value, no number, or a negative one.
        ArithmeticError: No number.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError(f"expected a number, found {value!r}")
    number = Decimal(value)
    if not number.is_finite() or number < 0:
        raise ValueError(f"expected a number of at least 0, found {value!r}")
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def step(value: Any, places: int | None = None) -> str:
    """A quantity or price step; where it is absent or 0 (no such rule), one unit of the last of `places` decimals.

    Raises:
        ValueError: Neither a step nor decimals are told, or either makes no sense.
    """
    text = "0" if value is None else exact(value)
    if Decimal(text) > 0:
        return text
    if places is None:
        raise ValueError("expected a step above 0")
    return exact(Decimal(1).scaleb(-places))


def minimum(value: Any) -> str | None:
    """A smallest notional; None where there is none (absent, empty or 0)."""
    text = exact(value) if value not in (None, "") else "0"
    return text if Decimal(text) > 0 else None


def day_of(milliseconds: int) -> str:
    """ISO date (UTC) of a time in milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()


def fractions(lot_size: str) -> bool:
    """Whether parts of a unit can be traded in steps of `lot_size`."""
    return Decimal(lot_size) % 1 != 0
