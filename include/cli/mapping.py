"""`polybroker map`: step 8 alone, for a universe.json of this or the old system."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from include.brokers.opening import reading_account
from include.brokers.registry import declared_capabilities
from include.cli.wiring import open_account, project_database
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import Instrument
from include.domain.mapping import Mapping, MappingStatus
from include.errors import InputError, PolybrokerError
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
    brokers: Annotated[str | None, typer.Option(help="Names with commas; default: the active ones.")] = None,
) -> None:
    """Find every instrument of a universe at several brokers.

    Example: `polybroker map --universe data/runs/latest/universe.json --brokers ibkr,alpaca --out universe_mapped.json`
    """
    settings = load_settings()
    now = datetime.now(UTC)
    document = _document(universe, settings, now)
    names = [name.strip() for name in brokers.split(",")] if brokers else list(settings.active_brokers)
    for name in names:
        if name not in settings.brokers:
            raise InputError(f"expected brokers out of {', '.join(settings.brokers)}", source="--brokers", value=name)
    members = instruments_of(document)
    found: dict[str, list[Mapping]] = {}
    troubles: list[PolybrokerError] = []
    with project_database(settings) as database:
        for name in names:
            typer.echo(f"{name}: asking for {len(members)} instruments ...")
            try:
                found[name] = _at_broker(name, members, settings, database)
            except PolybrokerError as error:
                typer.echo(f"{name}: {type(error).__name__}: {error}")
                found[name] = unavailable(members, name)
                troubles.append(error)
    rules, markets = settings.eligibility, settings.markets
    facts = facts_of(settings, declared_capabilities(settings.brokers, names))
    mapped = merge(document, found, rules, settings.preferences, markets, now.isoformat(), facts)
    write_json(out.resolve().as_uri(), mapped)
    _show(found, mapped["metadata"]["mapping_stats"])
    typer.echo(str(out))
    if len(troubles) == len(names):
        raise troubles[0]


def _document(path: Path, settings: Settings, now: datetime) -> dict[str, Any]:
    """The universe as step 2 makes it, out of a universe.json of this or the old system."""
    if not path.is_file():
        raise InputError("expected a universe.json", source=path)
    screens = [read_screen(source, settings.markets) for source in find_screens(str(path), now.date())]
    return universe_document(screens, as_of=now.date(), created_at=now.isoformat())


def _at_broker(name: str, members: list[Instrument], settings: Settings, database: Database) -> list[Mapping]:
    rule, markets = settings.eligibility[name], settings.markets
    asked = [instrument for instrument in members if eligible(instrument, rule, markets)]
    reader = reading_account(name, settings.portfolios)
    with contracts_turn(name, settings, database, "polybroker map"), open_account(reader, settings, database) as broker:
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
