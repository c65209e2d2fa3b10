"""`polybroker map`: step 8 alone, for a universe.json of this or the old system."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from include.brokers.opening import reading_account
from include.brokers.registry import declared_capabilities, list_reader
from include.cli.wiring import open_account, project_database
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import Instrument
from include.domain.mapping import Mapping, MappingStatus
from include.errors import BrokerUnavailable, InputError, PolybrokerError
from include.mapping.answers import answers
from include.mapping.eligible import eligible
from include.mapping.merge import instruments_of, merge, unavailable
from include.screening.source import find_screens
from include.screening.universe import universe_document
from include.settings import Settings, load_settings
from include.steps.fetch_screens import read_screen
from include.steps.merge_mappings import facts_of
from include.steps.refresh_contracts import contracts_turn
from include.storage.artifacts import write_json
from include.storage.database import Database


def map_universe(
    universe: Annotated[Path, typer.Option(help="A universe.json.")],
    out: Annotated[Path, typer.Option(help="Where universe_mapped.json is written.")],
    brokers: Annotated[str | None, typer.Option(help="Names with commas; default: the active ones, none beside --list.")] = None,
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="NAME=FILE", help="A downloaded list of a broker, as its API sends it. Repeatable."),
    ] = None,
) -> None:
    """Find every instrument of a universe at several brokers, or in lists of theirs that were downloaded, which takes no account.

    Example: `polybroker map --universe data/runs/latest/universe.json --brokers ibkr,alpaca --out universe_mapped.json`

    A broker, or a list, that cannot be read is `unavailable` and stops nothing, unless none can be read.

    With lists: `polybroker map --universe universe.json --list binance=exchangeInfo.json --list zerodha=nse.csv --out m.json`
    """
    settings = load_settings()
    now = datetime.now(UTC)
    document = _document(universe, settings, now)
    files = files_of_brokers(lists or [], settings)
    names = _names(brokers, settings) if brokers or not files else []
    for name in set(names) & set(files):
        raise InputError("expected each broker once: --brokers or --list", source="--list", value=name)
    members = instruments_of(document)
    asked: dict[str, Callable[[], list[Mapping]]] = {}
    for name, path in files.items():
        asked[name] = partial(_in_list, name, path, members, settings, now.date())
    with ExitStack() as stack:
        if names:
            database = stack.enter_context(project_database(settings))
            asked |= {name: partial(_at_broker, name, members, settings, database) for name in names}
        found, troubles = _answers(asked, members)
    rules, markets = settings.eligibility, settings.markets
    facts = facts_of(settings, declared_capabilities(settings.brokers, names))
    mapped = merge(document, found, rules, settings.preferences, markets, now.isoformat(), facts)
    write_json(out.resolve().as_uri(), mapped)
    _show(found, mapped["metadata"]["mapping_stats"])
    typer.echo(str(out))
    if troubles and len(troubles) == len(found):
        raise troubles[0]


def _answers(
    asked: dict[str, Callable[[], list[Mapping]]], members: list[Instrument]
) -> tuple[dict[str, list[Mapping]], list[PolybrokerError]]:
    """What every broker, or its list, says; one in trouble is `unavailable`, told, and does not stop the others."""
    found: dict[str, list[Mapping]] = {}
    troubles: list[PolybrokerError] = []
    for name, ask in asked.items():
        try:
            found[name] = ask()
        except PolybrokerError as error:
            typer.echo(f"{name}: {type(error).__name__}: {error}")
            found[name] = unavailable(members, name)
            troubles.append(error)
    return found, troubles


def _document(path: Path, settings: Settings, now: datetime) -> dict[str, Any]:
    """The universe as step 2 makes it, out of a universe.json of this or the old system."""
    if not path.is_file():
        raise InputError("expected a universe.json", source=path)
    screens = [read_screen(source, settings.markets) for source in find_screens(str(path), now.date())]
    return universe_document(screens, as_of=now.date(), created_at=now.isoformat())


def _names(brokers: str | None, settings: Settings) -> list[str]:
    names = [name.strip() for name in brokers.split(",")] if brokers else list(settings.active_brokers)
    for name in names:
        settings.check_adapter(name, "--brokers")
    return names


def files_of_brokers(lists: list[str], settings: Settings) -> dict[str, Path]:
    """Broker name to its file, out of `NAME=FILE`; the broker's list can be read."""
    found: dict[str, Path] = {}
    for text in lists:
        name, _, path = text.partition("=")
        if not name or not path:
            raise InputError("expected NAME=FILE, e.g. binance=exchangeInfo.json", source="--list", value=text)
        list_reader(name, settings.brokers)
        if name in found:
            raise InputError("expected each broker once", source="--list", value=text)
        found[name] = Path(path)
    return found


def _in_list(name: str, path: Path, members: list[Instrument], settings: Settings, as_of: date) -> list[Mapping]:
    """What a list says. No API tells ISINs in its list, so a name alone proves nothing there. Raises `InputError` as below."""
    table = listed_contracts(name, path, settings, as_of)
    typer.echo(f"{name}: {path} lists {table.num_rows} contracts")
    return answers(members, table, name, settings.eligibility[name], settings.markets, knows_isin=False)


def listed_contracts(name: str, path: Path, settings: Settings, as_of: date) -> pa.Table:
    """The contracts of a downloaded list, a table of `CONTRACT_SCHEMA`.

    Raises:
        InputError: There is no such file, or it is not such a list.
    """
    read = list_reader(name, settings.brokers)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"expected a list of {name} as its API sends it: the file does not exist", source=path) from error
    except OSError as error:
        raise InputError(f"expected a list of {name} that can be read: {error.strerror or error}", source=path) from error
    try:
        return pa.Table.from_batches(read(content, settings.brokers[name], as_of), schema=CONTRACT_SCHEMA)
    except BrokerUnavailable as error:
        raise InputError(f"expected a list of {name} as its API sends it: {error}", source=path) from error


def _at_broker(name: str, members: list[Instrument], settings: Settings, database: Database) -> list[Mapping]:
    typer.echo(f"{name}: asking for {len(members)} instruments ...")
    rule, markets = settings.eligibility[name], settings.markets
    asked = [instrument for instrument in members if eligible(instrument, rule, markets)]
    reader = reading_account(name, settings.portfolios)
    with (
        contracts_turn(name, settings, database, "polybroker map"),
        open_account(reader, settings, database, connects_when_asked=True) as broker,
    ):
        table = pa.Table.from_batches(list(broker.contracts(asked)), schema=CONTRACT_SCHEMA)
        return answers(members, table, name, rule, markets, broker.capabilities.knows_isin)


def _show(found: dict[str, list[Mapping]], stats: dict[str, Any]) -> None:
    table = Table("broker", *(status.value for status in MappingStatus))
    for name, mappings in found.items():
        table.add_row(name, *(str(sum(m.status is status for m in mappings)) for status in MappingStatus))
    console = Console()
    console.print(table)
    console.print(
        f"{stats['total_stocks']} instruments: {stats['fully_mapped']} at every eligible broker, "
        f"{stats['partially_mapped']} at some, {stats['unmapped']} at none"
    )
