"""What every configured broker can do, as a document and side by side."""

from collections.abc import Mapping
from typing import Any

from include.brokers.capabilities import document
from include.brokers.registry import Configs, declared_capabilities


def documents(configs: Configs) -> dict[str, dict[str, Any]]:
    """Broker to its document, sorted; absent is a broker without an adapter, or whose adapter cannot be imported.

    Args:
        configs: `Settings.brokers`.
    """
    found = declared_capabilities(configs, [name for name, config in configs.items() if config.get("adapter")])
    return {name: document(capabilities) for name, capabilities in sorted(found.items())}


def matrix(declared: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Rows of a table: what it is about, and each broker's word in the order of `declared`.

    Lists are their words with commas, "" where there is none; what is less for some kinds stands below, a row for each name.
    """
    names = list(dict.fromkeys(name for told in declared.values() for name in told if name not in ("limits", "why_not")))
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


def narrowed(declared: Mapping[str, Any], found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(what it is about, declared, discovered) of everything in which an account can do less; [] where it can do all.

    Args:
        declared: A broker's document.
        found: Of one of its accounts.
    """
    reasons: Mapping[str, str] = found.get("why_not", {})
    rows = [(kind, "yes", f"no: {reasons[kind]}") for kind in declared["asset_classes"] if kind in reasons]
    both = matrix({"declared": declared, "found": found})
    return rows + [(name, cells[0], cells[1]) for name, cells in both if name != "asset_classes" and cells[0] != cells[1]]
