"""`polybroker brokers`: what the configured brokers can do, and what of it changed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from include.brokers.matrix import documents, matrix, narrowed
from include.brokers.registry import broker_class
from include.cli.wiring import kept_database, project_database
from include.errors import InputError
from include.settings import Settings, load_settings
from include.storage.capability_log import CapabilityLog, Discovery

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="What brokers can do, and how they are doing.")


@app.command("matrix")
def show(as_json: Annotated[bool, typer.Option("--json", help="One document instead of a table.")] = False) -> None:
    """Show the capabilities of every configured broker side by side, and note what changed since the last look.

    A broker that mirrors another shows what that one can do. Below stands what of it accounts cannot do, as their brokers told
    when they were last asked (`monitor_brokers` asks every 15 minutes).

    Examples: `polybroker brokers matrix`, `polybroker brokers matrix --json`
    """
    settings = load_settings()
    found = documents(settings.brokers)
    with project_database(settings) as database:
        changed = CapabilityLog(database).look(found, datetime.now(UTC))
        discovered = CapabilityLog(database).discoveries()
    without = sorted(set(settings.brokers) - set(found))
    if as_json:
        typer.echo(json.dumps({"brokers": found, "discovered": _plain(discovered), "without_adapter": without}, indent=2))
        return
    table = Table("", *found, show_lines=True)
    for name, cells in matrix(found):
        table.add_row(name.replace("_", " "), *cells)
    Console().print(table)
    _show(discovered)
    if without:
        typer.echo(f"without an adapter, or with one that cannot be imported: {', '.join(without)}")
    for name in without:
        if settings.brokers[name].get("adapter"):
            typer.echo(f"{name}: {_why_not(name, settings)}")
    if changed:
        typer.echo(
            f"changed since the last look: {', '.join(event.body['broker'] for event in changed)}; polybroker brokers changes"
        )


def _plain(discovered: Mapping[str, Discovery]) -> dict[str, Any]:
    return {account: told.model_dump(mode="json") for account, told in discovered.items()}


def _show(discovered: Mapping[str, Discovery]) -> None:
    """What accounts cannot do of what their brokers declare, and when that was told."""
    if not discovered:
        typer.echo("no account was asked yet what it can do: monitor_brokers does")
        return
    table = Table("account", "asked", "capability", "declared", "discovered")
    for account, one in discovered.items():
        rows = narrowed(one.declared, one.capabilities) or [("everything that is declared", "", "")]
        for name, before, after in rows:
            table.add_row(account, f"{one.seen_at:%Y-%m-%d %H:%M}", name.replace("_", " "), before, after)
    Console().print(table)


@app.command()
def changes() -> None:
    """Show every change of a broker's capabilities that a run, `brokers matrix` or `monitor_brokers` noticed.

    Example: `polybroker brokers changes`
    """
    with kept_database(load_settings()) as database:
        events = CapabilityLog(database).events()
    if not events:
        typer.echo("no capability has changed since brokers were first looked at")
        return
    table = Table("when", "topic", "capability", "before", "after")
    for event in events:
        where = " ".join(filter(None, [event.topic, event.body.get("account")]))
        for name, (before, after) in event.body["changes"].items():
            table.add_row(f"{event.time:%Y-%m-%d %H:%M}", where, name, json.dumps(before), json.dumps(after))
    Console().print(table)


def _why_not(name: str, settings: Settings) -> str:
    try:
        broker_class(name, settings.brokers)
    except InputError as error:
        return str(error)
    return "its adapter tells what it can do only once it is connected"
