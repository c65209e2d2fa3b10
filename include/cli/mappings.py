"""`polybroker mappings`: what is held because it is not as it was last seen, and saying that it is right."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from include.cli.wiring import kept_database
from include.domain.seen import Waiting
from include.errors import InputError
from include.settings import Settings, load_settings
from include.storage.seen_mappings import SeenMappings

app = typer.Typer(no_args_is_help=True, help="Mappings that changed, and wait until a person has seen them (docs/mapping.md).")

BrokerName = Annotated[str | None, typer.Option("--broker", help="Only at this broker; default: at every one.")]


@app.command("list")
def show(broker: BrokerName = None) -> None:
    """Show what is held: the instrument, and what differs from the form last seen. Example: `polybroker mappings list`."""
    settings = load_settings()
    with kept_database(settings) as database:
        held = _at(SeenMappings(database).waiting(), broker, settings)
    if not held:
        typer.echo("no mapping is held")
        return
    table = Table("broker", "ticker", "name", "changed", "session", "source")
    for one in held:
        name = one.name if one.name == one.name_before else f"{one.name_before} -> {one.name}"
        table.add_row(one.broker, one.ticker, name, _told(one), one.session, one.source)
    Console().print(table)


@app.command()
def accept(
    tickers: Annotated[list[str] | None, typer.Argument(help="Tickers as `mappings list` shows them.")] = None,
    broker: BrokerName = None,
    source: Annotated[str | None, typer.Option(help="Only at this source, as `mappings list` shows it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is held.")] = False,
) -> None:
    """Say that the new form is right: it is traded from the next plan on. The user's name is kept with it.

    A ticker that waits at two sources of one broker (its sandbox, an account) needs `--source`: what was seen at one says nothing
    of the other. A session that is planned already stays as it is planned, unless a run is told to `--replan`.

    Example: `polybroker mappings accept AAPL 6095.T --broker ibkr`
    """
    if bool(tickers) == everything:
        raise InputError("expected tickers, or --all", source="mappings accept")
    settings = load_settings()
    with kept_database(settings) as database:
        store = SeenMappings(database)
        held = [one for one in _at(store.waiting(), broker, settings) if source in (None, one.source)]
        known = sorted({one.ticker for one in held})
        for ticker in tickers or ():
            if ticker not in known:
                expected = f"expected one of {', '.join(known)}" if known else "no mapping is held there"
                raise InputError(expected, source="mappings accept", value=ticker)
        wanted = [one for one in held if everything or one.ticker in (tickers or ())]
        if not everything:
            _check_one_source(wanted)
        accepted = store.accept(wanted, _user(), datetime.now(UTC))
    for one in accepted:
        typer.echo(f"{one.broker} {one.ticker} ({one.name}): {_told(one)}")
    if not accepted:
        typer.echo("no mapping is held")


def _check_one_source(wanted: list[Waiting]) -> None:
    sources: dict[tuple[str, str], set[str]] = {}
    for one in wanted:
        sources.setdefault((one.broker, one.ticker), set()).add(one.source)
    for (broker, ticker), names in sources.items():
        if len(names) > 1:
            expected = f"expected --source, one of {', '.join(sorted(names))}: it waits at each of them at {broker}"
            raise InputError(expected, source="mappings accept", value=ticker)


def _user() -> str:
    """The operating system's name of who says so; a container's user may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # before Python 3.13 a KeyError, since then an OSError
        return "unknown"


def _at(held: list[Waiting], broker: str | None, settings: Settings) -> list[Waiting]:
    known = sorted({*settings.brokers, *(one.broker for one in held)})
    if broker is not None and broker not in known:
        raise InputError(f"expected one of {', '.join(known)}", source="--broker", value=broker)
    return [one for one in held if broker in (None, one.broker)]


def _told(one: Waiting) -> str:
    return ", ".join(f"{change.field} {change.before} -> {change.after}" for change in one.changes)
