"""Real list files as the answers that brokers' APIs give: what a local venue serves, and what list readers take.

The folder has one of its own for each broker (`binance/`, `coinbase/` ...) beside those of docs/sandbox.md. Files that are
answers already stay as they are; tables of symbols (`symbol_properties_*.csv`: market, symbol, type, description, quote currency,
lot, tick, minimum) are put into the shape of the API. What a table does not tell is left out, or said below.
"""

import csv
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.errors import InputError

Row = dict[str, str]
_METALS = ("XAU", "XAG", "XPT", "XPD")
# Of each broker the first pattern that has a file, and of several files the one of the latest date (the last by name).
_FILES = {
    "binance": ("symbol_properties_*.csv", "exchange_info_*.json"),
    "coinbase": ("symbol_properties_*.csv",),
    "crypto_com": ("spot_symbols_*.csv", "get_instruments*.json"),
    "oanda": ("oanda_instruments*.csv", "symbol_properties_*.csv"),
    "zerodha": ("instruments*.csv",),
}


def list_payloads(folder: Path) -> dict[str, bytes]:
    """Broker name to its list as its API would send it; brokers without a file are absent.

    Raises:
        InputError: A file is not what it should be.
    """
    found: dict[str, bytes] = {}
    for broker, patterns in _FILES.items():
        files = next((files for pattern in patterns if (files := sorted((folder / broker).glob(pattern)))), [])
        if files:
            found[broker] = list_payload(broker, files[-1])
    return found


def list_payload(broker: str, path: Path) -> bytes:
    """One file as the answer of that broker's API.

    Args:
        broker: `binance`, `coinbase`, `crypto_com`, `oanda` or `zerodha`.
        path: An answer saved as it came, or a table.

    Raises:
        InputError: Another broker, an unreadable file, or a table without a needed column.
    """
    if broker not in _FILES:
        raise InputError(f"expected one of {', '.join(_FILES)}", source=path, field="broker", value=broker)
    try:
        if broker == "zerodha":
            return path.read_bytes()
        if path.suffix == ".json":
            return _as_sent(broker, path.read_bytes())
        return _document(broker, list(_rows(path)))
    except OSError as error:
        raise InputError(f"expected a readable file: {error.__class__.__name__}", source=path) from error
    except (KeyError, ValueError, ArithmeticError, TypeError) as error:
        raise InputError(f"expected a list of {broker}: {error!r}", source=path) from error


def _as_sent(broker: str, payload: bytes) -> bytes:
    """The saved answer; of Crypto.com the bare rows are taken too, and put into their envelope."""
    document = json.loads(payload)
    return _envelope(broker, document) if isinstance(document, list) else payload


def _document(broker: str, rows: list[Row]) -> bytes:
    make: dict[str, Callable[[Row], dict[str, Any]]] = {
        "binance": _binance,
        "coinbase": _coinbase,
        "crypto_com": _crypto_com,
        "oanda": _oanda if rows and "pipLocation" in rows[0] else _oanda_of_symbol,
    }
    # Futures are another API's at Binance.
    return _envelope(broker, [make[broker](row) for row in rows if row.get("type") != "cryptofuture"])


def _envelope(broker: str, rows: list[Any]) -> bytes:
    documents: dict[str, dict[str, Any]] = {
        "binance": {"timezone": "UTC", "rateLimits": [], "exchangeFilters": [], "symbols": rows},
        "coinbase": {"products": rows, "num_products": len(rows)},
        "crypto_com": {"id": -1, "method": "public/get-instruments", "code": 0, "result": {"data": rows}},
        "oanda": {"instruments": rows, "lastTransactionID": "1"},
    }
    return json.dumps(documents[broker]).encode()


def _binance(row: Row) -> dict[str, Any]:
    """A spot symbol that trades; `minimum_order_size` is in the quote currency."""
    tick, lot = row["minimum_price_variation"], row["lot_size"]
    return {
        "symbol": row["market_ticker"],
        "status": "TRADING",
        "baseAsset": _base(row["symbol"], row["quote_currency"]),
        "baseAssetPrecision": 8,
        "quoteAsset": row["quote_currency"],
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "isSpotTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": row["minimum_order_size"]},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _coinbase(row: Row) -> dict[str, Any]:
    """A spot product that trades; `minimum_order_size` is in the base currency."""
    base, _, quote = row["market_ticker"].rpartition("-")
    base_name, _, quote_name = row["description"].rpartition("-")
    return {
        "product_id": row["market_ticker"],
        "product_type": "SPOT",
        "base_currency_id": base,
        "quote_currency_id": quote,
        "base_name": base_name,
        "quote_name": quote_name,
        "base_increment": row["lot_size"],
        "base_min_size": row["minimum_order_size"],
        "quote_increment": row["minimum_price_variation"],
        "price_increment": row["minimum_price_variation"],
        "status": "online",
        "is_disabled": False,
        "trading_disabled": False,
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "view_only": False,
    }


def _crypto_com(row: Row) -> dict[str, Any]:
    """A spot pair that trades; the price step is that of its last price, the quantity step is assumed."""
    base, _, quote = row["native_id"].rpartition("_")
    places = max(0, -int(Decimal(row["last"]).as_tuple().exponent))
    return {
        "symbol": row["native_id"],
        "inst_type": "CCY_PAIR",
        "display_name": f"{base}/{quote}",
        "base_ccy": base,
        "quote_ccy": quote,
        "quote_decimals": places,
        "quantity_decimals": 4,
        "price_tick_size": _unit(places),
        "qty_tick_size": "0.0001",
        "tradable": True,
        "expiry_timestamp_ms": 0,
    }


def _oanda(row: Row) -> dict[str, Any]:
    """An instrument of a table of the API's own fields; prices are shown to a tenth of a pip."""
    smallest = row["minimumTradeSize"]
    return {
        "name": row["name"],
        "type": row["type"],
        "displayName": row["displayName"],
        "pipLocation": int(row["pipLocation"]),
        "displayPrecision": max(0, 1 - int(row["pipLocation"])),
        "tradeUnitsPrecision": len(smallest.partition(".")[2]),
        "minimumTradeSize": smallest,
        "marginRate": row["marginRate"],
    }


def _oanda_of_symbol(row: Row) -> dict[str, Any]:
    """An instrument of a table of symbols, which files metals under contracts for difference."""
    base, quote = _base(row["symbol"], row["quote_currency"]), row["quote_currency"]
    kind = "CURRENCY" if row["type"] == "forex" else "METAL" if base in _METALS else "CFD"
    places = len(row["minimum_price_variation"].partition(".")[2])
    return {
        "name": f"{base}_{quote}",
        "type": kind,
        "displayName": row["description"],
        "pipLocation": 1 - places,
        "displayPrecision": places,
        "tradeUnitsPrecision": len(row["lot_size"].partition(".")[2]),
        "minimumTradeSize": row["lot_size"],
    }


def _base(symbol: str, quote: str) -> str:
    if not symbol.endswith(quote) or symbol == quote:
        raise ValueError(f"expected a symbol that ends with {quote}: {symbol}")
    return symbol.removesuffix(quote)


def _unit(places: int) -> str:
    return format(Decimal(1).scaleb(-places), "f")


def _rows(path: Path) -> Iterator[Row]:
    """Rows of a CSV with a heading. A row may be shorter or longer: columns at the end that nobody needs are often left out."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield {name: value for name, value in row.items() if name is not None and value is not None}
