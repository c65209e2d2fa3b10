"""The instruments of a local venue, as a CSV or parquet file.

One row per listing. Columns (docs/sandbox.md): `venue, native_id, symbol, name, asset_class, currency, exchange` are needed;
`isin, expiry, multiplier, lot_size, tick_size, tradable, inactive_reason, price_magnifier, price, price_time` may be absent or
empty. Further columns are an error.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError, model_validator

from include.domain.instrument import AssetClass
from include.domain.model import Value
from include.errors import InputError
from include.sandbox.files import replacing


class Listing(Value):
    """One tradable (or dead) thing at one venue.

    Attributes:
        venue: `ibkr` or `alpaca`.
        native_id: The venue's own id: conId as text, or asset id.
        symbol: In the venue's notation.
        exchange: The venue's word for the primary market (`TSEJ`, `NASDAQ`); may be empty.
        expiry: ISO date, of a future or option.
        multiplier: Units of the underlying per contract.
        price_magnifier: The venue quotes in this many units per currency unit (London in pence: 100).
        price: Mark in currency units (pounds, not pence), positive; None: listed without a mark, never fills.
        price_time: When the price held, aware; needed beside a price.
    """

    venue: str = Field(min_length=1)
    native_id: str = Field(min_length=1)
    symbol: str = Field(min_length=1)
    name: str = ""
    asset_class: AssetClass = AssetClass.STOCK
    currency: str = Field(pattern=r"^[A-Z]{3,5}$")
    exchange: str = ""
    isin: str | None = None
    expiry: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    multiplier: Decimal = Field(Decimal(1), gt=0)
    lot_size: Decimal = Field(Decimal(1), gt=0)
    tick_size: Decimal = Field(Decimal("0.01"), gt=0)
    tradable: bool = True
    inactive_reason: str | None = None
    price_magnifier: Decimal = Field(Decimal(1), gt=0)
    price: Decimal | None = Field(None, gt=0)
    price_time: datetime | None = None

    @model_validator(mode="after")
    def _price_has_a_time(self) -> "Listing":
        if self.price is not None and (self.price_time is None or self.price_time.tzinfo is None):
            raise ValueError("expected an aware price_time beside a price")
        return self


COLUMNS = tuple(Listing.model_fields)
NEEDED = ("venue", "native_id", "symbol", "name", "asset_class", "currency", "exchange")
_SCHEMA = pa.schema(
    [(name, pa.bool_() if name == "tradable" else pa.string()) for name in COLUMNS if name != "price_time"]
    + [("price_time", pa.timestamp("us", tz="UTC"))]
)


def read_catalogue(path: Path, venue: str) -> list[Listing]:
    """Listings of one venue, in the file's order; [] when the file has none for it.

    Args:
        path: `.csv` (UTF-8, header line) or `.parquet`.
        venue: Only rows of this venue.

    Raises:
        InputError: The file is missing or unreadable, a column is missing or unknown, a value does not fit, or a native id is
            there twice; the row is the line of a CSV, the 1-based row of a parquet file.
    """
    found: list[Listing] = []
    seen: set[str] = set()
    for number, row in _rows(path):
        if row.get("venue") != venue:
            continue
        listing = _listing(row, path, number)
        if listing.native_id in seen:
            raise InputError("expected each native_id once", source=path, row=number, field="native_id", value=listing.native_id)
        seen.add(listing.native_id)
        found.append(listing)
    return found


def write_catalogue(path: Path, listings: Sequence[Listing]) -> None:
    """Write listings as `.csv` or `.parquet` (by suffix); a reader sees the old file or the new one, never half."""
    with replacing(path) as fresh:
        if path.suffix == ".parquet":
            columns: dict[str, list[Any]] = {
                name: [_cell(getattr(listing, name)) for listing in listings] for name in _SCHEMA.names
            }
            pq.write_table(pa.table(columns, schema=_SCHEMA), fresh, compression="zstd")
        else:
            with open(fresh, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows([_text(getattr(listing, name)) for name in COLUMNS] for listing in listings)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
    elif path.suffix == ".csv":
        yield from _csv_rows(path)
    else:
        raise InputError("expected a .csv or .parquet file", source=path)


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            _check_columns(header, path)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise InputError(f"expected {len(header)} cells", source=path, row=reader.line_num, value=len(cells))
                yield reader.line_num, dict(zip(header, cells, strict=True))
    except OSError as error:
        raise InputError(f"expected a readable file: {error.__class__.__name__}", source=path) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"expected CSV in UTF-8: {error}", source=path) from error


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        table = pq.ParquetFile(path).read()
    except OSError as error:
        raise InputError(f"expected a readable file: {error.__class__.__name__}", source=path) from error
    except pa.ArrowInvalid as error:
        raise InputError(f"expected a parquet file: {error}", source=path) from error
    _check_columns(table.column_names, path)
    yield from enumerate(table.to_pylist(), start=1)


def _check_columns(names: Iterable[str], path: Path) -> None:
    found = list(names)
    for name in NEEDED:
        if name not in found:
            raise InputError("expected this column", source=path, field=name)
    for name in found:
        if name not in COLUMNS or found.count(name) > 1:
            raise InputError(f"expected columns out of {', '.join(COLUMNS)}, each once", source=path, field=name)


def _listing(row: dict[str, Any], path: Path, number: int) -> Listing:
    values = {key: value for key, value in row.items() if value is not None and value != ""}
    try:
        return Listing.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "price_time"
        raise InputError(first["msg"], source=path, row=number, field=field, value=row.get(field)) from error


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, (Decimal, AssetClass)) else value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
