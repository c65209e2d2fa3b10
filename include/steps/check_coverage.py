"""Step 8, the gate: was enough of the portfolio found to trade it at all?"""

from typing import Any

from include.domain.coverage import Coverage, Member
from include.domain.run import Run
from include.errors import NotPermitted
from include.mapping.coverage import measure, members, per_broker, rejected_instruments
from include.quality.decision import STOP, decide, heaviest
from include.quality.frames import coverage_frame, found_frame, mapping_frame, matched_frame
from include.quality.gate import validate
from include.quality.suites import coverage_suite, found_suite, mapping_suite, matched_suite
from include.settings import Options, Settings, parse
from include.storage.artifacts import read_json, write_bytes, write_json
from include.storage.run_folder import RunFolder


def check_coverage(run: Run, settings: Settings) -> dict[str, Any]:
    """Write `coverage.json` and the Data Docs, and decide: `pass`, `approval` or `fail`.

    Returns:
        `{"uri", "decision", "coverage_pct", "reasons"}`.

    Raises:
        NotPermitted: The decision is `fail`. Both are written before; nothing is planned after.
        InputError: `universe_mapped.json` is missing or carries no weights that are numbers.
    """
    folder = RunFolder(run.folder)
    document = read_json(folder.universe_mapped)
    # A run's options also hold what else it used (markets, notes): that is not for this model.
    options = parse(Options, {k: v for k, v in run.options.items() if k in Options.model_fields}, folder.run, "options")
    # A mapping that is held counts as mapped: it was found, and is traded once a person has seen what changed. Orders tell apart.
    rows = members(document, settings.eligibility, settings.markets)
    coverage = measure(rows, rejected_instruments(document))
    mappings = mapping_frame(document)
    failures, docs = validate(
        [
            ("coverage", coverage_suite(options), coverage_frame(coverage)),
            ("mappings", mapping_suite(), mappings),
            ("found", found_suite(), found_frame(mappings)),
            ("matched", matched_suite(), matched_frame(mappings)),
        ],
        run.as_of.isoformat(),
    )
    for name, content in docs.items():
        write_bytes(f"{folder.data_docs}/{name}", content)
    decision, reasons = decide(failures, coverage, options)
    if not any(settings.eligibility[broker].counts for broker in run.brokers):
        reasons.append(
            f"no broker of this run counts ({', '.join(run.brokers)}): one that mirrors another is run beside the one it mirrors"
        )
    written = {
        **_figures(coverage, options),
        "decision": decision,
        "reasons": reasons,
        "brokers_unavailable": document["metadata"]["brokers_unavailable"],
        "per_broker": per_broker(document, settings.eligibility, settings.markets),
        "missing": [_told(row) for row in coverage.missing],
        "partial": [_told(row) for row in coverage.partial],
    }
    uri = write_json(folder.coverage, written)
    if decision == STOP:
        missing = heaviest(coverage.missing)
        raise NotPermitted(f"nothing is planned: {'; '.join(reasons)}" + (f". Not found: {missing}" if missing else ""))
    return {"uri": uri, "decision": decision, "coverage_pct": coverage.coverage_pct, "reasons": reasons}


def _figures(coverage: Coverage, options: Options) -> dict[str, Any]:
    return {
        "by_count_pct": coverage.by_count_pct,
        "by_weight_pct": coverage.by_weight_pct,
        "coverage_pct": coverage.coverage_pct,
        "multi_broker_pct": coverage.multi_broker_pct,
        "multi_broker_raw_pct": coverage.multi_broker_raw_pct,
        "instruments": coverage.instruments,
        "mapped": coverage.mapped,
        "rejected": coverage.rejected,
        "weight": float(coverage.weight),
        "mapped_weight": float(coverage.mapped_weight),
        "thresholds": {
            "fail_pct": options.coverage_fail_pct,
            "approval_pct": options.coverage_approval_pct,
            "multi_broker_warning_pct": options.multi_broker_warning_pct,
        },
        "on_low_coverage": options.on_low_coverage,
    }


def _told(row: Member) -> dict[str, Any]:
    return {"ticker": row.ticker, "name": row.name, "weight": float(row.weight), "reasons": dict(row.reasons)}
