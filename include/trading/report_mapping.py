"""What `report.md` says about mappings that changed and contract lists that differ. Pure: documents in, Markdown out."""

import shlex
from collections.abc import Mapping
from typing import Any

from include.trading.markdown import table

_SHOWN = 10
_KINDS = ("added", "removed", "changed")


def held_words(documents: Mapping[str, Any]) -> list[str]:
    """One line per broker that holds mappings; [] where none does."""
    return [
        f"{broker}: {len(told['held'])} mapping{'s' if len(told['held']) > 1 else ''} changed: nothing of them is traded there "
        "until a person has seen it (Mapping changes, below)"
        for broker, told in sorted(documents.get("mapping_changes", {}).items())
        if told["held"]
    ]


def mapping_changes(documents: Mapping[str, Any]) -> list[str]:
    """What is held and how to accept it, then how many mappings are the same, new or gone."""
    by_broker = sorted(documents.get("mapping_changes", {}).items())
    if not by_broker:
        return []
    lines = ["## Mapping changes", ""]
    held = [(broker, row) for broker, told in by_broker for row in told["held"]]
    if held:
        rows = [(broker, row["ticker"], _names(row), _changes(row["changes"])) for broker, row in held]
        lines += ["**Held back: no order is made for these until a person has seen what changed.**", ""]
        lines += table(["broker", "ticker", "name", "changed"], rows)
        lines += ["If these are the right contracts:", "", "```", *_commands(held), "```", ""]
    kinds = ("same", "new", "changed", "gone")
    counts = [(broker, *(told["counts"].get(kind, 0) for kind in kinds)) for broker, told in by_broker]
    lines += table(["broker", "as last seen", "new", "changed", "gone"], counts)
    gone = [
        (broker, row["ticker"], row["name"], f"{row['symbol']} ({row['native_id']})", row["reason"])
        for broker, told in by_broker
        for row in told["gone"]
    ]
    return lines + (["Mapped before, not now:", "", *table(["broker", "ticker", "name", "was", "why"], gone)] if gone else [])


def list_changes(documents: Mapping[str, Any]) -> list[str]:
    """Rows of every broker's list, and what was added, removed and changed since the one before."""
    by_broker = sorted(documents.get("list_changes", {}).items())
    if not by_broker:
        return []
    rows = [
        (broker, told.get("rows"), *(_count(told.get(kind)) for kind in _KINDS), told.get("compared_with"), told.get("note"))
        for broker, told in by_broker
    ]
    lines = ["## Contract lists", "", *table(["broker", "rows", *_KINDS, "compared with", "note"], rows)]
    for broker, told in by_broker:
        for kind in _KINDS:
            part = told.get(kind)
            if part and part["count"]:
                lines += [f"{broker}, {kind}: {_first(part)}.", ""]
    return lines


def _names(row: Mapping[str, Any]) -> str:
    before, now = row.get("name_before"), str(row["name"])
    return now if before in (None, "", now) else f"{before} -> {now}"


def _changes(changes: list[dict[str, str]]) -> str:
    return "; ".join(f"{change['field']} {change['before']} -> {change['after']}" for change in changes)


def _commands(held: list[tuple[str, Mapping[str, Any]]]) -> list[str]:
    tickers: dict[str, list[str]] = {}
    for broker, row in held:
        tickers.setdefault(broker, []).append(row["ticker"])
    return [shlex.join(["polybroker", "mappings", "accept", *names, "--broker", broker]) for broker, names in tickers.items()]


def _count(part: Mapping[str, Any] | None) -> object:
    return None if part is None else part["count"]


def _first(part: Mapping[str, Any]) -> str:
    """The first few rows by symbol; of changed ones also how many there are by column."""
    shown = part["first"][:_SHOWN]
    words = ", ".join(f"{row['symbol']}{_columns(row.get('changes'))}" for row in shown)
    more = f" and {part['count'] - len(shown)} more" if part["count"] > len(shown) else ""
    by_column = ", ".join(f"{name} {count}" for name, count in part.get("by_column", {}).items())
    return f"{words}{more}" + (f"; by column: {by_column}" if by_column else "")


def _columns(changes: Mapping[str, Any] | None) -> str:
    if not changes:
        return ""
    return f" ({', '.join(f'{name} {_word(before)} -> {_word(after)}' for name, (before, after) in changes.items())})"


def _word(value: object) -> str:
    return "nothing" if value in (None, "") else str(value)
