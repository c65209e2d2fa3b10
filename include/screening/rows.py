"""What a parsed screen consists of: usable rows, rejected rows with their reason, and the screen's own history."""

import re
from typing import Any

from include.domain.instrument import AssetClass
from include.domain.model import Value
from include.errors import InputError

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class ScreenRow(Value):
    """One usable row of a screen.

    Attributes:
        ticker: Yahoo-style, as the source wrote it; unique in its screen.
        isin: Valid ISIN, or None where the source knows none.
        currency: ISO 4217, one of its market's; of a pair what it is quoted in, which may be a coin (`USDT`).
        market: Key into `markets.yaml`.
        price: In currency units (pounds, not pence), above 0.
        price_180d_change: As text, `-9.09%`.
        pair: `<BASE>/<QUOTE>` of a crypto, currency or metal pair; None for all else.
        line: 1-based line of the file (CSV), or position in the list (JSON).
    """

    ticker: str
    isin: str | None
    name: str
    currency: str
    market: str
    asset_class: AssetClass
    sector: str
    country: str
    price: float
    price_180d_change: str
    pair: str | None = None
    line: int


class RejectedRow(Value):
    """One row that cannot be used, and why.

    Attributes:
        file: File name without its folder.
        line: As `ScreenRow.line`.
        ticker: None where the row has none.
        value: The offending value, shortened; "" when it is missing.
        reason: What was expected, in words a user can act on.
    """

    file: str
    line: int
    ticker: str | None
    field: str
    value: str
    reason: str


class Screen(Value):
    """The content of `screens/<key>.json`.

    Attributes:
        dated: ISO date of the export.
        file: Name of the file the rows came from.
        history: Direction and quarterly returns (`include/screening/history.py` has the shape).
    """

    key: str
    name: str
    kind: str
    dated: str
    synthetic: bool
    rows: tuple[ScreenRow, ...]
    rejected: tuple[RejectedRow, ...]
    file: str
    history: dict[str, Any]


def screen_key(name: str, source: object) -> str:
    """The file-safe key of a screen: `Moat Companies` becomes `Moat_Companies`.

    Raises:
        InputError: Nothing is left of the name.
    """
    key = _UNSAFE.sub("_", name).strip("._")
    if not key:
        raise InputError("expected a screen name with letters or digits", source=source, value=name)
    return key
