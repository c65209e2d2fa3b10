"""A run uses one version of the configuration, however late its tasks run; what was changed meanwhile serves the next run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml
from sqlalchemy import delete

from include.brokers.base import BrokerContext
from include.domain.account import Account
from include.storage.artifacts import read_json
from include.storage.database import open_database
from include.storage.tables import config_versions
from tests.dags.clearing import run_again
from tests.dags.world import EVENING, World, WorldBroker

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

NAMED = "${WORLD_HOURS:100}"


@pytest.fixture
def hours(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """(word of Alpaca's note, hours a week) of its YAML, as each connection to it was given them."""
    seen: list[tuple[str, int]] = []
    made = WorldBroker.__init__

    def noting(self: WorldBroker, account: Account, context: BrokerContext) -> None:
        made(self, account, context)
        if account.broker == "alpaca":
            told = context.config["hours"][0]
            seen.append((told["regions"][0], told["per_week"]))

    monkeypatch.setattr(WorldBroker, "__init__", noting)
    write(world, "us")
    return seen


def write(world: World, region: str) -> None:
    path = world.folder / "config" / "brokers" / "alpaca.yaml"
    path.write_text(
        yaml.safe_dump({"adapter": "tests.dags.world:WorldBroker", "hours": [{"regions": [region], "per_week": NAMED}]})
    )


def after_fetch_screens(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    from include.steps import fetch_screens

    original = fetch_screens.fetch_screens

    def body(*args: Any) -> str:
        found = original(*args)
        happens()
        return found

    monkeypatch.setattr(fetch_screens, "fetch_screens", body)


def test_an_edit_between_two_tasks_serves_the_next_run(
    world: World, hours: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited() -> None:
        write(world, "europe")
        (world.folder / "config" / "markets.yaml").write_text("US: [this is, no market]\n")
        monkeypatch.setenv("WORLD_HOURS", "40")

    after_fetch_screens(monkeypatch, edited)
    markets = (world.folder / "config" / "markets.yaml").read_text()
    first = world.run()
    assert first.run == "success"
    assert len(hours) >= 4  # accounts, lists, quotes, orders
    assert set(hours) == {("us", 100)}
    assert read_json((first.folder / "run.json").as_uri())["variables"]["WORLD_HOURS"] == ""

    hours.clear()
    assert run_again(first.run_id, ["fetch_accounts", "size_positions"]) == {
        "fetch_accounts[0]": "success",
        "fetch_accounts[1]": "success",
        "size_positions[-1]": "success",
    }
    assert hours == [("us", 100)]  # however late

    hours.clear()
    (world.folder / "config" / "markets.yaml").write_text(markets)
    second = world.run(run_after=EVENING + timedelta(days=1), execution_mode="plan")
    assert second.run == "success"
    assert set(hours) == {("europe", 40)}


def test_a_version_that_is_lost_fails_what_needs_it(world: World, hours: list[tuple[str, int]]) -> None:
    first = world.run(execution_mode="plan")
    assert first.run == "success"
    with open_database(f"sqlite:///{world.folder / 'polybroker.db'}") as database, database.write() as connection:
        connection.execute(delete(config_versions))
    hours.clear()
    assert set(run_again(first.run_id, ["fetch_accounts"]).values()) == {"failed"}
    assert hours == []  # nobody was connected to with other settings
