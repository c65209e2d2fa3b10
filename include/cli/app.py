"""`polybroker`: the commands, one module each, and the one place where an error becomes an exit code."""

import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from include.cli import broker_health, brokers, database, handles, identities, lists, mappings, orders, sandbox, settings, tokens
from include.cli.mapping import map_universe
from include.cli.run import run
from include.errors import InputError, PolybrokerError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Polybroker without Airflow: the same steps, one command each.",
    epilog="Example: `polybroker run --sandbox --mode paper --first-funding`",
)
app.command("run")(run)
app.command("map")(map_universe)
app.command("lists")(lists.lists)
app.command("adopt")(orders.adopt)
app.command("cancel-all")(orders.cancel_all)
app.add_typer(brokers.app, name="brokers")
brokers.app.command("status")(broker_health.status)
brokers.app.command("health")(broker_health.health)
app.add_typer(database.app, name="db")
app.add_typer(handles.app, name="handles")
app.add_typer(mappings.app, name="mappings")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(settings.app, name="config")
app.add_typer(tokens.app, name="tokens")
app.add_typer(identities.app, name="identities")


def main() -> None:
    """Run the command line. Exit code 2 for wrong input (a folder that cannot be used is one), 1 for other errors, 0 else."""
    try:
        app()
    except PolybrokerError as error:
        _end(error)
    except OSError as error:
        if error.filename is None:  # about no file: nothing that a user could put right
            raise
        _end(InputError(f"expected a file or folder that can be used: {error.strerror}", source=error.filename))


def _end(error: PolybrokerError) -> NoReturn:
    # The message quotes the user's own data: brackets in it are text.
    words = f"[red]{type(error).__name__}[/red]: {escape(str(error))}"
    Console(stderr=True, soft_wrap=True).print(words, highlight=False, emoji=False)
    sys.exit(2 if isinstance(error, InputError) else 1)
