"""Step 8 as the pipeline runs it, cold and warm, over the real client libraries; its answers held against the truth file."""

import csv
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import Section, table
from benchmarks.world import World, world
from include.brokers.opening import reading_account
from include.cli.pipeline import Pipeline
from include.cli.wiring import open_account
from include.domain.run import Run
from include.steps.match_instruments import match_instruments
from include.steps.refresh_contracts import refresh_contracts
from include.steps.resolve_run import resolve_run
from include.steps.wanted import wanted_by_run
from include.storage.artifacts import read_json
from include.storage.contract_lists import ContractLists
from include.storage.run_folder import RunFolder


def universe_section(data: Path) -> Section:
    """The user's real universe at the real lists, cold and warm."""
    print("universe: the real export and lists, cold and warm ...", flush=True)
    with world(str(data / "uncle_stock"), data) as at:
        run = new_run(at, "cold")
        cold = seconds_of_step_eight(at, run)
        counts = agreement(run, data / "uncle_stock" / "ibkr_truth.csv")
        warm = seconds_of_step_eight(at, new_run(at, "warm"))
    times = table("broker | cold | warm", [f"{name} | {cold[name]:.1f} s | {warm[name]:.1f} s" for name in cold])
    text = f"""Input: the user's real export ({len(run.screens)} screens) and the real lists, served by the local venues to
the unmodified client libraries. Cold: nothing is cached, every instrument is asked for at IBKR inside its pacing, and a
name that neither ISIN nor symbol finds costs a second. Warm: look-ups out of the database, lists not older than a day.

{times}
Known IBKR contracts: **{counts["found"]}** of {counts["expected"]} found, **{counts["wrong"]}** wrong.
{counts["absent_from_the_screens"]} more instruments of the truth file are not in today's screens; the test that maps the old
universe has them: `python -m pytest tests/mapping/test_real_lists.py -s` prints its figures.
"""
    return Section("universe", "Step 8 for the real universe", text)


def targets_section(data: Path) -> Section:
    """Weights and targets of the real export."""
    print("targets: steps 1 to 7 of the real export ...", flush=True)
    with world(str(data / "uncle_stock"), data) as at:
        total, weights = targets(new_run(at, "targets"))
    told = ", ".join(f"{name} {weight:.4f}" for name, weight in weights.items())
    return Section("targets", "Targets", f"Weights of the screens: {told}.\nSum of all targets: {total:.6f}.\n")


def new_run(at: World, name: str) -> Run:
    """A run of its own folder, planned up to step 7."""
    run = resolve_run(
        at.settings, run_id=name, run_after=datetime.now(UTC), params={"execution_mode": "paper", "first_funding": True}
    )
    Pipeline(run, at.settings, at.database, lambda _: None).targets()
    return run


def seconds_of_step_eight(at: World, run: Run) -> dict[str, float]:
    """Seconds per broker, looked up and matched one after the other, and their sum."""
    wanted = wanted_by_run(run, at.database, at.settings)
    lists = ContractLists(at.settings.environ.data_uri)
    taken: dict[str, float] = {}
    for name in run.brokers:
        start = time.perf_counter()
        with open_account(reading_account(name, run.portfolios), at.settings, at.database, connects_when_asked=True) as broker:
            refresh_contracts(run, name, broker, wanted, lists)
        match_instruments(run, name, wanted, at.settings)
        taken[name] = time.perf_counter() - start
    return {**taken, "all": sum(taken.values())}


def agreement(run: Run, truth: Path) -> dict[str, int]:
    """IBKR's mapping against the truth file: found, expected and wrong, over the rows that the universe has."""
    rows: list[dict[str, Any]] = read_json(RunFolder(run.folder).mapping("ibkr"))["mappings"]
    mapped = {row["ticker"]: row for row in rows}
    counts = {"expected": 0, "found": 0, "wrong": 0, "absent_from_the_screens": 0}
    with open(truth, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            answer = mapped.get(row["ticker"])
            if answer is None:
                counts["absent_from_the_screens"] += row["expected"] == "match"
                continue
            counts["expected"] += row["expected"] == "match"
            if answer["status"] == "matched":
                right = row["expected"] == "match" and answer["contract"]["native_id"] == row["con_id"]
                counts["found" if right else "wrong"] += 1
    return counts


def targets(run: Run) -> tuple[float, dict[str, float]]:
    """Sum of all targets, and the screens' weights."""
    document = read_json(RunFolder(run.folder).universe)
    total = sum(stock["final_target"] for stock in document["all_stocks"].values())
    return total, document["metadata"]["portfolio_optimization"]["optimal_allocations"]
