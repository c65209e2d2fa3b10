"""`polybroker lists`: the brokers' contract lists that are kept, and what changed from one to the next."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from include.settings import load_settings
from include.storage.artifacts import exists, read_json
from include.storage.contract_lists import ContractLists


def lists(
    source: Annotated[str | None, typer.Option(help="Only sources whose name contains this, e.g. alpaca; default: all.")] = None,
    last: Annotated[int, typer.Option(help="How many lists of each source, the newest first.", min=1)] = 10,
) -> None:
    """Show the dated contract lists of every source, and what was added, removed and changed since the one before.

    Example: `polybroker lists --source alpaca --last 5`
    """
    kept = ContractLists(load_settings().environ.data_uri)
    table = Table(
        "source", Column("fetched at (UTC)", no_wrap=True), "rows", "added", "removed", "changed", "by column, or a note"
    )
    for name in kept.sources():
        if source is None or source in name:
            for fetched_at in reversed(kept.dated(name)[-last:]):
                uri = kept.changes(name, fetched_at)
                told = read_json(uri) if exists(uri) else {"note": "not compared"}
                table.add_row(name, f"{fetched_at:%Y-%m-%d %H:%M}", *_figures(told))
    if not table.row_count:
        typer.echo("no contract list is kept: a run keeps those of brokers that can list what they trade")
        return
    Console().print(table)


def _figures(told: dict[str, Any]) -> list[str]:
    counts = [str(told[kind]["count"]) if told.get(kind) else "" for kind in ("added", "removed", "changed")]
    by_column = told["changed"]["by_column"] if told.get("changed") else {}
    words = ", ".join(f"{column} {count}" for column, count in by_column.items())
    return [str(told.get("rows", "")), *counts, told.get("note") or words]
