"""A small world for whole runs of the DAG: twenty stocks in a universe.json, two brokers in memory, one portfolio."""

import json
import logging
import os
import pickle
import shutil
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from stdnum import isin

from include.brokers.base import BrokerContext
from include.domain.account import Account
from include.domain.contract import Contract
from include.settings import PROJECT
from include.storage.database import upgrade
from tests.fakes.broker import FakeBroker, FakeVenue

NAMES = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ironwood", "Juniper"]
NAMES += ["Katsura", "Larch", "Maple", "Nutmeg", "Oak", "Pine", "Quince", "Rowan", "Spruce", "Teak"]
BROKERS = ("alpaca", "ibkr")
EVENING = datetime(2026, 1, 6, 22, 0, tzinfo=UTC)  # after the close of Tuesday the 6th; the venue's clock says 15:00
CONFIG = PROJECT / "include" / "config"


def stock(number: int) -> dict[str, Any]:
    """One stock of the universe; the lower the number, the higher its rank."""
    stem = f"US{number:09d}"
    return {
        "ticker": NAMES[number].upper()[:4],
        "isin": stem + isin.calc_check_digit(stem),
        "name": f"{NAMES[number]} Holdings Corp",
        "currency": "USD",
        "sector": "Wood",
        "country": "United States",
        "price": 50.0,
        "price_180d_change": f"{40 - number}.00%",
    }


def native_id(broker: str, number: int) -> str:
    """Digits at IBKR, words elsewhere."""
    return str(1000 + number) if broker == "ibkr" else f"{broker}-{number}"


def listing(broker: str, number: int) -> Contract:
    """That stock at a broker."""
    row = stock(number)
    return Contract(
        broker=broker,
        native_id=native_id(broker, number),
        symbol=row["ticker"],
        name=row["name"],
        currency="USD",
        mic="XNYS",
        isin=row["isin"],
    )


class WorldBroker(FakeBroker):
    """An adapter that the registry can make: its venue is the one of its broker's name in this process."""

    venues: ClassVar[dict[str, FakeVenue]] = {}
    listed_at: ClassVar[dict[str, list[Contract]]] = {}

    def __init__(self, account: Account, context: BrokerContext) -> None:
        super().__init__(self.venues[account.broker], account, self.listed_at[account.broker])
        self.context = context
        self.name = account.broker


class FiledBroker(WorldBroker):
    """The same for tasks in processes of their own: the venue is kept in a file between two connections."""

    def __init__(self, account: Account, context: BrokerContext) -> None:
        self.file = Path(os.environ["POLYBROKER_TEST_VENUES"]) / f"{account.broker}.pickle"
        self.venues[account.broker], self.listed_at[account.broker] = pickle.loads(self.file.read_bytes())
        super().__init__(account, context)

    def close(self) -> None:
        content = pickle.dumps((self.venue, self.listed))
        fresh = self.file.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(content)
        fresh.replace(self.file)


@dataclass
class Outcome:
    """How a run ended: its state, and the states of its tasks (a mapped task: by label or index)."""

    run_id: str
    run: str
    tasks: dict[str, str]
    folder: Path


class World:
    """The project in a temporary folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._write_config(folder / "config")
        stocks = [stock(number) for number in range(len(NAMES))]
        document = {"metadata": {"created_at": "2026-01-05"}, "screens": {"trees": {"name": "trees", "stocks": stocks}}}
        self.universe = folder / "universe.json"
        self.universe.write_text(json.dumps(document), encoding="utf-8")
        for name, value in {
            "POLYBROKER_CONFIG_DIR": str(folder / "config"),
            "POLYBROKER_DATA_URI": (folder / "data").as_uri(),
            "POLYBROKER_DATABASE_URL": f"sqlite:///{folder / 'polybroker.db'}",
            "POLYBROKER_SANDBOX_DIR": str(folder / "sandbox"),
            "POLYBROKER_KILL_SWITCH": str(folder / "KILL_SWITCH"),
            "POLYBROKER_SCREENS": str(self.universe),
            "ACTIVE_BROKERS": ",".join(BROKERS),
        }.items():
            monkeypatch.setenv(name, value)
        self.now = EVENING + timedelta(minutes=30)
        monkeypatch.setattr("include.hooks.tasks.utc_now", self._tick)
        upgrade(f"sqlite:///{folder / 'polybroker.db'}")
        for broker in BROKERS:
            WorldBroker.venues[broker] = FakeVenue()
            WorldBroker.venues[broker].prices = {native_id(broker, n): Decimal(50) for n in range(len(NAMES))}

        self.list_only(len(NAMES))

    def _tick(self) -> datetime:
        """The clock of the tasks: an evening of 2026 on which a second passes at every look."""
        self.now += timedelta(seconds=1)
        return self.now

    @staticmethod
    def forget() -> None:
        WorldBroker.venues.clear()
        WorldBroker.listed_at.clear()

    def venue(self, broker: str) -> FakeVenue:
        return WorldBroker.venues[broker]

    def list_only(self, count: int) -> None:
        """Only the first `count` stocks are listed, each at one broker: the two take turns."""
        for position, broker in enumerate(BROKERS):
            WorldBroker.listed_at[broker] = [listing(broker, number) for number in range(position, count, 2)]

    def list_everywhere(self) -> None:
        """Both brokers list every stock."""
        for broker in BROKERS:
            WorldBroker.listed_at[broker] = [listing(broker, number) for number in range(len(NAMES))]

    def forget_lists(self) -> None:
        """No list that was fetched before is kept any more."""
        shutil.rmtree(self.folder / "data" / "contracts")

    def file_venues(self) -> None:
        """From now on the venues live in files, for tasks that run in processes of their own."""
        venues = self.folder / "venues"
        venues.mkdir()
        for broker in BROKERS:
            content = pickle.dumps((WorldBroker.venues[broker], WorldBroker.listed_at[broker]))
            (venues / f"{broker}.pickle").write_bytes(content)
            _write(self.folder / "config" / "brokers" / f"{broker}.yaml", {"adapter": "tests.dags.world:FiledBroker"})
        self._monkeypatch.setenv("POLYBROKER_TEST_VENUES", str(venues))

    def filed_venue(self, broker: str) -> FakeVenue:
        """A venue as its file has it."""
        venue: FakeVenue = pickle.loads((self.folder / "venues" / f"{broker}.pickle").read_bytes())[0]
        return venue

    def asset_events(self) -> dict[str, list[dict[str, Any]]]:
        """Extras of all asset events of this world, oldest first."""
        from airflow.models.asset import AssetEvent
        from airflow.utils.session import create_session
        from sqlalchemy import select

        found: dict[str, list[dict[str, Any]]] = {}
        with create_session() as session:
            for event in session.scalars(select(AssetEvent).order_by(AssetEvent.id)).all():
                if str(event.extra.get("uri", "")).startswith((self.folder / "data").as_uri()):
                    found.setdefault(event.asset.name, []).append(dict(event.extra))
        return found

    def sent(self) -> list[str]:
        """Client order ids of every order that ever arrived anywhere."""
        return [standing.order.client_order_id for venue in WorldBroker.venues.values() for standing in venue.book]

    def run(
        self, answer: str | None = None, run_after: datetime = EVENING, mark_success: str | None = None, **params: Any
    ) -> Outcome:
        """Run the DAG once through `dag.test`.

        Args:
            answer: `Approve`, `Reject` or `expire`, for a run that asks.
            mark_success: Task id that somebody marks as a success instead of running it.
            params: Of the run.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Airflow's and pandas's own
            logging.getLogger("great_expectations").setLevel(logging.WARNING)
            return self._run(answer, run_after, mark_success, {"first_funding": True, **params})

    def _run(self, answer: str | None, run_after: datetime, mark_success: str | None, params: dict[str, Any]) -> Outcome:
        from airflow.dag_processing.dagbag import DagBag

        from include.hooks.watcher import Watcher

        dag = DagBag(PROJECT / "dags").dags["rebalance_portfolio"]
        with Watcher(dag.dag_id, run_after, answer=answer):
            run = dag.test(run_after=run_after, logical_date=None, run_conf=params, mark_success_pattern=mark_success)
        states: dict[str, str] = {}
        for instance in run.get_task_instances():
            label = "" if instance.map_index < 0 else f"[{instance.rendered_map_index or instance.map_index}]"
            states[f"{instance.task_id}{label}"] = str(getattr(instance.state, "value", instance.state))
        found = sorted((self.folder / "data" / "runs").glob(f"*/{run.run_id.replace(':', '_')}"))
        return Outcome(run.run_id, str(getattr(run.state, "value", run.state)), states, found[-1] if found else self.folder)

    def _write_config(self, config: Path) -> None:
        (config / "portfolios").mkdir(parents=True)
        for name in ("markets.yaml", "preferences.yaml"):
            (config / name).write_text((CONFIG / name).read_text(encoding="utf-8"), encoding="utf-8")
        options = {
            "method": "equal",
            "max_screen_age_days": 30,
            "max_rate_age_days": 500,
            "reconcile_timeout_seconds": 1,
            "reconcile_poll_seconds": 0.01,
        }
        _write(config / "polybroker.yaml", {"active_brokers": list(BROKERS), "options": options})
        shutil.copytree(CONFIG / "brokers", config / "brokers")  # preferences name brokers that have a file
        for broker in BROKERS:
            _write(config / "brokers" / f"{broker}.yaml", {"adapter": "tests.dags.world:WorldBroker"})
        accounts = [{"account_id": f"{broker}-main", "broker": broker, "environment": "sandbox"} for broker in BROKERS]
        portfolio: dict[str, Any] = {
            "environment": "sandbox",
            "base_currency": "USD",
            "accounts": accounts,
            "limits": {"max_order_pct": 50},
        }
        portfolio["cash_buffer_pct"] = 20
        _write(config / "portfolios" / "main.yaml", portfolio)


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
