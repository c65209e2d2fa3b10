import json
from datetime import date
from pathlib import Path

import pytest

from include.errors import InputError
from include.screening.uncle_stock import newest_calculation, parse_screen
from tests.screening.exports import APPLE, DESCRIPTIONS, FOOTER, MARKETS, NAMES, SUBTITLES, TOYOTA, row, screen

SOURCE = "/exports/x_current_screen.csv"


def test_rows_with_their_lines() -> None:
    rows, rejected = parse_screen(screen(APPLE, "", TOYOTA), SOURCE, MARKETS)
    assert [(r.ticker, r.line, r.price, r.price_180d_change) for r in rows] == [
        ("AAPL", 5, 230.5, "9.09%"),
        ("7203.T", 7, 2811.0, "-1.25%"),
    ]
    assert rejected == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_any_line_end(end: str) -> None:
    rows, _ = parse_screen(screen(APPLE, TOYOTA, end=end), SOURCE, MARKETS)
    assert [(r.ticker, r.line) for r in rows] == [("AAPL", 5), ("7203.T", 6)]


def test_a_screen_with_one_row_works() -> None:
    rows, rejected = parse_screen(screen(APPLE), SOURCE, MARKETS)
    assert [r.ticker for r in rows] == ["AAPL"]
    assert rejected == []


def test_one_bad_row_never_stops_the_file() -> None:
    rows, rejected = parse_screen(screen(row(price="-3"), TOYOTA, row(), APPLE), SOURCE, MARKETS)
    assert [r.line for r in rows] == [6, 7]
    assert [(r.file, r.line, r.field, r.value, r.reason) for r in rejected] == [
        ("x_current_screen.csv", 5, "price", "-3", "expected a price above 0 in the listing's currency"),
        ("x_current_screen.csv", 8, "ticker", "AAPL", "expected each ticker once: it is already on line 7"),
    ]


def test_a_shifted_row_is_not_read() -> None:
    shifted = row(name="Apple, Inc", sector="a,b")
    rows, rejected = parse_screen(screen(shifted, TOYOTA, "MSFT,US5949181045"), SOURCE, MARKETS)
    assert [r.ticker for r in rows] == ["7203.T"]
    assert [(r.line, r.ticker, r.field, r.value, r.reason) for r in rejected] == [
        (5, "AAPL", "columns", "12", "expected 11 columns as in the header"),
        (7, "MSFT", "columns", "2", "expected 11 columns as in the header"),
    ]


def test_an_open_quote_costs_one_row() -> None:
    rows, rejected = parse_screen(screen(row(name='"Apple'), TOYOTA), SOURCE, MARKETS)
    assert [r.ticker for r in rows] == ["7203.T"]
    assert [r.line for r in rejected] == [5]


@pytest.mark.parametrize("lost", range(len(FOOTER)))
def test_no_footer_line_is_a_row(lost: int) -> None:
    rows, rejected = parse_screen(screen(APPLE, footer=FOOTER[lost:]), SOURCE, MARKETS)
    text = str([*rows, *rejected])
    assert len(rows) == 1
    assert "example" not in text
    assert "211" not in text


def test_an_address_in_a_rejected_field_is_not_repeated() -> None:
    _, rejected = parse_screen(screen(APPLE, row(ticker="https://screener.example/?user=U")), SOURCE, MARKETS)
    assert [(r.ticker, r.value) for r in rejected] == [("(an address)", "(an address)")]


def test_sector_and_country_are_not_needed() -> None:
    content = screen(APPLE).replace(b"sector,country", b"x,y")
    rows, _ = parse_screen(content, SOURCE, MARKETS)
    assert (rows[0].sector, rows[0].country) == ("", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"{SOURCE}: expected a CSV file with a header, it is empty"),
        (b"sep=,\n\n", f"{SOURCE}: expected a header line with the column 'symbol'"),
        (b"\x89PNG\r\n\x1a\n", f"{SOURCE}, row 1: expected a CSV file in UTF-8"),
        (
            b"sep=,\r\nfoo,bar\r\n1,2",
            f"{SOURCE}, row 2, field 'symbol': expected a header line with the column 'symbol'",
        ),
        (
            screen(APPLE).replace(b"ISIN,", b"Isin number,"),
            f"{SOURCE}, row 2, field 'isin': expected the column 'ISIN'",
        ),
        (
            screen(APPLE).replace(b"180d change", b"90d change"),
            f"{SOURCE}, row 2, field 'price_180d_change': expected the column 'Price' with the subtitle '180d change'",
        ),
        (
            "\n".join([NAMES, APPLE, TOYOTA]).encode(),
            f"{SOURCE}, row 1, field 'price': expected the column 'Price' with the subtitle 'per share in stock price currency'",
        ),
        (screen(), f"{SOURCE}: expected at least one row, the screen is empty"),
        (
            screen(row(price="0"), row(name="")),
            f"{SOURCE}, row 5, field 'price': expected at least one usable row, all 2 are rejected; the first: "
            "expected a price above 0 in the listing's currency (found '0')",
        ),
    ],
)
def test_a_file_that_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_screen(content, SOURCE, MARKETS)
    assert str(error.value) == message


def test_newest_calculation() -> None:
    assert newest_calculation(screen(APPLE, TOYOTA), SOURCE) == date(2025, 9, 16)
    assert newest_calculation(screen(row(calculated="")), SOURCE) is None
    without = "\n".join([NAMES.replace("calculation date", "x"), SUBTITLES, DESCRIPTIONS, APPLE]).encode()
    assert newest_calculation(without, SOURCE) is None


@pytest.mark.parametrize(("key", "count"), [("quality_bloom", 209), ("TOR_Surplus", 206), ("Moat_Companies", 86)])
def test_the_real_export_gives_what_the_old_system_made_of_it(shared_data: Path, key: str, count: int) -> None:
    """Every field agrees. Only the dates differ: the old file was made on 18 September 2025, the export's rows were
    calculated up to the 16th, its backtests ran on 18 August; no price was fetched in between, so none differs."""
    file = shared_data / "uncle_stock" / f"{key}_current_screen.csv"
    old = json.loads((shared_data / "uncle_stock" / "universe.json").read_bytes())
    rows, rejected = parse_screen(file.read_bytes(), str(file), MARKETS)
    assert rejected == []
    assert len(rows) == count
    fields = ("ticker", "currency", "price", "price_180d_change", "sector", "country")
    stocks = old["screens"][key]["stocks"]
    assert [[getattr(r, f) for f in fields] for r in rows] == [[s[f] for f in fields] for s in stocks]
    assert [r.isin for r in rows] == [None if s["isin"] == "null" else s["isin"] for s in stocks]
    # The old file kept no-break and trailing spaces.
    assert [r.name for r in rows] == [" ".join(s["name"].split()) for s in stocks]
    assert old["metadata"]["created_at"][:10] == "2025-09-18"
    assert newest_calculation(file.read_bytes(), str(file)) == date(2025, 9, 16)


def test_oddities_of_the_real_export(shared_data: Path) -> None:
    folder = shared_data / "uncle_stock"
    found = {}
    for key in ("quality_bloom", "TOR_Surplus", "Moat_Companies"):
        rows, _ = parse_screen((folder / f"{key}_current_screen.csv").read_bytes(), key, MARKETS)
        found |= {r.ticker: r for r in rows}
    assert len(found) == 438
    assert found["LISN.SW"].price == 120000.0  # "1.2E5"
    assert found["ELIX.L"].name == "Elixirr International Plc"  # a no-break space in the file
    assert (found["ROCK-A.CO"].market, found["ROCK-A.CO"].currency) == ("XCSE", "DKK")
    assert found["6095.T"].market == "XTKS"
    assert sorted(t for t, r in found.items() if r.isin is None) == [
        "6524.T",
        "9564.T",
        "ALPM.PA",
        "BIG.L",
        "CCL-A.TO",
        "CLBS.L",
        "EVPL.L",
    ]
