"""`polybroker tokens`: tokens that brokers gave and renew, kept encrypted."""

import os

import typer

from include.cli.wiring import project_database
from include.settings import Environ
from include.storage.tokens import TokenStore, cipher, token_names

app = typer.Typer(no_args_is_help=True, help="Tokens that brokers gave, kept encrypted (docs/configuration.md).")


@app.command("list")
def show() -> None:
    """Show which tokens there are and when they expire, never what they are. Example: `polybroker tokens list`"""
    with project_database(Environ()) as database:
        names = token_names(database)
    for name, expires_at in names.items():
        typer.echo(f"{name}: {f'expires {expires_at:%Y-%m-%d %H:%M} UTC' if expires_at else 'does not tell when it expires'}")
    if not names:
        typer.echo("there is none")


@app.command()
def rotate() -> None:
    """Encrypt every token with the first of the keys; afterwards the others can be taken out of the variable.

    Example: `POLYBROKER_FERNET_KEY=new,old polybroker tokens rotate`
    """
    with project_database(Environ()) as database:
        count = TokenStore(database, cipher(os.environ)).rotate()
    typer.echo(f"{count} token{'' if count == 1 else 's'} encrypted with the first key")
