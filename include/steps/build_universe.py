"""Step 2: one universe out of all screens, and the input gate."""

from typing import Any

from include.domain.run import Run
from include.screening.universe import gate_reasons, universe_document
from include.steps.fetch_screens import load_screens
from include.storage.artifacts import exists, read_json, write_json
from include.storage.run_folder import RunFolder


def build_universe(run: Run) -> str:
    """Write `stages/build_universe.json` and `input_gate.json`; returns the URI of the first.

    Raises:
        InputError: A screen of the run is missing or damaged, or nothing usable is left of one.
    """
    folder = RunFolder(run.folder)
    document = universe_document(load_screens(run), as_of=run.as_of, created_at=run.run_after.isoformat())
    reasons = gate_reasons(
        document,
        _previous(run),
        max_rejected_pct=run.options["max_rejected_pct"],
        max_membership_change_pct=run.options["max_membership_change_pct"],
    )
    write_json(folder.input_gate, {"reasons": reasons})
    return write_json(folder.stage("build_universe"), document)


def _previous(run: Run) -> dict[str, Any] | None:
    """The universe of the run before; None where it got none (a run that failed earlier) or there was no run."""
    if run.previous is None:
        return None
    before = RunFolder(run.previous)
    for uri in (before.universe, before.stage("build_universe")):
        if exists(uri):
            document: dict[str, Any] = read_json(uri)
            return document
    return None
