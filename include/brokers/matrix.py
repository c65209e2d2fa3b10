"""What every configured broker can do, as a document and side by side."""

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any

from include.brokers.base import Capabilities
from include.brokers.registry import Configs, declared_capabilities


def document(capabilities: Capabilities) -> dict[str, Any]:
    """Capabilities as plain JSON types: sets are sorted, `limits` is a list of what is less for which kinds."""
    return {field.name: _plain(getattr(capabilities, field.name)) for field in fields(capabilities)}


def documents(configs: Configs) -> dict[str, dict[str, Any]]:
    """Broker to its document, sorted; absent is a broker without an adapter, or whose adapter cannot be imported.

    Args:
        configs: `Settings.brokers`.
    """
    found = declared_capabilities(configs, [name for name, config in configs.items() if config.get("adapter")])
    return {name: document(capabilities) for name, capabilities in sorted(found.items())}


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(str(one) for one in value)
    if isinstance(value, tuple):
        return [{name: _plain(told) for name, told in vars(one).items() if told is not None} for one in value]
    return value


def matrix(declared: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Rows of a table: what it is about, and each broker's word in the order of `declared`.

    Lists are their words with commas, "" where there is none; what is less for some kinds stands below, a row for each name.
    """
    names = list(dict.fromkeys(name for told in declared.values() for name in told if name != "limits"))
    rows = [(name, [_word(told.get(name)) for told in declared.values()]) for name in names]
    for name in names:
        cells = [_limited(told.get("limits", ()), name) for told in declared.values()]
        if any(cells):
            rows.append((f"{name}, less", cells))
    return rows


def _limited(limits: Any, name: str) -> str:
    told = [f"{', '.join(row['asset_classes'])}: {_word(row[name])}" for row in limits if name in row and name != "asset_classes"]
    return "; ".join(told)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value if value is not None else "")
