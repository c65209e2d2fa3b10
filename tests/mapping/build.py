"""Instruments and contracts for the tests of step 8: what is not said is the plain case, a US share that can be traded."""

from typing import Any

import pyarrow as pa

from include.domain.contract import Contract, to_table
from include.domain.instrument import Instrument
from include.domain.mapping import Mapping
from include.mapping.matcher import match
from include.settings import load_settings

MARKETS = load_settings().markets
SUFFIXES = {market.yahoo_suffix: name for name, market in MARKETS.items() if market.yahoo_suffix}


def instrument(ticker: str, name: str, isin: str | None = None, **changes: Any) -> Instrument:
    """An instrument on the market of its ticker's suffix, in that market's first currency."""
    market = SUFFIXES.get(ticker.rpartition(".")[2], "US") if "." in ticker else "US"
    values: dict[str, Any] = {
        "instrument_id": f"isin:{isin}" if isin else f"ticker:{ticker}",
        "ticker": ticker,
        "name": name,
        "isin": isin,
        "market": market,
        "currency": MARKETS[changes.get("market", market)].currencies[0],
    }
    return Instrument(**{**values, **changes})


def contract(native_id: str, symbol: str, name: str = "", mic: str = "XNYS", **changes: Any) -> Contract:
    """A tradable contract, by default in USD on the New York Stock Exchange."""
    values: dict[str, Any] = {
        "broker": "ibkr",
        "native_id": native_id,
        "symbol": symbol,
        "name": name,
        "currency": "USD",
        "mic": mic,
    }
    return Contract(**{**values, **changes})


def find(wanted: Instrument, *contracts: Contract, knows_isin: bool = True, home_market: str | None = None) -> Mapping:
    """What the matcher says about one instrument."""
    return match([wanted], table(*contracts), MARKETS, knows_isin, "ibkr", home_market)[0]


def said(mapping: Mapping) -> tuple[str, str | None, str | None]:
    """(status, native id, reason) of a mapping, for comparing with values typed by hand."""
    return mapping.status.value, mapping.contract.native_id if mapping.contract else None, mapping.reason


def table(*contracts: Contract) -> pa.Table:
    return to_table(list(contracts))
