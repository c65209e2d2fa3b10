"""An `universe.json` (of the old system, or one of ours) as the input instead of screens.

Identities, kinds, prices, changes and history are taken. Everything derived (ranks, targets, rates, euro values, quantities) is
left behind: the old system's targets summed to 1.87.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from include.domain.market import Market
from include.errors import InputError
from include.screening.history import history_of, no_history
from include.screening.row_check import RawRow, RowCheck
from include.screening.rows import RejectedRow, ScreenRow, screen_key
from include.screening.uncle_stock import no_usable_row

_TEXT_FIELDS = ("ticker", "isin", "name", "currency", "price_180d_change", "sector", "country", "asset_class")


@dataclass(frozen=True)
class OldUniverse:
    """A universe document whose outer shape has been checked.

    Attributes:
        dated: The date of `metadata.created_at`.
        names: Screen key (file-safe) to the screen's name.
        keys: Screen key (file-safe) to the key the document uses.
        synthetic: What the file says of itself; the old system's files say nothing.
    """

    source: str
    document: Mapping[str, Any]
    dated: date
    names: dict[str, str]
    keys: dict[str, str]
    synthetic: bool


def read_universe(content: bytes, source: str) -> OldUniverse:
    """The document in a file.

    Raises:
        InputError: Not JSON, no `screens`, a screen without `stocks`, or no `metadata.created_at`.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected JSON: {error}", source=source) from error
    if not isinstance(document, dict):
        raise InputError("expected a JSON object with metadata and screens", source=source, value=type(document).__name__)
    metadata = _object(document, "metadata", source, "metadata")
    screens = _object(document, "screens", source, "screens")
    if not screens:
        raise InputError("expected at least one screen", source=source, field="screens")
    for key, screen in screens.items():
        if not isinstance(screen, dict) or not isinstance(screen.get("stocks"), list):
            raise InputError("expected a list of stocks", source=source, field=f"screens.{key}.stocks")
    keys = {screen_key(key, source): key for key in screens}
    if len(keys) < len(screens):
        raise InputError("expected screen keys that differ in letters or digits", source=source, field="screens")
    names = {key: str(screens[original].get("name") or original.replace("_", " ")) for key, original in keys.items()}
    return OldUniverse(source, document, _created(metadata, source), names, keys, bool(metadata.get("synthetic", False)))


def universe_screen(
    universe: OldUniverse, key: str, markets: Mapping[str, Market]
) -> tuple[list[ScreenRow], list[RejectedRow], dict[str, Any]]:
    """Usable rows, rejected rows and the history of one screen; a row's `line` is its position in `stocks`, from 1.

    Raises:
        InputError: No such screen, not one usable row, or a history of the wrong shape.
    """
    if key not in universe.names:
        raise InputError(f"expected one of the screens {', '.join(sorted(universe.names))}", source=universe.source, value=key)
    check = RowCheck(universe.source.rsplit("/", 1)[-1], markets)
    rows: list[ScreenRow] = []
    rejected: list[RejectedRow] = []
    for line, stock in enumerate(universe.document["screens"][universe.keys[key]]["stocks"], start=1):
        result = _checked(check, line, stock)
        if isinstance(result, ScreenRow):
            rows.append(result)
        else:
            rejected.append(result)
    if not rows:
        raise no_usable_row(universe.source, rejected)
    return rows, rejected, _history(universe, key)


def _checked(check: RowCheck, line: int, stock: object) -> ScreenRow | RejectedRow:
    if not isinstance(stock, dict):
        return check.reject(line, None, "stocks", type(stock).__name__, "expected a JSON object")
    texts = {field: _text(stock.get(field)) for field in _TEXT_FIELDS}
    price = stock.get("price")
    return check(RawRow(line=line, price="" if isinstance(price, bool) else _text(price), **texts))


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _history(universe: OldUniverse, key: str) -> dict[str, Any]:
    name, source, original = universe.names[key], universe.source, universe.keys[key]
    field = f"metadata.historical_performance.{original}"
    every = universe.document["metadata"].get("historical_performance") or {}
    found = every.get(original) if isinstance(every, dict) else None
    if found is None:
        return no_history(name)
    quarters = found.get("quarterly_data") if isinstance(found, dict) else None
    metadata = found.get("backtest_metadata") if isinstance(found, dict) else None
    if not isinstance(quarters, list) or not isinstance(metadata, dict):
        raise InputError("expected quarterly_data (a list) and backtest_metadata (an object)", source=source, field=field)
    if not quarters and not metadata:
        return no_history(name)
    clean = []
    for row, quarter in enumerate(quarters, start=1):
        if not isinstance(quarter, dict):
            raise InputError("expected a JSON object", source=source, row=row, field=f"{field}.quarterly_data")
        columns = ("quarter", "return", "period_sd", "beta", "benchmark_return")
        clean.append({column: _text(quarter.get(column)) for column in columns})
    statistics = found.get("key_statistics")
    return history_of(name, _texts(metadata), _texts(statistics if isinstance(statistics, dict) else {}), clean, source)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {str(key): _text(value) for key, value in values.items()}


def _object(document: Mapping[str, Any], key: str, source: str, field: str) -> dict[str, Any]:
    value = document.get(key)
    if not isinstance(value, dict):
        raise InputError("expected a JSON object", source=source, field=field, value=type(value).__name__)
    return value


def _created(metadata: Mapping[str, Any], source: str) -> date:
    value = metadata.get("created_at")
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError as error:
        raise InputError(
            "expected a date and time such as 2025-09-18T10:49:00", source=source, field="metadata.created_at", value=value
        ) from error
