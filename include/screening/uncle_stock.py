"""Parser of the screener's `*_current_screen.csv`.

Three header lines (column names, repeated hundreds of times; subtitles; descriptions), the rows, and a footer of query
parameters, an address and usage counters, none of which reaches an artifact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from include.domain.market import Market
from include.errors import InputError
from include.screening.csv_records import decode, records
from include.screening.dates import parse_date
from include.screening.row_check import RawRow, RowCheck, clean
from include.screening.rows import RejectedRow, ScreenRow

PRICE = ("Price", "per share in stock price currency")
CHANGE = ("Price", "180d change")
_REQUIRED = {
    "ticker": ("symbol", None),
    "isin": ("ISIN", None),
    "currency": ("stock price currency", None),
    "name": ("name", None),
    "price": PRICE,
    "price_180d_change": CHANGE,
}
_OPTIONAL = {"sector": ("sector", None), "country": ("country", None), "calculated": ("calculation date", None)}
_FOOTER = ("url parameters", "url:", "api usage counter:", "api max usage:")


@dataclass(frozen=True)
class _Table:
    columns: dict[str, int]
    width: int
    body: list[tuple[int, list[str]]]


def parse_screen(content: bytes, source: str, markets: Mapping[str, Market]) -> tuple[list[ScreenRow], list[RejectedRow]]:
    """Usable and rejected rows of one export, in the file's order.

    Args:
        content: The file's bytes.
        source: Its path or URI; rejected rows carry the last part only.
        markets: Markets by id.

    Raises:
        InputError: Not text, no header, a missing column, or not one usable row.
    """
    table = _table(content, source)
    check = RowCheck(source.rsplit("/", 1)[-1], markets)
    rows: list[ScreenRow] = []
    rejected: list[RejectedRow] = []
    for line, cells in table.body:
        result = _checked(check, table, line, cells)
        if isinstance(result, ScreenRow):
            rows.append(result)
        else:
            rejected.append(result)
    if not rows:
        raise no_usable_row(source, rejected)
    return rows, rejected


def newest_calculation(content: bytes, source: str) -> date | None:
    """Newest `calculation date` of the rows: the export was not known before it. None without such a column or dates.

    Raises:
        InputError: As `parse_screen`, but for the rows.
    """
    table = _table(content, source)
    index = table.columns.get("calculated")
    if index is None:
        return None
    found = (parse_date(cells[index]) for _, cells in table.body if index < len(cells))
    return max((day for day in found if day), default=None)


def no_usable_row(source: str, rejected: Sequence[RejectedRow]) -> InputError:
    """The error for a screen without a usable row, naming the first rejected one if there is any."""
    if not rejected:
        return InputError("expected at least one row, the screen is empty", source=source)
    first = rejected[0]
    reason = f"expected at least one usable row, all {len(rejected)} are rejected; the first: {first.reason}"
    return InputError(reason, source=source, row=first.line, field=first.field, value=first.value)


def _checked(check: RowCheck, table: _Table, line: int, cells: list[str]) -> ScreenRow | RejectedRow:
    # One separator too many or too few shifts every later column: such a row must not be read at all.
    if not table.width - 1 <= len(cells) <= table.width:
        reason = f"expected {table.width} columns as in the header"
        return check.reject(line, clean(cells[0]) or None, "columns", str(len(cells)), reason)
    values = {name: cells[index] if index < len(cells) else "" for name, index in table.columns.items() if name != "calculated"}
    return check(RawRow(line=line, **values))


def _table(content: bytes, source: str) -> _Table:
    found = [(line, cells) for line, cells in records(decode(content, source)) if cells]
    if not found:
        raise InputError("expected a header line with the column 'symbol'", source=source)
    line, names = found[0]
    if "symbol" not in [clean(name) for name in names]:
        raise InputError("expected a header line with the column 'symbol'", source=source, row=line, field="symbol")
    headers = [cells for _, cells in found[1:3] if not cells[0].strip()]
    subtitles = headers[0] if headers else []
    columns = _columns(names, subtitles, source, line)
    return _Table(columns, len(names), _body(found[1 + len(headers) :]))


def _body(found: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    for position, (_, cells) in enumerate(found):
        if clean(cells[0]).lower() in _FOOTER:
            return found[:position]
    return found


def _columns(names: list[str], subtitles: list[str], source: str, line: int) -> dict[str, int]:
    pairs = [(clean(name), clean(subtitles[i]) if i < len(subtitles) else "") for i, name in enumerate(names)]
    columns = {}
    for field, (name, subtitle) in (_REQUIRED | _OPTIONAL).items():
        hits = [i for i, pair in enumerate(pairs) if pair[0] == name and subtitle in (None, pair[1])]
        if hits:
            columns[field] = hits[0]
        elif field in _REQUIRED:
            wanted = f"expected the column {name!r}" + (f" with the subtitle {subtitle!r}" if subtitle else "")
            raise InputError(wanted, source=source, row=line, field=field)
    return columns
