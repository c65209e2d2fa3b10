"""Step 8: what every broker said, in one document."""

from collections.abc import Sequence
from typing import Any

from include.domain.mapping import Mapping
from include.domain.run import Run
from include.errors import InputError
from include.mapping.merge import instruments_of, legacy, merge, unavailable
from include.settings import Settings
from include.steps.mapping_difference import held_back
from include.storage.artifacts import read_json, write_json
from include.storage.run_folder import RunFolder


def merge_mappings(run: Run, delivered: Sequence[dict[str, Any] | None], settings: Settings) -> str:
    """Write `universe_mapped.json` (and, if `write_legacy`, `universe_with_ibkr.json`); returns its URI.

    A broker of the run that is not among `delivered` is `unavailable`: its `mapping.json` says so too, whatever an earlier try
    left there, so that later steps see what was merged.

    Args:
        run: The run; every broker of `run.brokers` appears.
        delivered: Results of `match_instruments`; a failed broker's is absent or None.
        settings: Eligibility, preferences, markets.

    Raises:
        InputError: A result names no broker of the run, or a file is missing.
    """
    folder = RunFolder(run.folder)
    universe = read_json(folder.universe)
    members = instruments_of(universe)
    results = {str(result["broker"]): str(result["uri"]) for result in delivered if result}
    for broker in results:
        if broker not in run.brokers:
            raise InputError(f"expected brokers out of {', '.join(run.brokers)}", source="match_instruments", value=broker)
    by_broker: dict[str, list[Mapping]] = {}
    for broker in run.brokers:
        if broker in results:
            by_broker[broker] = [Mapping.model_validate(row) for row in read_json(results[broker])["mappings"]]
        else:
            by_broker[broker] = unavailable(members, broker)
            _write_unavailable(folder, run, broker, by_broker[broker])
    created_at = run.run_after.isoformat()
    con_ids = frozenset(name for name, config in settings.brokers.items() if "ibkr" in (name, config.get("mirrors")))
    held = {broker: {row["ticker"]: row["changes"] for row in held_back(run, broker)} for broker in results}
    document = merge(universe, by_broker, settings.eligibility, settings.preferences, settings.markets, created_at, con_ids, held)
    if run.options.get("write_legacy", True):
        write_json(folder.universe_with_ibkr, legacy(universe, by_broker.get("ibkr", [])))
    return write_json(folder.universe_mapped, document)


def _write_unavailable(folder: RunFolder, run: Run, broker: str, mappings: list[Mapping]) -> None:
    document = {"broker": broker, "contracts": None, "fetched_at": run.run_after.isoformat(), "mappings": mappings}
    write_json(folder.mapping(broker), document)
