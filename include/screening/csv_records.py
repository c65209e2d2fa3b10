"""CSV text as records with the line each one starts on, so that one broken quote never swallows the rest of a file."""

import csv
import re
from collections.abc import Iterator

from include.errors import InputError

_LINE_END = re.compile(r"\r*\n|\r")
_MAX_JOINED_LINES = 50


def decode(content: bytes, source: str) -> str:
    """Bytes of a file as text.

    Raises:
        InputError: Empty, or not UTF-8 text.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError("expected a CSV file in UTF-8", source=source, row=line) from error
    if "\0" in text:
        raise InputError("expected a CSV file, found binary content", source=source, row=text[: text.index("\0")].count("\n") + 1)
    if not text.strip():
        raise InputError("expected a CSV file with a header, it is empty", source=source)
    return text


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """(1-based line, cells) of every record that is not blank; a first line `sep=;` names the separator.

    Exports end their lines with CR CR LF; that is one line end. A quoted cell may span lines: they are joined only if the
    result is as wide as the record before, else the line stands alone (a stray quote).
    """
    lines = _LINE_END.split(text)
    delimiter, start = ",", 0
    if lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        delimiter, start = lines[0].strip()[4], 1
    number, width = start, 0
    while number < len(lines):
        cells, used = _record(lines, number, delimiter, width)
        if any(cell.strip() for cell in cells):
            yield number + 1, cells
            width = len(cells)
        number += used


def _record(lines: list[str], first: int, delimiter: str, width: int) -> tuple[list[str], int]:
    alone = _parse(lines[first], delimiter)
    if not _open_quote(lines[first], delimiter):
        return alone, 1
    for count in range(2, min(_MAX_JOINED_LINES, len(lines) - first) + 1):
        joined = "\n".join(lines[first : first + count])
        if not _open_quote(joined, delimiter):
            # The quote that closes must stand before a separator: two stray ones would swallow the rows between them.
            cells = _strict(joined, delimiter)
            return (cells, count) if cells is not None and len(cells) == width else (alone, 1)
    return alone, 1


def _parse(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(iter([line]), delimiter=delimiter), [])
    except csv.Error:  # a cell over the csv module's limit: as a row it has the wrong number of cells and is rejected
        return [line[:60]]


def _strict(text: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader(iter([text]), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _open_quote(text: str, delimiter: str) -> bool:
    try:
        next(csv.reader(iter([text]), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False
