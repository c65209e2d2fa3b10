"""Real instrument lists as venues' catalogues: IBKR contracts, US listings of Nasdaq Trader, Alpaca assets."""

import csv
import html
import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.domain.instrument import AssetClass
from include.errors import InputError
from include.sandbox.catalogue import Listing
from include.sandbox.marks import MarkIndex
from include.sandbox.rows import asset_id, lot_size, price_magnifier, tick_size

CONTRACTS = Path("ibkr") / "contracts.csv"
NASDAQ = Path("nasdaqtrader") / "nasdaqlisted.txt"
OTHER = Path("nasdaqtrader") / "otherlisted.txt"
_CONTRACT_COLUMNS = ("con_id", "symbol", "long_name", "sec_type", "currency", "primary_exchange", "isin", "isin_suffix")
_SEC_TYPES = {"STK": AssetClass.STOCK, "CASH": AssetClass.FX, "CRYPTO": AssetClass.CRYPTO, "FUT": AssetClass.FUTURE}
_FUND = re.compile(r"\b(ETF|ETC|ETN|ETP|UCITS|ISHARES|SPDR|PROSHARES|DIREXION)\b", re.IGNORECASE)
_RETIRED = re.compile(r"\.OLD\d*$")
_EXCHANGES = {"N": "NYSE", "A": "AMEX", "P": "ARCA", "Z": "BATS"}


def ibkr_listings(folder: Path, marks: MarkIndex, as_of_time: datetime) -> Iterator[Listing]:
    """Contracts of `ibkr/contracts.csv`; retired symbols (`.OLD`, exchange VALUE) are dead.

    Raises:
        InputError: File or column missing, or a value does not fit.
    """
    path = folder / CONTRACTS
    funds = {symbol for symbol, _, exchange, fund in _us_rows(folder) if fund and exchange}
    for line, row in _delimited(path, ",", _CONTRACT_COLUMNS):
        try:
            yield _contract(row, funds, marks, as_of_time)
        except ValueError as error:
            raise InputError(f"expected a contract: {' '.join(str(error).split())}", source=path, row=line) from error


def _contract(row: dict[str, str], funds: set[str], marks: MarkIndex, as_of_time: datetime) -> Listing:
    symbol, currency, exchange = row["symbol"], row["currency"], row["primary_exchange"]
    name = html.unescape(row["long_name"])  # parts of the list were read off web pages: `AT&amp;T INC`
    dead = exchange == "VALUE" or _RETIRED.search(symbol) is not None
    isin = row["isin"] or None
    price = None if dead else marks.ibkr(symbol, exchange, currency, name, isin, row["isin_suffix"])
    kind = _SEC_TYPES.get(row["sec_type"], AssetClass.OTHER)
    if kind is AssetClass.STOCK and (_FUND.search(name) or (exchange and currency == "USD" and symbol in funds)):
        kind = AssetClass.ETF
    return Listing(
        venue="ibkr",
        native_id=row["con_id"],
        symbol=symbol,
        name=name,
        asset_class=kind,
        currency=currency,
        exchange=exchange,
        isin=isin,
        lot_size=lot_size(exchange),
        tick_size=tick_size(currency, price),
        tradable=not dead,
        inactive_reason="delisted" if dead else None,
        price_magnifier=price_magnifier(exchange, currency),
        price=price,
        price_time=as_of_time if price is not None else None,
    )


def alpaca_listings(folder: Path, marks: MarkIndex, as_of_time: datetime) -> Iterator[Listing]:
    """US listings with Alpaca's own ids where `alpaca/*.json` has them (made-up ones elsewhere), and its crypto pairs.

    Raises:
        InputError: A file is missing or not what it should be.
    """
    assets = {asset["symbol"]: asset for path in sorted((folder / "alpaca").glob("*.json")) for asset in _assets(path)}
    listed: dict[str, Listing] = {}
    for symbol, name, exchange, fund in _us_rows(folder):
        if symbol not in assets and symbol not in listed:
            kind = AssetClass.ETF if fund else AssetClass.STOCK
            listed[symbol] = _us_listing(asset_id(symbol), symbol, name, exchange, kind, True, marks, as_of_time)
    for asset in assets.values():
        listed[asset["symbol"]] = _asset_listing(asset, marks, as_of_time)
    yield from listed.values()


def _us_listing(
    native_id: str,
    symbol: str,
    name: str,
    exchange: str,
    kind: AssetClass,
    tradable: bool,
    marks: MarkIndex,
    as_of_time: datetime,
) -> Listing:
    price = marks.alpaca(symbol)
    return Listing(
        venue="alpaca",
        native_id=native_id,
        symbol=symbol,
        name=name,
        asset_class=kind,
        currency="USD",
        exchange=exchange,
        tick_size=tick_size("USD", price),
        tradable=tradable,
        inactive_reason=None if tradable else "not_tradable",
        price=price,
        price_time=as_of_time if price is not None else None,
    )


def _asset_listing(asset: dict[str, Any], marks: MarkIndex, as_of_time: datetime) -> Listing:
    tradable = bool(asset["tradable"]) and asset["status"] == "active"
    if asset["asset_class"] != "crypto":
        kind = AssetClass.ETF
        return _us_listing(
            asset["asset_id"], asset["symbol"], asset["name"], asset["exchange"], kind, tradable, marks, as_of_time
        )
    price = marks.alpaca(asset["symbol"])
    return Listing(
        venue="alpaca",
        native_id=asset["asset_id"],
        symbol=asset["symbol"],
        name=asset["name"],
        asset_class=AssetClass.CRYPTO,
        currency=asset["symbol"].partition("/")[2],
        exchange=asset["exchange"],
        lot_size=Decimal(asset["min_trade_increment"]),
        tick_size=Decimal(asset["price_increment"]),
        tradable=tradable,
        inactive_reason=None if tradable else "not_tradable",
        price=price,
        price_time=as_of_time if price is not None else None,
    )


def _assets(path: Path) -> list[dict[str, Any]]:
    """Assets of one file: a list in Alpaca's form, or an object with the list under `etfs`; the words are made the same."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        rows = document["etfs"] if isinstance(document, dict) else document
        return [
            {**row, "asset_id": row.get("asset_id") or row["id"], "asset_class": row.get("asset_class") or row["class"]}
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"expected Alpaca assets as JSON: {error!r}", source=path) from error


def _us_rows(folder: Path) -> Iterator[tuple[str, str, str, bool]]:
    """(symbol in Alpaca's notation, name, exchange, whether it is a fund) of both Nasdaq Trader files; no test issues."""
    for _, row in _delimited(folder / NASDAQ, "|", ("Symbol", "Security Name", "Test Issue", "ETF")):
        if row["Test Issue"] == "N":
            yield row["Symbol"], row["Security Name"].strip(), "NASDAQ", row["ETF"] == "Y"
    for _, row in _delimited(folder / OTHER, "|", ("ACT Symbol", "Security Name", "Exchange", "CQS Symbol", "ETF", "Test Issue")):
        if row["Test Issue"] == "N":
            symbol = row["ACT Symbol"].replace("$", ".PR") if "$" in row["ACT Symbol"] else row["CQS Symbol"] or row["ACT Symbol"]
            yield symbol, row["Security Name"].strip(), _EXCHANGES.get(row["Exchange"], "OTC"), row["ETF"] == "Y"


def _delimited(path: Path, mark: str, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row) of a delimited text; the last line of a Nasdaq Trader file (its time) is left out. "NA" stays a text."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=mark, quoting=csv.QUOTE_MINIMAL if mark == "," else csv.QUOTE_NONE)
            header = next(reader, [])
            for name in needed:
                if name not in header:
                    raise InputError("expected this column", source=path, field=name)
            for cells in reader:
                if cells and not cells[0].startswith("File Creation Time"):
                    if len(cells) != len(header):
                        raise InputError(f"expected {len(header)} cells", source=path, row=reader.line_num, value=len(cells))
                    yield reader.line_num, dict(zip(header, cells, strict=True))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"expected a readable UTF-8 file: {error.__class__.__name__}", source=path) from error
