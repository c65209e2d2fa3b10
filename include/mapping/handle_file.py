"""Hand-made lists of handles as CSV: `ticker,name,market,native_id`."""

import csv

from include.domain.handle import Claim
from include.errors import InputError

COLUMNS = ("ticker", "name", "market", "native_id")


def has_heading(payload: bytes) -> bool:
    """Whether a file is such a list, and no list in a broker's own form: its first line names a `native_id`."""
    cells = next(csv.reader(payload.decode("utf-8-sig", errors="replace").splitlines()[:1]), [])
    return COLUMNS[-1] in (cell.strip() for cell in cells)


def read_handles(payload: bytes, source: object) -> list[Claim]:
    """Rows of a list with a heading; columns in any order, of which only `native_id` must be there.

    Empty lines and lines that begin with `#` are comments. A heading alone gives [].

    Args:
        payload: The file in UTF-8.
        source: Named in errors.

    Raises:
        InputError: Not UTF-8, no heading, a column that is not known or stands twice, a row of another length, or one without an
            id; the row is the line of the file.
    """
    try:
        lines = payload.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"expected UTF-8: {error}", source=source) from error
    heading = [cell.strip() for cell in next(csv.reader(lines[:1]), [])]
    if COLUMNS[-1] not in heading or len(set(heading)) < len(heading) or not set(heading) <= set(COLUMNS):
        raise InputError(f"expected the heading {','.join(COLUMNS)}", source=source, row=1, value=",".join(heading)[:60])
    claims = []
    for number, line in enumerate(lines[1:], start=2):
        cells = [cell.strip() for cell in next(csv.reader([line]), [])]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if len(cells) != len(heading):
            raise InputError(f"expected {len(heading)} cells", source=source, row=number, value=line[:60])
        told = dict(zip(heading, cells, strict=True))
        if not told[COLUMNS[-1]]:
            raise InputError("expected the broker's own id", source=source, row=number, field=COLUMNS[-1])
        claims.append(Claim(row=number, **told))
    return claims
