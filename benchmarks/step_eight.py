"""Step 8 as the pipeline runs it, cold and warm, over the real client libraries; its answers held against the truth file."""

import csv
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.world import World
from include.brokers.base import BrokerContext
from include.brokers.opening import reading_account
from include.brokers.registry import create_broker
from include.cli.pipeline import Pipeline
from include.cli.wiring import open_account
from include.domain.account import Account, Environment
from include.domain.run import Run
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import read_catalogue
from include.sandbox.folder import HOST, account_code, starting_cash
from include.sandbox.ibkr.server import running_ibkr_venue
from include.steps.match_instruments import match_instruments
from include.steps.refresh_contracts import refresh_contracts
from include.steps.resolve_run import resolve_run
from include.steps.wanted import wanted_by_run
from include.storage.artifacts import read_json
from include.storage.contract_lists import ContractLists
from include.storage.run_folder import RunFolder


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
        with open_account(reading_account(name, run.portfolios), at.settings, at.database) as broker:
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


def busiest_second(at: World, run: Run) -> tuple[int, int]:
    """(most messages in any one second, all messages) that IBKR's venue saw for a cold step 8, by its own log."""
    wanted = wanted_by_run(run, at.database, at.settings)
    listings = read_catalogue(at.settings.environ.sandbox_dir / "catalogue.parquet", "ibkr")
    book = VenueBook(listings, account_code=account_code("ibkr", "benchmark"), cash=starting_cash("ibkr"))
    account = Account(account_id="benchmark", broker="ibkr", environment=Environment.SANDBOX)
    with running_ibkr_venue(book) as port:
        context = BrokerContext(credentials={"host": HOST, "port": str(port)}, config=at.settings.brokers["ibkr"])
        with create_broker(account, context, at.settings.brokers) as broker:
            for _ in broker.contracts(wanted):
                pass
    times = [moment for moment, kind, _ in book.requests if kind != "closed"]
    return max(sum(start <= other < start + 1.0 for other in times) for start in times), len(times)


def targets(run: Run) -> tuple[float, dict[str, float]]:
    """Sum of all targets, and the screens' weights."""
    document = read_json(RunFolder(run.folder).universe)
    total = sum(stock["final_target"] for stock in document["all_stocks"].values())
    return total, document["metadata"]["portfolio_optimization"]["optimal_allocations"]
