from datetime import date
from typing import Any

import pytest

from include.domain.instrument import AssetClass
from include.errors import InputError
from include.identity.csv_file import Given, Refused, read_csv
from include.identity.table import IDENTITY_SCHEMA
from tests.identity.build import ADDED, APPLE, APPLE_CLASS, APPLE_FIGI, JANUARY, MARKETS, TOYOTA, said

HEADER = "ISIN,Symbol,Currency,Name"


def read(text: str, kind: AssetClass | None = AssetClass.STOCK) -> tuple[list[dict[str, Any]], list[Refused]]:
    table, refused = read_csv(text.encode(), "f.csv", Given("list", JANUARY, kind, ADDED), MARKETS)
    assert table.schema == IDENTITY_SCHEMA
    return table.to_pylist(), refused


def test_columns_are_known_by_their_headers_in_any_order() -> None:
    text = (
        "Company Name;MIC;ticker;ISIN;asset_class;Ccy;shareClassFIGI;figi;CUSIP;Date;Remark\n"
        f"AAPL Corp;XNAS;AAPL;{APPLE};Stock;USD;{APPLE_CLASS};{APPLE_FIGI};037833100;2026-01-02;x\n"
        "Toyota;XTKS;7203;JP3633400001;stock;JPY;;;;;\n"
    )
    rows, refused = read(text, kind=None)
    numbers = {"figi": APPLE_FIGI, "share_class_figi": APPLE_CLASS, "cusip": "037833100"}
    assert rows == [
        said(APPLE, "AAPL", source_date=date(2026, 1, 2), **numbers),
        said(TOYOTA, "7203", market="XTKS", currency="JPY", name="Toyota"),
    ]
    assert refused == []


def test_without_a_market_column_tickers_are_yahoo_style() -> None:
    rows, refused = read(f"{HEADER}\r\n{APPLE},BRK-B,USD,B\r\n{TOYOTA},7203.T,JPY,T\r\n\r\nGB00BH4HKS39,VOD.L,GBp,V\r\n")
    assert [(row["market"], row["symbol"], row["currency"]) for row in rows] == [
        ("US", "BRK.B", "USD"),
        ("XTKS", "7203", "JPY"),
        ("XLON", "VOD", "GBP"),
    ]
    assert refused == []


@pytest.mark.parametrize(
    ("line", "field", "value", "reason"),
    [
        ("US0378331006,AAPL,USD,A", "isin", "US0378331006", "expected a number with a right check digit"),
        ("null,AAPL,USD,A", "isin", "null", "expected an ISIN"),
        (f"{APPLE},AAPL.XX,USD,A", "symbol", "AAPL.XX", "suffix names a market"),
        (f"{APPLE},,USD,A", "symbol", "", "expected a symbol"),
        (f"{APPLE},AAPL,dollars,A", "currency", "dollars", "ISO 4217"),
        (f"{APPLE},AAPL,USD,n/a", "name", "n/a", "expected a name"),
        (f"{APPLE},AAPL", "currency", "", "ISO 4217"),
    ],
)
def test_a_bad_row_is_refused_and_the_others_stay(line: str, field: str, value: str, reason: str) -> None:
    rows, (bad,) = read(f"{HEADER}\n{TOYOTA},7203.T,JPY,Toyota\n{line}\n")
    assert [row["isin"] for row in rows] == [TOYOTA]
    assert (bad.line, bad.field, bad.value) == (3, field, value)
    assert reason in bad.reason


@pytest.mark.parametrize(
    ("header", "cells", "field"),
    [
        ("cusip", "594918104", "cusip"),
        ("cusip", "037833101", "cusip"),
        ("figi", "BBG000B9XRY5", "figi"),
        ("market", "XXXX", "market"),
        ("asset_class", "shares", "asset_class"),
        ("date", "31.01.2026", "source_date"),
        ("date", "2026-02-02", "source_date"),
    ],
)
def test_a_bad_optional_field_refuses_the_row(header: str, cells: str, field: str) -> None:
    rows, (bad,) = read(f"{HEADER},{header}\n{APPLE},AAPL,USD,A,{cells}\n")
    assert (rows, bad.field, bad.value) == ([], field, cells)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.csv, row 1: expected a header with isin, symbol, currency, name, asset_class; isin, symbol"),
        (f"{HEADER}\n", "asset_class not found"),
        (f"{HEADER},ticker,asset_class\n", "field 'symbol': expected one column of this meaning"),
    ],
)
def test_a_header_that_cannot_be_used(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(text, kind=None)


def test_no_text() -> None:
    with pytest.raises(InputError, match="expected a CSV file in UTF-8"):
        read_csv(b"\xff\xfe\x00", "f.csv", Given("list", JANUARY, None, ADDED), MARKETS)


def test_a_byte_order_mark_and_cells_with_commas() -> None:
    rows, refused = read(f'\ufeff{HEADER}\n{APPLE},AAPL,USD,"Apple, Inc"\n')
    assert ([row["name"] for row in rows], refused) == (["Apple, Inc"], [])


def test_a_quote_that_is_never_closed_names_the_file_and_the_line() -> None:
    with pytest.raises(InputError, match=r"^f\.csv, row \d+: expected a CSV file; a quote that is never closed"):
        read(f'{HEADER}\n{APPLE},AAPL,USD,"Apple\n' + f"{TOYOTA},7203.T,JPY,Toyota\n" * 6000)
