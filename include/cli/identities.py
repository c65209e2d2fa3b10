"""`polybroker identities`: the local table of identities, built from files that the user has."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
import typer
from rich.console import Console
from rich.table import Table

from include.domain.instrument import AssetClass
from include.errors import InputError
from include.identity.csv_file import Given, read_csv
from include.identity.table import IDENTITY_SCHEMA, SUPERSEDED, claims, merged, symbol_of, validated
from include.settings import load_settings
from include.steps.identities import table_uri
from include.storage.artifacts import read_bytes, read_table, write_table

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="A local table of identities (ISIN, FIGI, CUSIP per symbol), from which rows without an ISIN get one.",
    epilog="Example: `polybroker identities build --out data/identities.parquet --from exchange=list.csv --asset-class stock`",
)

TableFile = Annotated[Path, typer.Argument(help="The parquet file.")]


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="The parquet file; what it holds already is kept.")],
    source: Annotated[list[str], typer.Option("--from", help="NAME=FILE.csv, may be given several times.")],
    day: Annotated[str | None, typer.Option("--date", help="Day of the files, e.g. 2026-01-31; default: today.")] = None,
    asset_class: Annotated[AssetClass | None, typer.Option(help="For files without such a column.")] = None,
) -> None:
    """Add the rows of CSV files to the table, with their source and date.

    Needed columns, known by their headers: isin, symbol (or ticker), currency, name, and asset_class unless it is given. Further
    ones: market (id or MIC; without it tickers are Yahoo-style, as 7203.T), figi, share_class_figi, cusip, date. Rows that cannot
    be used are listed and left out.

    Example: `polybroker identities build --out data/identities.parquet --from nasdaq=listed.csv --asset-class stock`
    """
    now = datetime.now(UTC)
    said_on = _day(day, now.date())
    markets = load_settings().markets
    uri = out.resolve().as_uri()
    table = validated(read_table(uri), out) if out.exists() else IDENTITY_SCHEMA.empty_table()
    before, refused = table.num_rows, 0
    for name, file in map(_named, source):
        given = Given(name, said_on, asset_class, now)
        rows, bad = read_csv(read_bytes(file.resolve().as_uri()), file, given, markets)
        for row in bad:
            typer.echo(f"refused: {file}, line {row.line}, {row.field} {row.value!r}: {row.reason}")
        typer.echo(f"{name}: {rows.num_rows} rows taken, {len(bad)} refused")
        table, refused = merged(table, rows), refused + len(bad)
    if not table.num_rows:
        raise InputError("expected at least one usable row", source="--from")
    write_table(uri, table)
    typer.echo(f"{out}: {table.num_rows} statements, {table.num_rows - before} of them new; {refused} rows refused")


@app.command()
def check(file: TableFile) -> None:
    """Count statements by source, tell their ages, and name every contradiction. Example: `polybroker identities check FILE`."""
    table = _read(file)
    today = datetime.now(UTC).date()
    console = Console(soft_wrap=True)
    shown = Table("source", "statements", "oldest", "newest", "age in days")
    counted = table.group_by("source").aggregate([("isin", "count"), ("source_date", "min"), ("source_date", "max")])
    for row in counted.sort_by("source").to_pylist():
        newest = row["source_date_max"]
        shown.add_row(row["source"], str(row["isin_count"]), str(row["source_date_min"]), str(newest), str((today - newest).days))
    console.print(shown)
    said = claims(table, today)
    doubt = said["doubt"]
    contradicted = said.filter(pc.fill_null(pc.not_equal(doubt, SUPERSEDED), False))
    for row in contradicted.sort_by([(name, "ascending") for name in ("market", "symbol", "currency", "isin")]).to_pylist():
        typer.echo(f"{_listing(row)}: {row['isin']} {row['name']!r} ({row['source']}, {row['source_date']}): {row['doubt']}")
    superseded = pc.sum(pc.fill_null(pc.equal(doubt, SUPERSEDED), False)).as_py() or 0
    usable = said.num_rows - contradicted.num_rows - superseded
    typer.echo(f"{said.num_rows} listings: {usable} usable, {contradicted.num_rows} contradicted, {superseded} superseded")


@app.command()
def find(
    ticker: Annotated[str, typer.Argument(help="Yahoo-style ticker, or a symbol with --market.")],
    file: Annotated[Path | None, typer.Option("--table", help="Default: option identity.table.")] = None,
    market: Annotated[str | None, typer.Option(help="Id in markets.yaml, e.g. XTKS; default: by the ticker's suffix.")] = None,
) -> None:
    """Show everything the table says of a symbol. Example: `polybroker identities find 7203.T`."""
    settings = load_settings()
    location = str(file) if file else settings.options.identity.table
    if not location:
        raise InputError("expected --table, or the option identity.table in polybroker.yaml", source="--table")
    if market is None:
        suffix = ticker.partition(".")[2]
        by_suffix = {one.yahoo_suffix: one.market for one in settings.markets.values()}
        if suffix not in by_suffix:
            known = ", ".join(f".{one}" for one in by_suffix if one)
            raise InputError(
                f"no market has the suffix .{suffix}: expected {known}, none, or --market", source="ticker", value=ticker
            )
        market = by_suffix[suffix]
    if market not in settings.markets:
        raise InputError(f"expected one of {', '.join(settings.markets)}", source="--market", value=market)
    table = _read(file) if file else validated(read_table(table_uri(location)), location)
    said = claims(table, datetime.now(UTC).date())
    symbol = symbol_of(ticker, settings.markets[market])
    hits = said.filter(pc.and_(pc.equal(said["market"], market), pc.equal(said["symbol"], symbol)))
    for row in hits.sort_by([("currency", "ascending"), ("source_date", "ascending"), ("isin", "ascending")]).to_pylist():
        numbers = ", ".join(f"{name} {row[name]}" for name in ("figi", "share_class_figi", "cusip") if row[name])
        typer.echo(
            f"{_listing(row)}: {row['isin']} {row['asset_class']} {row['name']!r}, {row['source']} {row['first_date']} to "
            f"{row['source_date']}{', ' + numbers if numbers else ''}{': ' + row['doubt'] if row['doubt'] else ''}"
        )
    if not hits.num_rows:
        typer.echo(f"{symbol} on {market}: the table says nothing")


def _read(file: Path) -> pa.Table:
    return validated(read_table(file.resolve().as_uri()), file)


def _listing(row: dict[str, str]) -> str:
    return f"{row['symbol']} on {row['market']} in {row['currency']}"


def _named(text: str) -> tuple[str, Path]:
    name, mark, file = text.partition("=")
    if not (mark and name.strip() and file):
        raise InputError("expected NAME=FILE.csv", source="--from", value=text)
    return name.strip(), Path(file)


def _day(text: str | None, today: date) -> date:
    try:
        said = date.fromisoformat(text) if text else today
    except ValueError as error:
        raise InputError("expected a date such as 2026-01-31", source="--date", value=text) from error
    if said > today:
        raise InputError("expected a day that has come", source="--date", value=text)
    return said
