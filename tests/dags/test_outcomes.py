"""The outcome table: what a run looks like in Airflow for everything that may happen to it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.storage.approvals import ApprovalStore
from include.storage.artifacts import read_json
from include.storage.database import open_database
from tests.dags.world import EVENING, World
from tests.fakes.broker import Fault

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

TRADING = ["plan_orders", "check_risk", "needs_approval", "approve_orders", "submit_orders", "reconcile_orders"]


def states(tasks: dict[str, str], *names: str) -> list[str]:
    """States of these tasks, mapped ones in the order of their labels."""
    return [state for name in names for key, state in sorted(tasks.items()) if key.split("[")[0] == name]


def test_everything_found_is_traded_without_asking(world: World) -> None:
    outcome = world.run()
    assert outcome.run == "success"
    assert {name: state for name, state in outcome.tasks.items() if state != "success"} == {"approve_orders": "skipped"}
    assert outcome.tasks["submit_orders[alpaca-main]"] == outcome.tasks["submit_orders[ibkr-main]"] == "success"
    assert len(world.sent()) == len(set(world.sent())) == 20
    assert (outcome.folder / "report.md").is_file()
    assert (world.folder / "data" / "runs" / "latest").resolve() == outcome.folder
    assert read_json((outcome.folder / "coverage.json").as_uri())["decision"] == "pass"


def test_coverage_60_fails_before_anything_is_planned(world: World) -> None:
    world.list_only(12)
    outcome = world.run()
    assert outcome.run == "failed"
    assert outcome.tasks["check_coverage"] == "failed"
    assert set(states(outcome.tasks, *TRADING)) == {"upstream_failed"}
    assert outcome.tasks["report_run"] == "success"
    assert not (outcome.folder / "orders.json").exists()
    assert world.sent() == []


def test_coverage_80_asks_and_an_approval_sends(world: World) -> None:
    world.list_only(16)
    outcome = world.run(answer="Approve")
    assert outcome.run == "success"
    assert set(states(outcome.tasks, *TRADING)) == {"success"}
    assert len(world.sent()) == 16
    assert _decision(world, outcome.folder) == "approve"


def test_coverage_80_rejected_is_red_and_sends_nothing(world: World) -> None:
    world.list_only(16)
    outcome = world.run(answer="Reject")
    assert outcome.run == "failed"
    assert outcome.tasks["approve_orders"] == "failed"
    assert set(states(outcome.tasks, "submit_orders", "reconcile_orders")) == {"upstream_failed"}
    assert outcome.tasks["report_run"] == "success"
    assert (outcome.folder / "orders.json").is_file()
    assert world.sent() == []
    assert _decision(world, outcome.folder) == "reject"


def test_coverage_80_expired_is_red_and_sends_nothing(world: World) -> None:
    world.list_only(16)
    outcome = world.run(answer="expire")
    assert outcome.run == "failed"
    assert outcome.tasks["approve_orders"] == "failed"
    assert world.sent() == []
    assert _decision(world, outcome.folder) == "reject"


def test_an_approval_marked_as_success_by_hand_sends_nothing(world: World) -> None:
    world.list_only(16)
    outcome = world.run(mark_success="approve_orders")
    assert outcome.run == "failed"
    assert outcome.tasks["approve_orders"] == "success"
    assert states(outcome.tasks, "submit_orders", "reconcile_orders") == ["failed", "failed", "upstream_failed"]
    assert world.sent() == []


def test_coverage_80_allowed_by_the_user_does_not_ask(world: World) -> None:
    world.list_only(16)
    outcome = world.run(on_low_coverage="allow")
    assert (outcome.run, outcome.tasks["approve_orders"], len(world.sent())) == ("success", "skipped", 16)


def test_coverage_90_goes_on_by_itself(world: World) -> None:
    world.list_only(18)
    outcome = world.run()
    assert (outcome.run, outcome.tasks["approve_orders"], len(world.sent())) == ("success", "skipped", 18)


@pytest.mark.parametrize(("lists", "refreshed"), [("known", "success"), ("forgotten", "failed")])
def test_a_broker_that_is_down_stays_alone_with_it(world: World, lists: str, refreshed: str) -> None:
    """What its instruments are may be known without it, what its account holds never is."""
    world.list_everywhere()
    world.run(execution_mode="plan", run_after=EVENING - timedelta(days=1))  # its account was read a session ago
    if lists == "forgotten":
        world.forget_lists()
    world.venue("ibkr").away = True
    outcome = world.run()
    assert outcome.tasks["fetch_accounts[ibkr-main]"] == "failed"
    assert outcome.tasks["fetch_accounts[alpaca-main]"] == "success"
    assert outcome.tasks["match_instruments[alpaca]"] == "success"
    assert outcome.tasks["refresh_contracts[ibkr]"] == refreshed
    assert outcome.tasks["submit_orders[alpaca-main]"] == "success"
    assert outcome.tasks["submit_orders[ibkr-main]"] == "failed"
    assert outcome.tasks["merge_mappings"] == outcome.tasks["check_coverage"] == "success"
    mapped = read_json((outcome.folder / "universe_mapped.json").as_uri())
    assert mapped["metadata"]["brokers_included"] == ["alpaca", "ibkr"]
    assert read_json((outcome.folder / "accounts" / "ibkr-main.json").as_uri())["frozen"] is True
    assert len(world.venue("alpaca").book) > 0
    assert world.venue("ibkr").book == []
    assert outcome.run == "failed"  # the run says so


def test_a_step_that_fails_stops_all_that_follows(world: World) -> None:
    world.universe.write_text(world.universe.read_text(encoding="utf-8").replace("50.0", '"fifty"'), encoding="utf-8")
    outcome = world.run()
    assert outcome.run == "failed"
    assert outcome.tasks["fetch_screens[trees]"] == "failed"
    assert set(states(outcome.tasks, "build_universe", "merge_mappings", *TRADING)) == {"upstream_failed"}
    assert outcome.tasks["report_run"] == "success"


def test_a_run_that_cannot_be_resolved_is_red_and_moves_nothing(world: World) -> None:
    outcome = world.run(as_of="2026-01-04")  # a Sunday
    assert outcome.run == "failed"
    assert outcome.tasks["resolve_run"] == "failed"
    assert not (world.folder / "data" / "runs" / "latest").exists()


def test_plan_mode_ends_green_at_the_plan(world: World) -> None:
    world.list_only(16)  # a plan never waits for anybody
    outcome = world.run(execution_mode="plan")
    assert outcome.run == "success"
    assert set(states(outcome.tasks, "approve_orders", "submit_orders", "reconcile_orders")) == {"skipped"}
    assert (outcome.folder / "orders.json").is_file()
    assert world.sent() == []


def test_without_orders_a_run_is_green(world: World) -> None:
    for broker in ("alpaca", "ibkr"):
        world.venue(broker).prices = {}  # no quote, no order
    outcome = world.run()
    assert outcome.run == "success"
    assert states(outcome.tasks, "submit_orders", "reconcile_orders") == ["success"] * 3
    assert world.sent() == []


def test_one_account_that_cannot_send_is_red_and_the_other_sends(world: World) -> None:
    world.venue("alpaca").unproven = True
    outcome = world.run()
    assert outcome.run == "failed"
    assert outcome.tasks["submit_orders[alpaca-main]"] == "failed"
    assert outcome.tasks["submit_orders[ibkr-main]"] == "success"
    assert outcome.tasks["reconcile_orders"] == "failed"
    assert world.venue("alpaca").book == []
    assert len(world.venue("ibkr").book) == 10
    assert read_json((outcome.folder / "execution_report.json").as_uri())["accounts"]["alpaca-main"]["sent"] == 0


def test_an_order_of_unknown_outcome_is_red_and_settled_by_the_next_run(world: World) -> None:
    world.venue("alpaca").faults = [Fault.LOST_ANSWER]
    world.venue("alpaca").away_for_lookups = 50
    first = world.run()
    assert first.run == "failed"
    assert first.tasks["submit_orders[alpaca-main]"] == "failed"
    world.venue("alpaca").away_for_lookups = 0
    second = world.run()
    assert second.run == "success"
    assert len(world.sent()) == len(set(world.sent())) == 20


def test_a_second_run_of_the_session_gives_the_same_plan_and_sends_nothing(world: World) -> None:
    first = world.run()
    sent = world.sent()
    second = world.run()
    assert (first.run, second.run) == ("success", "success")
    assert first.folder != second.folder
    assert (first.folder / "orders.json").read_bytes() == (second.folder / "orders.json").read_bytes()
    assert world.sent() == sent


def test_assets_are_announced_when_their_content_is_new_and_only_then(world: World) -> None:
    evening = EVENING + timedelta(days=2)  # no other test announces for this session
    world.run(run_after=evening)
    told = world.asset_events()
    assert sorted(told) == ["polybroker_orders_main", "polybroker_universe_mapped"]
    (orders,) = told["polybroker_orders_main"]
    assert (orders["as_of"], orders["environment"]) == ("2026-01-08", "sandbox")
    assert orders["uri"].endswith("/orders.json")
    assert len(orders["sha256"]) == 64
    world.run(run_after=evening)
    assert world.asset_events() == told


def _decision(world: World, folder: Path) -> Any:
    run = read_json((folder / "run.json").as_uri())
    from include.storage.artifacts import read_bytes, sha256

    with open_database(f"sqlite:///{world.folder / 'polybroker.db'}") as database:
        found = ApprovalStore(database).find(run["run_id"], sha256(read_bytes((folder / "orders.json").as_uri())))
    assert found is not None
    return found.decision
