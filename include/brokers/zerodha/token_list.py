"""Lists of Kite's instrument tokens that people write by hand, for checking against Kite's own list."""

import csv

from include.domain.handle import Claim
from include.errors import InputError

_FIELDS = ("instrument_token", "tradingsymbol", "name", "exchange")


def read_token_list(payload: bytes, source: object = "token list") -> list[Claim]:
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
    claims: list[Claim] = []
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip() for cell in next(csv.reader([line]), [])]
        if not any(cells) or cells[0].startswith("#") or (not claims and cells[0] == _FIELDS[0]):
            continue
        if len(cells) > len(_FIELDS):
            raise InputError(f"expected {','.join(_FIELDS)}", source=source, row=number, value=line)
        if not (cells[0].isascii() and cells[0].isdigit()):
            raise InputError("expected a number", source=source, row=number, field=_FIELDS[0], value=cells[0])
        token, symbol, name, exchange = (*cells, "", "", "")[: len(_FIELDS)]
        claims.append(Claim(row=number, native_id=token, ticker=symbol, name=name, market=exchange))
    return claims
