"""A CSV file that the user has, as statements of identities; a bad row is refused with its reason and never stops the file."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.errors import InputError
from include.identity.table import EXTRAS, IDENTITY_SCHEMA, canonical, embedded_cusip, right, symbol_of

# Our column to headers that mean it, lower case, letters and digits only.
HEADERS: dict[str, tuple[str, ...]] = {
    "isin": ("isin",),
    "symbol": ("symbol", "ticker", "tickersymbol"),
    "market": ("market", "mic", "exchangemic", "operatingmic"),
    "currency": ("currency", "ccy", "tradingcurrency"),
    "name": ("name", "companyname", "company", "securityname", "description"),
    "asset_class": ("assetclass", "kind"),
    "figi": ("figi",),
    "share_class_figi": ("shareclassfigi",),
    "cusip": ("cusip",),
    "source_date": ("sourcedate", "date"),
}
_NEEDED = ("isin", "symbol", "currency", "name")
_UNKNOWN = frozenset({"", "null", "none", "nan", "n/a", "-"})
_PENCE = {"GBX": "GBP", "GBp": "GBP"}  # prices in pence are the brokers' business


@dataclass(frozen=True)
class Refused:
    """A row that is no statement.

    Attributes:
        line: 1-based line of the file on which it ends.
    """

    line: int
    field: str
    value: str
    reason: str


@dataclass(frozen=True)
class Given:
    """What is said about a file rather than in it.

    Attributes:
        source: Name of the source, the provenance of every row.
        source_date: For rows without a date of their own.
        asset_class: For a file without such a column; None: it must have one.
        added_at: When the table takes the rows up.
    """

    source: str
    source_date: date
    asset_class: AssetClass | None
    added_at: datetime


class _BadField(Exception):
    def __init__(self, field: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason = field, value, reason


def read_csv(content: bytes, file: object, given: Given, markets: Mapping[str, Market]) -> tuple[pa.Table, list[Refused]]:
    """Statements of a file, and the rows that are none.

    Columns are known by their headers (`HEADERS`), in any order; others are left out. Without a market column the symbols are
    Yahoo-style tickers, whose suffix names the market.

    Args:
        content: Of the file: UTF-8, separated by commas, semicolons or tabs.
        file: For messages.
        given: Provenance and defaults.
        markets: By id; a market is named by its id or by any of its MICs.

    Returns:
        A table of `IDENTITY_SCHEMA`, and what was refused, by line.

    Raises:
        InputError: No text or no CSV, or a needed column is missing or there twice.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("expected a CSV file in UTF-8", source=file) from error
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        columns = _columns(next(reader, []), file, given)
        row_of = _Rows(columns, given, markets)
        rows: list[dict[str, Any]] = []
        refused: list[Refused] = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                rows.append(row_of(cells))
            except _BadField as bad:
                refused.append(Refused(reader.line_num, bad.field, bad.value[:60], bad.reason))
    except csv.Error as error:
        expected = f"expected a CSV file; a quote that is never closed runs to its end ({error})"
        raise InputError(expected, source=file, row=reader.line_num) from error
    return pa.Table.from_pylist(rows, schema=IDENTITY_SCHEMA), refused


def _columns(header: list[str], file: object, given: Given) -> dict[str, int]:
    plain = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in header]
    found: dict[str, int] = {}
    for column, names in HEADERS.items():
        places = [index for index, cell in enumerate(plain) if cell in names]
        if len(places) > 1:
            raise InputError("expected one column of this meaning", source=file, row=1, field=column, value=header)
        if places:
            found[column] = places[0]
    needed = [*_NEEDED, *(() if given.asset_class else ("asset_class",))]
    if missing := [column for column in needed if column not in found]:
        expected = f"expected a header with {', '.join(needed)}; {', '.join(missing)} not found"
        raise InputError(expected, source=file, row=1, value=",".join(header)[:200])
    return found


class _Rows:
    """Makes statements of the cells of one file."""

    def __init__(self, columns: Mapping[str, int], given: Given, markets: Mapping[str, Market]) -> None:
        self._columns, self._given, self._markets = columns, given, markets
        self._by_mic = {mic: market for market in markets.values() for mic in market.mics} | dict(markets)
        self._by_suffix = {market.yahoo_suffix: market for market in markets.values()}

    def __call__(self, cells: list[str]) -> dict[str, Any]:
        """The row. Raises `_BadField` with the first fault found."""
        text = {column: _clean(cells[place]) if place < len(cells) else "" for column, place in self._columns.items()}
        row = {name: _number(name, text.get(name, "")) for name in ("isin", *EXTRAS)}
        if row["isin"] is None:
            raise _BadField("isin", text["isin"], "expected an ISIN: without one a row says nothing that is looked for")
        inside = embedded_cusip(row["isin"])
        if row["cusip"] and inside and row["cusip"] != inside:
            raise _BadField("cusip", row["cusip"], f"expected {inside}, the CUSIP inside the ISIN")
        market = self._market(text)
        symbol = canonical(text["symbol"]) if "market" in self._columns else symbol_of(text["symbol"], market)
        return row | {
            "market": market.market,
            "symbol": _present("symbol", symbol),
            "currency": _currency(text["currency"]),
            "asset_class": self._kind(text.get("asset_class", "")).value,
            "name": _present("name", text["name"]),
            "source": self._given.source,
            "source_date": self._date(text.get("source_date", "")),
            "added_at": self._given.added_at,
        }

    def _market(self, text: Mapping[str, str]) -> Market:
        if "market" in self._columns:
            if (found := self._by_mic.get(text["market"])) is None:
                raise _BadField("market", text["market"], "expected a market of markets.yaml, or one of its MICs")
            return found
        suffix = text["symbol"].partition(".")[2]
        if (found := self._by_suffix.get(suffix)) is None:
            raise _BadField("symbol", text["symbol"], "expected a ticker whose suffix names a market of markets.yaml")
        return found

    def _kind(self, text: str) -> AssetClass:
        if not text and self._given.asset_class:
            return self._given.asset_class
        kind: AssetClass = _parsed(
            "asset_class", text, lambda: AssetClass(text.lower()), f"expected one of {', '.join(AssetClass)}"
        )
        return kind

    def _date(self, text: str) -> date:
        if text.lower() in _UNKNOWN:
            return self._given.source_date
        said: date = _parsed("source_date", text, lambda: date.fromisoformat(text), "expected a date such as 2026-01-31")
        if said > self._given.added_at.date():
            raise _BadField("source_date", text, "expected a day that has come")
        return said


def _parsed(field: str, text: str, parse: Callable[[], Any], expected: str) -> Any:
    try:
        return parse()
    except ValueError:
        raise _BadField(field, text, expected) from None


def _clean(text: str) -> str:
    return " ".join(text.split())


def _number(name: str, text: str) -> str | None:
    if text.lower() in _UNKNOWN:
        return None
    if not right(name, text):
        raise _BadField(name, text, "expected a number with a right check digit")
    return text


def _present(field: str, text: str) -> str:
    if text.lower() in _UNKNOWN:
        raise _BadField(field, text, f"expected a {field}")
    return text


def _currency(text: str) -> str:
    found = _PENCE.get(text, text)
    if not re.fullmatch(r"[A-Z]{3}", found):
        raise _BadField("currency", text, "expected an ISO 4217 code")
    return found
