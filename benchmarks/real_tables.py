"""The real instrument lists of ../shared/data as contract tables, one per broker: each as its adapter would deliver it."""

import csv
import os
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from include.brokers.alpaca.listing import AssetReader
from include.brokers.registry import list_reader
from include.domain.contract import CONTRACT_SCHEMA
from include.sandbox.alpaca.assets import asset_json
from include.sandbox.catalogue import Listing
from include.sandbox.marks import MarkIndex
from include.sandbox.payloads import list_payload
from include.sandbox.real_lists import NASDAQ, OTHER, alpaca_listings, ibkr_listings
from include.sandbox.rows import asset_id
from include.settings import PROJECT, load_settings

_NO_MARKS = MarkIndex([], {})
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # listings without a price carry no time
_LIST_DAY = date(2021, 4, 1)  # of the oldest list: none of them has anything that expires


def ibkr(data: Path) -> pa.Table:
    """IBKR's contracts, with MICs and ISINs where the list has them."""
    mics = load_settings().brokers["ibkr"]["exchange_mics"]
    return _table(_ibkr_row(listing, mics) for listing in ibkr_listings(data, _NO_MARKS, _LONG_AGO))


def alpaca(data: Path) -> pa.Table:
    """Every US listing, test issues included (never tradable), and Alpaca's crypto pairs."""
    listings = [*alpaca_listings(data, _NO_MARKS, _LONG_AGO), *_test_issues(data)]
    assets = [asset_json(listing) for listing in listings]
    reader = AssetReader(load_settings().brokers["alpaca"])
    return pa.Table.from_batches(reader.batches(assets), schema=CONTRACT_SCHEMA)


# As the API sent it, or a table of symbols put into the API's shape. Binance's oldest is taken: it has statuses.
_FILES = {
    "binance": "exchange_info_2021-04.json",
    "coinbase": "symbol_properties_2026-02.csv",
    "crypto_com": "spot_symbols_2022-11.csv",
    "oanda": "oanda_instruments.csv",
    "zerodha": "instruments_nse_2026-03.csv",
}
BROKERS = ("ibkr", "alpaca", *_FILES)


@cache
def table(data: Path, broker: str) -> pa.Table:
    """The list of one of `BROKERS`, read once.

    Raises:
        InputError: A file is missing or not what it should be.
    """
    if broker in _FILES:
        payload = list_payload(broker, data / broker / _FILES[broker])
        configs = load_settings().brokers
        batches = list_reader(broker, configs)(payload, configs[broker], _LIST_DAY)
        return pa.Table.from_batches(batches, schema=CONTRACT_SCHEMA)
    return ibkr(data) if broker == "ibkr" else alpaca(data)


def _table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=CONTRACT_SCHEMA)


def _ibkr_row(listing: Listing, mics: dict[str, str]) -> dict[str, Any]:
    """As `include.brokers.ibkr.details.row` writes it, from a list that has no details to read."""
    return {
        "broker": "ibkr",
        "native_id": listing.native_id,
        "symbol": listing.symbol,
        "name": listing.name,
        "asset_class": listing.asset_class.value,
        "currency": listing.currency,
        "mic": mics.get(listing.exchange, ""),
        "exchange": listing.exchange,
        "isin": listing.isin,
        "multiplier": "1",
        "price_magnifier": str(listing.price_magnifier),
        "lot_size": str(listing.lot_size),
        "tick_size": str(listing.tick_size),
        "tradable": listing.tradable,
        "fractionable": False,
        "inactive_reason": listing.inactive_reason,
    }


def _test_issues(data: Path) -> Iterable[Listing]:
    for path, symbol in ((NASDAQ, "Symbol"), (OTHER, "ACT Symbol")):
        with open(data / path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE):
                if row["Test Issue"] == "Y":
                    yield Listing(
                        venue="alpaca",
                        native_id=asset_id(row[symbol]),
                        symbol=row[symbol],
                        name=row["Security Name"].strip(),
                        currency="USD",
                        tradable=False,
                        inactive_reason="test issue",
                    )


def data_folder() -> Path:
    """Where the real data are looked for, as tests do (`POLYBROKER_TEST_DATA`, else `../shared/data`); it may not exist."""
    return Path(os.environ.get("POLYBROKER_TEST_DATA", PROJECT.parent / "shared" / "data"))
