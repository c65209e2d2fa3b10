from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.domain.instrument import AssetClass
from include.errors import InputError
from include.sandbox.catalogue import COLUMNS, Listing, read_catalogue, write_catalogue
from tests.sandbox.conftest import NOW, MakeListing

HEADER = "venue,native_id,symbol,name,asset_class,currency,exchange,price,price_time\n"
ROW = "ibkr,1,ONE,One Inc,stock,USD,NASDAQ,100,2026-03-02T21:00:00+00:00\n"


@pytest.fixture
def listings(listing: MakeListing) -> list[Listing]:
    return [
        listing(),
        listing(native_id="2", symbol="NA", name='Nano "Labs", Ltd', isin="KYG6391Y1281", price=None, price_time=None),
        listing(native_id="3", currency="GBP", exchange="LSE", price_magnifier=Decimal(100), tick_size=Decimal("0.0001")),
        listing(native_id="4", tradable=False, inactive_reason="delisted", price=None, price_time=None),
        listing(native_id="5", currency="USDT", asset_class=AssetClass.CRYPTO, lot_size=Decimal("0.000000001")),
        listing(native_id="1", venue="alpaca"),
    ]


@pytest.mark.parametrize("name", ["catalogue.csv", "catalogue.parquet"])
def test_what_was_written_is_read(tmp_path: Path, listings: list[Listing], name: str) -> None:
    path = tmp_path / "new" / name
    write_catalogue(path, listings)
    assert read_catalogue(path, "ibkr") == listings[:5]
    assert read_catalogue(path, "alpaca") == listings[5:]
    assert read_catalogue(path, "elsewhere") == []
    assert [file.name for file in path.parent.iterdir()] == [name]


def test_a_hand_made_file_needs_few_columns(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("\ufeff" + HEADER + ROW + "\n", encoding="utf-8")
    (found,) = read_catalogue(path, "ibkr")
    assert (found.lot_size, found.tick_size, found.tradable, found.isin) == (1, Decimal("0.01"), True, None)
    assert (found.price, found.price_time) == (100, NOW)


@pytest.mark.parametrize(
    ("text", "row", "field"),
    [
        (HEADER + ROW.replace("100,", "-1,"), 2, "price"),
        (HEADER + ROW.replace("100,", "NaN,"), 2, "price"),
        (HEADER + ROW.replace("USD", "dollars"), 2, "currency"),
        (HEADER + ROW.replace("stock", "house"), 2, "asset_class"),
        (HEADER + ROW.replace("2026-03-02T21:00:00+00:00", ""), 2, "price_time"),
        (HEADER + ROW.replace("+00:00", ""), 2, "price_time"),
        (HEADER + ROW.replace("ONE,", ","), 2, "symbol"),
        (HEADER + ROW + ROW, 3, "native_id"),
        (HEADER + ROW.replace("100,", ""), 2, None),
        (HEADER.replace("symbol,", "") + ROW, None, "symbol"),
        (HEADER.replace("price,", "cost,") + ROW, None, "cost"),
        (HEADER.replace("price,", "name,") + ROW, None, "name"),
        ("", None, "venue"),
        (HEADER + 'ibkr,"1', None, None),
    ],
)
def test_a_faulty_csv_names_row_and_field(tmp_path: Path, text: str, row: int | None, field: str | None) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.csv") as caught:
        read_catalogue(path, "ibkr")
    assert (caught.value.row, caught.value.field) == (row, field)


def test_rows_of_another_venue_are_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + ROW.replace("ibkr", "later").replace("100,", "-1,"), encoding="utf-8")
    assert read_catalogue(path, "ibkr") == []


def test_a_faulty_parquet_names_row_and_field(tmp_path: Path, listings: list[Listing]) -> None:
    path = tmp_path / "mine.parquet"
    write_catalogue(path, listings)
    table = pq.read_table(path)
    place = table.column_names.index("lot_size")
    pq.write_table(table.set_column(place, "lot_size", pa.array(["1", "1", "0", "1", "1", "1"])), path)
    with pytest.raises(InputError) as caught:
        read_catalogue(path, "ibkr")
    assert (caught.value.row, caught.value.field) == (3, "lot_size")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b"\xff\xfe"), ("a.parquet", b"no parquet"), ("a.txt", b""), ("a.csv", None), ("a.parquet", None)],
)
def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_catalogue(tmp_path / name, "ibkr")


def test_the_columns_are_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in text] == []


def test_a_price_needs_an_aware_time(listing: MakeListing) -> None:
    with pytest.raises(ValueError, match="price_time"):
        listing(price_time=datetime(2026, 3, 2))  # noqa: DTZ001 - the fault under test
