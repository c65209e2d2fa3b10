"""`polybroker brokers`: what the configured brokers can do, and what of it changed."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from include.brokers.matrix import documents, matrix
from include.brokers.registry import broker_class
from include.cli.wiring import project_database
from include.errors import InputError
from include.settings import Settings, load_settings
from include.storage.capability_log import CapabilityLog

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="What brokers can do, and how they are doing.")


@app.command("matrix")
def show(as_json: Annotated[bool, typer.Option("--json", help="One document instead of a table.")] = False) -> None:
    """Show the capabilities of every configured broker side by side, and note what changed since the last look.

    A broker that mirrors another shows what that one can do.

    Examples: `polybroker brokers matrix`, `polybroker brokers matrix --json`
    """
    settings = load_settings()
    found = documents(settings.brokers)
    with project_database(settings) as database:
        changed = CapabilityLog(database).look(found, datetime.now(UTC))
    without = sorted(set(settings.brokers) - set(found))
    if as_json:
        typer.echo(json.dumps({"brokers": found, "without_adapter": without}, indent=2))
        return
    table = Table("", *found, show_lines=True)
    for name, cells in matrix(found):
        table.add_row(name.replace("_", " "), *cells)
    Console().print(table)
    if without:
        typer.echo(f"without an adapter, or with one that cannot be imported: {', '.join(without)}")
    for name in without:
        if settings.brokers[name].get("adapter"):
            typer.echo(f"{name}: {_why_not(name, settings)}")
    if changed:
        typer.echo(
            f"changed since the last look: {', '.join(event.body['broker'] for event in changed)}; polybroker brokers changes"
        )


@app.command()
def changes() -> None:
    """Show every change of a broker's capabilities that a run or `brokers matrix` noticed.

    Example: `polybroker brokers changes`
    """
    with project_database(load_settings()) as database:
        events = CapabilityLog(database).events()
    if not events:
        typer.echo("no capability has changed since brokers were first looked at")
        return
    table = Table("when", "topic", "capability", "before", "after")
    for event in events:
        for name, (before, after) in event.body["changes"].items():
            table.add_row(f"{event.time:%Y-%m-%d %H:%M}", event.topic, name, json.dumps(before), json.dumps(after))
    Console().print(table)


def _why_not(name: str, settings: Settings) -> str:
    try:
        broker_class(name, settings.brokers)
    except InputError as error:
        return str(error)
    return "its adapter tells what it can do only once it is connected"
