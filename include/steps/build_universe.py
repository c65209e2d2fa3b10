"""Step 2: one universe out of all screens, and the input gate."""

from typing import Any

from include.domain.run import Run
from include.errors import InputError
from include.screening.universe import gate_reasons, universe_document
from include.steps.fetch_screens import load_screens
from include.steps.identities import Enrich
from include.steps.resolve_run import load_run
from include.storage.artifacts import exists, read_json, write_json
from include.storage.run_folder import RunFolder


def build_universe(run: Run, enrich: Enrich | None = None) -> str:
    """Write `stages/build_universe.json` and `input_gate.json`; returns the URI of the first.

    Rows without an ISIN get one where the run's sources of identities are certain (option `identity`, docs/mapping.md).

    Args:
        run: The run.
        enrich: From `include.steps.identities.open_identities`; None leaves rows as the screens have them.

    Raises:
        InputError: A screen of the run is missing or damaged, or nothing usable is left of one.
    """
    folder = RunFolder(run.folder)
    document = universe_document(load_screens(run), as_of=run.as_of, created_at=run.run_after.isoformat())
    if enrich:
        document = enrich(document)
    reasons = gate_reasons(
        document,
        _previous(run),
        max_screen_age_days=run.options["max_screen_age_days"],
        max_rejected_pct=run.options["max_rejected_pct"],
        max_membership_change_pct=run.options["max_membership_change_pct"],
    )
    write_json(folder.input_gate, {"reasons": reasons})
    return write_json(folder.stage("build_universe"), document)


def _previous(run: Run) -> dict[str, Any] | None:
    """The universe to compare with: that of the newest run before whose own gate was open, or whose orders were let through.

    A run that failed early, or whose question was answered with no, must not become the measure: the same change would
    then pass unasked the next time. None where there is no such run.
    """
    uri = run.previous
    while uri is not None:
        before = RunFolder(uri)
        if _passed(before):
            for document in (before.universe, before.stage("build_universe")):
                if exists(document):
                    found: dict[str, Any] = read_json(document)
                    return found
        uri = _run_before(before)
    return None


def _passed(folder: RunFolder) -> bool:
    """Whether nothing was to be asked about a run's input, or its orders were followed (so a person had said yes)."""
    return exists(folder.execution_report) or (exists(folder.input_gate) and not read_json(folder.input_gate)["reasons"])


def _run_before(folder: RunFolder) -> str | None:
    try:
        return load_run(folder.run).previous
    except InputError:  # gone or damaged
        return None
