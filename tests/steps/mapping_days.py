"""Day after day through step 8 at one broker: what differs from the day before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from include.domain.contract import Contract
from include.domain.portfolio import ExecutionMode
from include.domain.run import Run
from include.settings import load_settings
from include.steps.mapping_difference import held_back
from include.steps.match_instruments import match_instruments
from include.steps.plan_orders import plan_orders
from include.steps.wanted import wanted_by_run
from include.storage.artifacts import read_bytes, read_json, write_json
from include.storage.contract_lists import write_contracts
from include.storage.database import Database
from include.storage.run_folder import RunFolder
from include.storage.seen_mappings import SeenMappings
from tests.mapping.build import contract, table
from tests.steps.planning import Desk
from tests.steps.run_files import AFTER_CLOSE, make_run, stock, write_inputs
from tests.trading.build import portfolio

SETTINGS = load_settings()


SOURCE = "ibkr-sbx"


ONLY_IBKR = portfolio(accounts=portfolio().accounts[:1])


NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


IBM = contract("2", "IBM", "IBM Inc", "XNYS")


def apple(native_id: str = "265598", **changes: Any) -> Contract:
    return contract(native_id, "AAPL", "AAPL Inc", "XNAS", **changes)


class Days:
    """One run per day; day 1 is Friday the 20th of November 2026."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database

    def run(
        self,
        day: int,
        *listed: Contract,
        price: float = 200.0,
        name: str = "",
        ibm: Contract = IBM,
        match: bool = True,
        **changes: Any,
    ) -> Run:
        """A run up to its mappings; only IBKR is there."""
        session = AFTER_CLOSE + timedelta(days=0 if day == 1 else day + 1)  # the weekend
        values = {"run_id": f"day-{day}{name}", "as_of": session.date(), "run_after": session, "brokers": ("ibkr",)}
        values |= {"portfolios": (ONLY_IBKR,)}
        folder = self.folder / "runs" / f"day-{day}{name}"
        run = make_run(folder, **{**values, "mode": ExecutionMode.PAPER, **changes})
        write_inputs(run)
        document = read_json(RunFolder(run.folder).universe)
        document["all_stocks"] = {"AAPL": stock("AAPL", price=price, isin=None), "IBM": stock("IBM", isin=None)}
        document["metadata"]["exchange_rates"]["needed"] = []
        write_json(RunFolder(run.folder).universe, document)
        told = {"source": SOURCE, "knows_isin": "true", "fetched_at": session.isoformat()}
        write_contracts(RunFolder(run.folder).contracts("ibkr"), table(*listed, ibm).to_batches(), told)
        if match:
            self.match(run)
        return run

    def match(self, run: Run) -> bytes:
        wanted = wanted_by_run(run, self.database, SETTINGS)
        match_instruments(run, "ibkr", wanted, SETTINGS, self.database)
        return read_bytes(RunFolder(run.folder).mapping_changes("ibkr"))

    def plan(self, run: Run) -> dict[str, Any]:
        desk = Desk(price=str(read_json(RunFolder(run.folder).universe)["all_stocks"]["AAPL"]["price"]))
        uri = plan_orders(run, desk.open, self.database, SETTINGS, run.run_after)
        return dict(read_json(uri)["portfolios"]["main"])

    def accept(self) -> list[str]:
        store = SeenMappings(self.database)
        return [one.ticker for one in store.accept(store.waiting(), "somebody", NOW)]


def words(run: Run) -> list[str]:
    return [row["reason"] for row in held_back(run, "ibkr")]


def counts(run: Run) -> dict[str, int]:
    return dict(read_json(RunFolder(run.folder).mapping_changes("ibkr"))["counts"])
