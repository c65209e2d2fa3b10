"""`polybroker tokens`: tokens that brokers gave and renew, kept encrypted; and logging in for one."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from include.brokers import opening
from include.brokers.login import LoginAttempt, LoginFlow, finish
from include.cli.redirect import PATH, listening, pasted
from include.cli.wiring import account_of, kept_database, open_account, project_database
from include.settings import Environ, load_settings
from include.storage.tokens import TokenStore, cipher, token_names

PORT = 8765

app = typer.Typer(no_args_is_help=True, help="Tokens that brokers gave, kept encrypted (docs/configuration.md).")


@app.command("list")
def show() -> None:
    """Show which tokens there are and when they expire, never what they are. Example: `polybroker tokens list`"""
    with kept_database(Environ()) as database:
        names = token_names(database)
    for name, expires_at in names.items():
        typer.echo(f"{name}: {f'expires {expires_at:%Y-%m-%d %H:%M} UTC' if expires_at else 'does not tell when it expires'}")
    if not names:
        typer.echo("there is none")


@app.command()
def login(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Account id of a portfolio.")],
    port: Annotated[int, typer.Option(help="Of 127.0.0.1, where the browser comes back to; 0: any free one.")] = PORT,
    paste: Annotated[
        bool, typer.Option("--paste", help="Paste the address that the browser went to, instead of listening.")
    ] = False,
    redirect_uri: Annotated[str, typer.Option(help="Registered at the broker. Default: http://127.0.0.1:PORT/callback.")] = "",
    wait_seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long to wait for the browser.")] = 300,
) -> None:
    """Log in at a broker's web page; the token is kept encrypted, for every process of that login (docs/accounts.md).

    Prints the address to open, and opens nothing. Example: `polybroker tokens login alpaca-main`
    """
    keys = cipher(os.environ)  # without one nobody need log in
    settings = load_settings()
    account = account_of(settings.portfolios, account_id)
    credentials = opening.environment_credentials(settings, os.environ)
    with opening.open_login(account, settings=settings, credentials=credentials) as flow, project_database(settings) as database:
        if paste:
            attempt = LoginAttempt(redirect_uri or f"http://127.0.0.1:{port}{PATH}")
            _show(flow, attempt)
            answer = pasted()
        else:
            with listening(port) as redirect:
                attempt = LoginAttempt(redirect_uri or redirect.uri)
                _show(flow, attempt)
                answer = redirect.wait(wait_seconds)
        store = TokenStore(database, keys)
        with store.turn(flow.token_name):  # a task that renews the one before does not write over it
            token = finish(flow, attempt, answer)
            store.put(flow.token_name, token, datetime.now(UTC))
        until = f"until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else f"until {flow.broker} refuses it"
        typer.echo(f"{account_id} is logged in {until}{'; renewed without you' if token.refresh else ''}")
        with open_account(account, settings, database):  # whether it is the account that the portfolio names
            pass


@app.command()
def logout(account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Account id of a portfolio.")]) -> None:
    """Remove the token of a log-in from the database; at the broker it stays good until you revoke it there.

    Example: `polybroker tokens logout alpaca-main`
    """
    settings = load_settings()
    account = account_of(settings.portfolios, account_id)
    credentials = opening.environment_credentials(settings, os.environ)
    with opening.open_login(account, settings=settings, credentials=credentials) as flow, project_database(settings) as database:
        was_there = TokenStore(database, cipher(os.environ)).forget(flow.token_name)
    typer.echo(f"{account_id}: its token is removed" if was_there else f"{account_id}: there is none")


def _show(flow: LoginFlow, attempt: LoginAttempt) -> None:
    typer.echo(f"Open this, log in, and allow {attempt.redirect_uri}:\n\n{flow.url(attempt)}\n")


@app.command()
def rotate() -> None:
    """Encrypt every token with the first of the keys; afterwards the others can be taken out of the variable.

    Example: `POLYBROKER_FERNET_KEY=new,old polybroker tokens rotate`
    """
    with kept_database(Environ()) as database:
        count = TokenStore(database, cipher(os.environ)).rotate()
    typer.echo(f"{count} token{'' if count == 1 else 's'} encrypted with the first key")
