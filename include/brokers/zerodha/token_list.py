"""Lists of Kite's instrument tokens that people write by hand, for checking against Kite's own list."""

import csv
from typing import NamedTuple

from include.errors import InputError


class TokenRow(NamedTuple):
    """One line: the token, and what its author believes it to be ("" where nothing is said)."""

    instrument_token: str
    tradingsymbol: str
    name: str
    exchange: str


def read_token_list(payload: bytes, source: object = "token list") -> list[TokenRow]:
    """Rows of `instrument_token,tradingsymbol,name,exchange`, of which only the token must be there.

    Empty lines and lines that begin with `#` are comments; a first line with these words is a heading. A file of comments alone
    gives [].

    Args:
        payload: The file in UTF-8.
        source: Named in errors.

    Raises:
        InputError: Not UTF-8, a token that is no number, or more than four cells; the row is the line of the file.
    """
    try:
        lines = payload.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"expected UTF-8: {error}", source=source) from error
    rows: list[TokenRow] = []
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip() for cell in next(csv.reader([line]), [])]
        if not any(cells) or cells[0].startswith("#") or (not rows and cells[0] == "instrument_token"):
            continue
        if len(cells) > len(TokenRow._fields):
            raise InputError(f"expected {','.join(TokenRow._fields)}", source=source, row=number, value=line)
        if not (cells[0].isascii() and cells[0].isdigit()):
            raise InputError("expected a number", source=source, row=number, field="instrument_token", value=cells[0])
        rows.append(TokenRow(*cells, *[""] * (len(TokenRow._fields) - len(cells))))
    return rows
