"""`polybroker handles`: lists of brokers' ids that people write by hand, verified row by row."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from include.brokers.registry import handle_reader
from include.cli.mapping import files_of_brokers, listed_contracts
from include.domain.handle import Claim
from include.errors import InputError
from include.mapping.eligible import home_market
from include.mapping.handle_file import has_heading, read_handles
from include.mapping.handles import HandleVerdict, check_handles
from include.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Hand-made lists of brokers' ids (docs/mapping.md).")


@app.callback()
def _group() -> None:
    """Hand-made lists of brokers' ids (handles, tokens)."""


@app.command("check")
def check(
    official: Annotated[str, typer.Option("--list", metavar="NAME=FILE", help="The broker's own list, as its API sends it.")],
    handles: Annotated[Path, typer.Option(help="CSV with the heading ticker,name,market,native_id, or the broker's own form.")],
) -> None:
    """Verify that every id of a hand-made list is what its row says; exit code 1 if one is not.

    Example: `polybroker handles check --list zerodha=instruments.csv --handles tokens.csv`
    """
    settings = load_settings()
    ((name, path),) = files_of_brokers([official], settings).items()
    table = listed_contracts(name, path, settings, datetime.now(UTC).date())
    claims = _claims(name, handles, settings)
    home = home_market(settings.eligibility[name], settings.markets)
    try:
        verdicts = check_handles(claims, table, settings.markets, home, settings.brokers[name].get("exchanges"))
    except InputError as error:
        raise InputError(str(error), source=handles) from error
    refused = [verdict for verdict in verdicts if not verdict.is_ok]
    if refused:
        _show(refused, name)
    typer.echo(f"{handles}: {len(verdicts) - len(refused)} of {len(verdicts)} rows are what they say, {len(refused)} are refused")
    if refused:
        raise typer.Exit(1)


def _claims(name: str, path: Path, settings: Settings) -> list[Claim]:
    if not path.is_file():
        raise InputError("expected a list of handles", source=path)
    payload = path.read_bytes()
    own = handle_reader(name, settings.brokers)
    return own(payload, path) if own and not has_heading(payload) else read_handles(payload, path)


def _show(refused: list[HandleVerdict], broker: str) -> None:
    table = Table("row", Column("native id", no_wrap=True), "said to be", f"is at {broker}", "why it is refused")
    for verdict in refused:
        claim, contract = verdict.claim, verdict.contract
        said = ", ".join(filter(None, (claim.ticker, claim.name, claim.market)))
        real = ", ".join(filter(None, (contract.symbol, contract.name, contract.exchange))) if contract else ""
        kind = f" ({contract.asset_class.value})" if contract else ""
        table.add_row(str(claim.row), claim.native_id, escape(said), escape(real) + kind, ", ".join(verdict.reasons))
    Console().print(table)
