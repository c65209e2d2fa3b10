"""`polybroker run`: the whole pipeline without Airflow."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from include.brokers.matrix import documents
from include.cli.pipeline import Pipeline
from include.cli.sandbox import prepare_for
from include.cli.summary import summary
from include.cli.wiring import project_database
from include.sandbox import control
from include.settings import Settings, load_settings
from include.steps.record_configuration import record_configuration
from include.steps.resolve_run import resolve_run
from include.storage.artifacts import root_uri
from include.storage.run_folder import RunFolder


def run(
    screens: Annotated[str | None, typer.Option(help="Folder of exports, an old universe.json, or 'synthetic'.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Where runs are written (default: data/); with --sandbox also the venues' accounts and the journal."),
    ] = None,
    mode: Annotated[str, typer.Option(help="plan: stop at orders.json. paper: send to sandbox and paper accounts.")] = "plan",
    as_of: Annotated[str | None, typer.Option(help="Session, e.g. 2026-11-20; default: the last one closed.")] = None,
    method: Annotated[str | None, typer.Option(help="max_sharpe, risk_parity, min_variance or equal.")] = None,
    portfolios: Annotated[str | None, typer.Option(help="Ids with commas; default: all.")] = None,
    first_funding: Annotated[bool, typer.Option(help="This run invests a new portfolio: waives the turnover limit.")] = False,
    replan: Annotated[bool, typer.Option(help="Make a new revision of a plan that stands.")] = False,
    approve: Annotated[bool, typer.Option(help="Say yes where a person must be asked.")] = False,
    sandbox: Annotated[bool, typer.Option(help="Prepare and start the local venues for this run.")] = False,
    catalogs: Annotated[Path | None, typer.Option(help="With --sandbox: folder of real lists.")] = None,
) -> None:
    """Run every step once, and say what came out and where the report is.

    Example: `polybroker run --sandbox --screens path/to/exports --out out --mode plan`
    """
    if out is not None:
        os.environ["POLYBROKER_DATA_URI"] = root_uri(out)
    if sandbox:
        os.environ.setdefault("POLYBROKER_PROFILE", "sandbox")
        if out is not None:  # a world of its own: it leaves the venues and the journal of `make up` alone
            os.environ.setdefault("POLYBROKER_SANDBOX_DIR", str(out.resolve() / "sandbox"))
            os.environ.setdefault("POLYBROKER_DATABASE_URL", f"sqlite:///{out.resolve() / 'polybroker.db'}")
    settings = load_settings()
    now = datetime.now(UTC)
    params = {
        "screens": screens,
        "execution_mode": mode,
        "as_of": as_of,
        "method": method,
        "portfolios": portfolios.split(",") if portfolios else None,
        "first_funding": first_funding or None,
        "replan": replan or None,
    }
    with _venues(settings, sandbox, screens, catalogs), project_database(settings) as database:
        resolved = resolve_run(settings, run_id=f"cli__{now:%Y-%m-%dT%H%M%S.%f}", run_after=now, params=params)
        record_configuration(resolved, settings, documents(settings.brokers), database, now)
        typer.echo(f"session {resolved.as_of}, mode {resolved.mode.value}, brokers {', '.join(resolved.brokers)}")
        for note in resolved.options["notes"]:
            typer.echo(f"  {note}")
        try:
            Pipeline(resolved, settings, database, typer.echo).go(approve=approve)
        finally:
            for line in summary(RunFolder(resolved.folder)):
                typer.echo(line)


@contextmanager
def _venues(settings: Settings, wanted: bool, screens: str | None, catalogs: Path | None) -> Iterator[None]:
    """The local venues for the length of a run; those that ran before go on."""
    if not wanted:
        yield
        return
    folder = settings.environ.sandbox_dir
    before = {row["venue"] for row in control.status(folder) if row["running"]}
    prepare_for(settings, screens, catalogs)
    variables = dict(os.environ)
    os.environ.update(control.up(folder))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(variables)
        control.down(folder, [row["venue"] for row in control.status(folder) if row["running"] and row["venue"] not in before])
