"""`polybroker config`: what this installation is set to."""

import typer
from rich.console import Console
from rich.table import Table

from include.cli import settings_history
from include.cli.settings_check import check_everything
from include.settings import Environ, load_settings
from include.settings.folder import finish_writing

app = typer.Typer(no_args_is_help=True, help="The configuration in `include/config/` and the environment.")
app.command("history")(settings_history.history)
app.command("diff")(settings_history.diff)
app.command("backup")(settings_history.backup)
app.command("restore")(settings_history.restore)


@app.callback()
def finish() -> None:
    """Finish first what a `restore` that was broken off has left: its version counts already, and hides what is edited."""
    folder = Environ().config_dir
    if finish_writing(folder):
        typer.echo(f"{folder}: finished a restore that was broken off", err=True)


@app.command()
def validate() -> None:
    """Read every file of the configuration and import what it names; the first fault is told.

    Example: `polybroker config validate`.
    """
    settings = load_settings()
    counts = check_everything(settings)
    typer.echo(f"{settings.environ.config_dir}: valid; " + ", ".join(f"{count} {name}" for name, count in counts.items()))


@app.command()
def show() -> None:
    """Show the options of a run and the portfolios, as they are now. Example: `polybroker config show`."""
    settings = load_settings()
    console = Console()
    options = Table("option", "value", title="Options of a run")
    for name, value in settings.options.model_dump().items():
        options.add_row(name, str(value))
    accounts = Table("portfolio", "environment", "base", "account", "broker", title="Portfolios")
    for portfolio in settings.portfolios:
        for account in portfolio.accounts:
            row = (
                portfolio.portfolio_id,
                portfolio.environment.value,
                portfolio.base_currency,
                account.account_id,
                account.broker,
            )
            accounts.add_row(*row)
    console.print(options, accounts)
    lists = [name for name, config in settings.brokers.items() if not config.get("adapter")]
    console.print(f"active brokers: {', '.join(settings.active_brokers)}; data: {settings.environ.data_uri}")
    for name, why in settings.disabled_brokers.items():
        console.print(f"{name} is {why}")
    console.print(f"version: {settings.version}")
    if lists:
        console.print(f"no adapter yet, their lists can be mapped (map --list): {', '.join(lists)}")
