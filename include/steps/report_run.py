"""Step 11b: write the report and point `latest` to this run, whatever happened before."""

from collections.abc import Callable
from typing import Any

from include.domain.run import Run
from include.storage.artifacts import exists, read_json, write_bytes
from include.storage.latest import latest, set_latest
from include.storage.run_folder import RunFolder
from include.trading.report import render


def report_run(run: Run, data_uri: str) -> str:
    """Write `report.md` out of the files that stand; returns its URI.

    `latest` moves to this run unless it is a backfill or older than the run it points to.

    Args:
        run: The run.
        data_uri: Root of the artifacts.
    """
    folder = RunFolder(run.folder)
    files = {
        "run": folder.run,
        "universe": folder.universe,
        "input_gate": folder.input_gate,
        "coverage": folder.coverage,
        "orders": folder.orders,
        "risk": folder.risk,
        "execution": folder.execution_report,
    }
    documents: dict[str, Any] = {name: read_json(uri) for name, uri in files.items() if exists(uri)}
    sizes = {p.portfolio_id: folder.sizes(p.portfolio_id) for p in run.portfolios}
    documents["sizes"] = {portfolio: read_json(uri) for portfolio, uri in sizes.items() if exists(uri)}
    documents["mapping_changes"] = _per_broker(run, folder.mapping_changes)
    documents["list_changes"] = _per_broker(run, folder.list_changes)
    uri = write_bytes(folder.report, render(documents).encode())
    if not run.is_backfill and not _is_older(run, latest(data_uri)):
        set_latest(data_uri, run.folder)
    return uri


def _per_broker(run: Run, uri_of: Callable[[str], str]) -> dict[str, Any]:
    return {broker: read_json(uri_of(broker)) for broker in run.brokers if exists(uri_of(broker))}


def _is_older(run: Run, newest: str | None) -> bool:
    """Whether a newer run is the latest already: clearing a task of an older one must not bring that back."""
    if newest is None or not exists(RunFolder(newest).run):
        return False
    other = Run.model_validate(read_json(RunFolder(newest).run))
    return (run.as_of, run.run_after) < (other.as_of, other.run_after)
