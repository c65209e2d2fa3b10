"""`polybroker db`: the project's own database (order journal, snapshots, look-ups)."""

from typing import Annotated

import typer

from include.settings import load_settings
from include.storage.database import open_database
from include.storage.database import upgrade as upgrade_schema

app = typer.Typer(no_args_is_help=True, help="The project's own database: `POLYBROKER_DATABASE_URL`.")

Url = Annotated[str | None, typer.Option(help="SQLAlchemy URL; default: POLYBROKER_DATABASE_URL, else data/polybroker.db.")]


@app.command()
def upgrade(url: Url = None) -> None:
    """Make the schema, or bring it to this version. Safe to run again. Example: `polybroker db upgrade`."""
    target = url or load_settings().environ.database_url
    upgrade_schema(target)
    with open_database(target) as database:
        typer.echo(f"{database.name} is at the newest version")


@app.command()
def check(url: Url = None) -> None:
    """Say whether the database can be used by this version. Example: `polybroker db check`."""
    with open_database(url or load_settings().environ.database_url) as database:
        typer.echo(f"{database.name} is at the newest version")
