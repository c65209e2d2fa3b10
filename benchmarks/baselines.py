"""Two naive matchers to measure against, with the matcher's own signature."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
from rapidfuzz import fuzz, process

from include.domain.contract import from_row
from include.domain.instrument import Instrument
from include.domain.mapping import Mapping as Mapped
from include.domain.mapping import MappingStatus
from include.domain.market import Market

NAME_MIN = 60.0


def plain_symbols(
    instruments: Sequence[Instrument],
    contracts: pa.Table,
    markets: Mapping[str, Market],
    knows_isin: bool,
    broker: str,
    home_market: str | None = None,
) -> list[Mapped]:
    """The first system's algorithm: a dictionary of symbols, in which the ticker is looked up as it is.

    It was written for a US broker. Where a list is not of the US alone, the ticker's stem is looked up: as it is it would find
    nothing.
    """
    rows = {symbol: row for row, symbol in enumerate(contracts["symbol"].to_pylist())}
    found = []
    for instrument in instruments:
        key = instrument.ticker if home_market == "US" else _stem(instrument, markets)
        found.append(_mapped(instrument, contracts, broker, rows.get(key), "ticker"))
    return found


def first_match_wins(
    instruments: Sequence[Instrument],
    contracts: pa.Table,
    markets: Mapping[str, Market],
    knows_isin: bool,
    broker: str,
    home_market: str | None = None,
) -> list[Mapped]:
    """The ISIN if the list has it, else the symbol without separators, else the nearest name: of several the list's first."""
    by_isin = _first(contracts["isin"].to_pylist())
    by_symbol = _first([_plain(symbol or "") for symbol in contracts["symbol"].to_pylist()])
    names = [(name or "").casefold() for name in contracts["name"].to_pylist()]
    found = []
    for instrument in instruments:
        row, method = by_isin.get(instrument.isin or ""), "isin"
        if row is None:
            row, method = by_symbol.get(_plain(_stem(instrument, markets))), "ticker"
        if row is None:
            near = process.extractOne(
                instrument.name.casefold(), names, scorer=fuzz.token_sort_ratio, score_cutoff=NAME_MIN, processor=None
            )
            row, method = (near[2], "name") if near else (None, "name")
        found.append(_mapped(instrument, contracts, broker, row, method))
    return found


def _first(keys: Sequence[str | None]) -> dict[str, int]:
    return {key: row for row, key in reversed(list(enumerate(keys))) if key}


def _stem(instrument: Instrument, markets: Mapping[str, Market]) -> str:
    suffix = markets[instrument.market].yahoo_suffix
    return re.sub(rf"[.=]{suffix}$", "", instrument.ticker) if suffix else instrument.ticker


def _plain(symbol: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", symbol.upper())


def _mapped(instrument: Instrument, contracts: pa.Table, broker: str, row: int | None, method: str) -> Mapped:
    contract = None if row is None else from_row(contracts.slice(row, 1).to_pylist()[0])
    here = contract is not None and contract.currency == instrument.currency
    elsewhere = MappingStatus.OTHER_LISTING if contract else MappingStatus.NOT_FOUND
    return Mapped(
        broker=broker,
        ticker=instrument.ticker,
        instrument_id=instrument.instrument_id,
        status=MappingStatus.MATCHED if here else elsewhere,
        contract=contract,
        search_method=method if contract else None,
        reason=None if contract else "not_found",
    )
