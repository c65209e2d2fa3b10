"""`polybroker sandbox`: local venues that speak the brokers' own protocols, for trying everything without an account."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from include.cli.wiring import project_database
from include.sandbox.control import down as end
from include.sandbox.control import status as state_of
from include.sandbox.control import up as start
from include.screening.session import closed_sessions
from include.settings import Settings, load_settings
from include.steps.prepare_sandbox import CATALOGUE, SandboxSummary, prepare_sandbox

app = typer.Typer(no_args_is_help=True, help="Local venues that speak the brokers' own protocols (docs/sandbox.md).")

Screens = Annotated[str | None, typer.Option(help="Folder of exports or an old universe.json; default: what the settings say.")]
Catalogs = Annotated[Path | None, typer.Option(help="Folder of real lists; default: listings made up from the screens.")]


def prepare_for(settings: Settings, screens: str | None, catalogs: Path | None) -> SandboxSummary:
    """The catalogue for the newest closed session."""
    as_of = closed_sessions(settings.options.reference_calendar, datetime.now(UTC))[-1]
    with project_database(settings) as database:
        return prepare_sandbox(settings, database, screens or settings.options.screens, catalogs, as_of)


@app.command()
def prepare(screens: Screens = None, catalogs: Catalogs = None) -> None:
    """Write the catalogue the venues serve. Example: `polybroker sandbox prepare --screens path/to/exports`."""
    summary = prepare_for(load_settings(), screens, catalogs)
    for venue, (listed, priced) in summary.listings.items():
        typer.echo(f"{venue}: {listed} listings, {priced} with a price")
    if summary.holes:
        typer.echo(f"{len(summary.holes)} known holes (missing, ambiguous, delisted, renamed ...)")
    typer.echo(str(summary.path))


@app.command()
def up(screens: Screens = None, catalogs: Catalogs = None) -> None:
    """Start the venues and print the variables that lead to them; prepares a catalogue if there is none, or if screens are named.

    Example: `eval "$(polybroker sandbox up | sed 's/^/export /')"`
    """
    settings = load_settings()
    folder = settings.environ.sandbox_dir
    if screens or catalogs or not (folder / CATALOGUE).is_file():
        prepare_for(settings, screens, catalogs)
    for name, value in start(folder).items():
        typer.echo(f"{name}={value}")


@app.command()
def down() -> None:
    """End the venues; accounts and orders stay. Example: `polybroker sandbox down`."""
    ended = end(load_settings().environ.sandbox_dir)
    typer.echo(f"ended {', '.join(ended)}" if ended else "no venue was running")


@app.command()
def status() -> None:
    """Show which venues run, and where. Example: `polybroker sandbox status`."""
    table = Table("venue", "running", "pid", "port", "log")
    for row in state_of(load_settings().environ.sandbox_dir):
        table.add_row(row["venue"], "yes" if row["running"] else "no", str(row["pid"] or ""), str(row["port"] or ""), row["log"])
    Console().print(table)
