"""A planned run, ready for sending: its files, a database with its plan, and the venues of its accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.brokers.base import Broker, ResendClass
from include.domain.order import Order, Side
from include.domain.run import Run
from include.steps.reconcile_orders import reconcile_orders
from include.steps.submit_orders import submit_orders
from include.storage.artifacts import read_bytes, read_json, sha256, to_json, write_json
from include.storage.database import Database, open_database, upgrade
from include.storage.journal import Journal
from include.storage.run_folder import RunFolder
from include.storage.snapshots import SnapshotStore
from include.storage.tables import snapshots
from tests.fakes.broker import FakeBroker, FakeVenue
from tests.fakes.orders import PLANNED_AT, SESSION, Clock, make_account, make_portfolio, make_run


@dataclass
class Execution:
    """One run with one portfolio `main`. Venues by account id; a venue that is `away` cannot be opened."""

    run: Run
    database: Database
    venues: dict[str, FakeVenue]
    clock: Clock = field(default_factory=Clock)
    kill_switch: bool = False
    waits: Any = None  # called with (execution) on every wait

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.run.folder)

    @property
    def journal(self) -> Journal:
        return Journal(self.database)

    @contextmanager
    def open(self, account_id: str) -> Iterator[Broker]:
        with FakeBroker(self.venues[account_id], make_account(account_id)) as broker:
            yield broker

    def wait(self, seconds: float) -> None:
        self.clock.wait(seconds)
        if self.waits:
            self.waits(self)

    def submit(self, account_id: str = "fake-main", approval_needed: bool = False, **changes: Any) -> dict[str, Any]:
        with self.open(account_id) as broker:
            return submit_orders(
                changes.pop("run", self.run),
                account_id,
                broker,
                self.database,
                approval_needed=approval_needed,
                kill_switch=lambda: self.kill_switch,
                now=self.clock.now,
                wait=self.clock.wait,
                **changes,
            )

    def submission(self, account_id: str = "fake-main") -> dict[str, Any]:
        document: dict[str, Any] = read_json(self.folder.submission(account_id))
        return document

    def outcomes(self, account_id: str = "fake-main") -> dict[str, tuple[str, str | None]]:
        return {row["ticker"]: (row["outcome"], row["reason"]) for row in self.submission(account_id)["orders"]}

    def reconcile(self) -> dict[str, Any]:
        report: dict[str, Any] = read_json(
            reconcile_orders(self.run, self.open, self.database, now=self.clock.now, wait=self.wait)
        )
        return report

    def report(self) -> dict[str, Any]:
        document: dict[str, Any] = read_json(self.folder.execution_report)
        return document


def plan_entry(orders: list[Order], **changes: Any) -> dict[str, Any]:
    return {
        "run_id": "scheduled__2026-01-05",
        "revision": 1,
        "environment": "sandbox",
        "base_currency": "EUR",
        "nav": "10000",
        "plan_only": False,
        "plan_only_reason": None,
        "orders": [order.model_dump(mode="json") for order in orders],
        "held": [],
        "unmanaged": [],
        "problems": [],
        **changes,
    }


def write_plan(execution: Execution, orders: list[Order], blocked: dict[str, str] | None = None, **changes: Any) -> None:
    """Write orders.json, risk.json and sizes.json, and store and register the plan as plan_orders does.

    What the plan sells is held at its venue, unless a test has put something else there.
    """
    for order in orders:
        if order.side is Side.SELL and order.account in execution.venues:
            execution.venues[order.account].opening.setdefault(order.contract.native_id, order.quantity)
    entry = plan_entry(orders, **changes)
    folder = execution.folder
    write_json(folder.orders, {"as_of": SESSION, "portfolios": {"main": entry}})
    write_risk(execution, blocked)
    positions = {
        order.ticker: {
            "target_weight": str(order.target_quantity * order.quote_price / order.fx_rate / 10_000),
            "price": str(order.quote_price),
            "currency": order.contract.currency,
            "fx_rate": str(order.fx_rate),
        }
        for order in orders
    }
    write_json(folder.sizes("main"), {"portfolio_id": "main", "nav": "10000", "positions": positions})
    execution.journal.store_plan("main", SESSION, entry["revision"], to_json(entry))
    execution.journal.register(orders)


def write_risk(execution: Execution, blocked: dict[str, str] | None = None, stopped: dict[str, str] | None = None) -> None:
    """Write risk.json about orders.json as it stands."""
    digest = sha256(read_bytes(execution.folder.orders))
    risk = {"orders_sha256": digest, "blocked": blocked or {}, "portfolios": stopped or {}, "findings": []}
    write_json(execution.folder.risk, risk)


def another_run(execution: Execution, *accounts: str) -> Execution:
    """The user triggers the session once more, over these accounts: the stored plan comes back."""
    folder = f"{execution.run.folder}-again"
    run = make_run(folder, make_portfolio(*accounts or execution.venues), run_id="manual__2")
    again = replace(execution, run=run)
    for name in ("orders", "risk"):
        write_json(getattr(again.folder, name), read_json(getattr(execution.folder, name)))
    write_json(again.folder.sizes("main"), read_json(execution.folder.sizes("main")))
    take_snapshots(again)
    return again


def make_execution(
    folder: Path, *accounts: str, resend: ResendClass = ResendClass.DUPLICATE_REFUSED, fill_share: str = "1"
) -> Execution:
    """A run over these accounts, with snapshots taken, an empty plan, and venues that quote contracts 101 to 104 at 50."""
    names = accounts or ("fake-main",)
    url = f"sqlite:///{folder / 'polybroker.db'}"
    upgrade(url)
    venues = {name: FakeVenue(resend, Decimal(fill_share)) for name in names}
    for venue in venues.values():
        venue.prices = {native_id: Decimal(50) for native_id in ("101", "102", "103", "104")}
    run = make_run((folder / "run").as_uri(), make_portfolio(*names))
    execution = Execution(run, open_database(url), venues)
    take_snapshots(execution)
    return execution


def take_snapshots(execution: Execution) -> None:
    """What fetch_accounts leaves, as if this were the run's first look at its accounts."""
    with execution.database.write() as connection:
        connection.execute(snapshots.delete().where(snapshots.c.run_id == execution.run.run_id))
    for account_id, venue in execution.venues.items():
        snapshot = FakeBroker(venue, make_account(account_id)).snapshot(SESSION, PLANNED_AT)
        SnapshotStore(execution.database).save(snapshot, execution.run.run_id)
        write_json(execution.folder.account(account_id), snapshot)
