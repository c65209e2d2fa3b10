"""What must hold before anything is sent: the kill switch, the approval's record, the stored plan, the newest run."""

from decimal import Decimal
from pathlib import Path

import pytest

from include.domain.portfolio import ExecutionMode
from include.errors import (
    AuthenticationFailed,
    InputError,
    NotPermitted,
    Unsupported,
)
from include.steps.submit_orders import submit_orders
from include.storage.approvals import ApprovalStore
from include.storage.artifacts import read_bytes, sha256, to_json, write_json
from tests.fakes.execution import Execution, make_execution, plan_entry, write_plan, write_risk
from tests.fakes.orders import NEXT_MORNING, NOON, SESSION, Clock
from tests.steps.submitting import BUY, OTHER, SELL, book


def test_the_kill_switch_stops_everything_and_a_retry_goes_on(execution: Execution) -> None:
    execution.kill_switch = True
    with pytest.raises(NotPermitted, match="fake-main: the kill switch is on; 3 orders were not sent"):
        execution.submit()
    assert execution.outcomes()["AAA"] == ("waiting", "kill_switch")
    assert book(execution) == []
    execution.kill_switch = False
    assert execution.submit()["sent"] == 3


def test_a_kill_switch_that_is_lifted_while_sending_closes_no_order(execution: Execution) -> None:
    """They were refused before quotes were read: without a quote they must neither go nor be held for good."""
    asked: list[bool] = []

    def lifted_after_the_first_look() -> bool:
        asked.append(True)
        return len(asked) <= 3

    with execution.open("fake-main") as broker, pytest.raises(NotPermitted, match="3 orders were not sent"):
        submit_orders(
            execution.run,
            "fake-main",
            broker,
            execution.database,
            approval_needed=False,
            kill_switch=lifted_after_the_first_look,
            now=execution.clock.now,
            wait=execution.clock.wait,
        )
    assert set(execution.outcomes().values()) == {("waiting", "kill_switch")}
    assert execution.submit()["sent"] == 3


def test_the_kill_switch_is_asked_before_every_send(execution: Execution) -> None:
    venue = execution.venues["fake-main"]
    original = venue.arrive

    def arrive_and_pull_the_switch(order):  # type: ignore[no-untyped-def]
        execution.kill_switch = True
        return original(order)

    venue.arrive = arrive_and_pull_the_switch  # type: ignore[method-assign]
    with pytest.raises(NotPermitted, match="2 orders were not sent"):
        execution.submit()
    assert book(execution) == ["BBB"]


def approve(execution: Execution, digest: str, decision: str = "approve", run_id: str | None = None) -> None:
    store = ApprovalStore(execution.database)
    store.record(run_id or execution.run.run_id, digest, decision, "anna", NOON, ["coverage 80 %"])


def test_without_the_approvals_record_nothing_goes(execution: Execution) -> None:
    digest = sha256(read_bytes(execution.folder.orders))
    approve(execution, "0" * 64)  # other orders
    approve(execution, digest, run_id="another run")
    with pytest.raises(NotPermitted, match="nobody approved these orders; 3 orders were not sent"):
        execution.submit(approval_needed=True)
    approve(execution, digest, "reject")
    with pytest.raises(NotPermitted, match="nobody approved"):
        execution.submit(approval_needed=True)
    assert book(execution) == []
    approve(execution, digest, "approve")
    assert execution.submit(approval_needed=True)["sent"] == 3


def test_orders_that_are_not_the_stored_plan_are_refused(execution: Execution) -> None:
    bigger = BUY.model_copy(update={"quantity": Decimal(1000)})
    write_json(execution.folder.orders, {"as_of": SESSION, "portfolios": {"main": plan_entry([bigger, SELL, OTHER])}})
    write_risk(execution)
    with pytest.raises(
        InputError, match=r"orders\.json: expected the plan of portfolio main, revision 1, as it is in the database"
    ):
        execution.submit()
    assert execution.venues["fake-main"].submits == 0


def test_a_plan_that_was_never_stored_is_refused(execution: Execution) -> None:
    entry = plan_entry([BUY], revision=7)
    write_json(execution.folder.orders, {"as_of": SESSION, "portfolios": {"main": entry}})
    write_risk(execution)
    with pytest.raises(InputError, match="revision 7"):
        execution.submit()


@pytest.mark.parametrize("content", [b"not json", b"{}", b'{"portfolios": {"main": {"orders": [{"account": "fake-main"}]}}}'])
def test_a_file_that_is_no_plan(execution: Execution, content: bytes) -> None:
    Path(execution.folder.orders.removeprefix("file://")).write_bytes(content)
    with pytest.raises(InputError, match=r"orders\.json: expected the plan of portfolio main"):
        execution.submit()


def test_an_older_revision_sends_nothing_any_more(execution: Execution) -> None:
    execution.journal.store_plan("main", SESSION, 2, to_json(plan_entry([], revision=2)))
    assert execution.submit()["waiting"] == 3
    assert execution.outcomes()["AAA"] == ("waiting", "plan_not_stored")


def test_an_overtaken_run_sends_nothing_even_if_it_was_the_newest_once(execution: Execution) -> None:
    execution.journal.store_plan("main", "2026-01-06", 1, b"{}")
    assert execution.run.is_newest
    assert execution.submit()["waiting"] == 3
    assert execution.outcomes()["AAA"] == ("waiting", "not_newest_session")
    assert execution.venues["fake-main"].submits == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": ExecutionMode.PLAN}, "plan_mode"),
        ({"is_backfill": True}, "backfill"),
        ({"is_newest": False}, "not_newest_session"),
    ],
)
def test_runs_that_never_send(execution: Execution, changes: dict[str, object], reason: str) -> None:
    answer = execution.submit(run=execution.run.model_copy(update=changes))
    assert answer["waiting"] == 3
    assert set(execution.outcomes().values()) == {("waiting", reason)}
    assert execution.venues["fake-main"].submits == 0


def test_live_is_unsupported(execution: Execution) -> None:
    with pytest.raises(Unsupported, match="'live' is refused by this version"):
        execution.submit(run=execution.run.model_copy(update={"mode": ExecutionMode.LIVE}))
    assert execution.venues["fake-main"].submits == 0


def test_an_order_past_its_validity_is_closed(execution: Execution) -> None:
    execution.clock = Clock(NEXT_MORNING)
    assert execution.submit()["not_sent"] == 3
    assert execution.outcomes()["AAA"] == ("not_sent", "past_valid_until")
    assert execution.venues["fake-main"].submits == 0


def test_an_environment_without_proof_stops_the_account(execution: Execution) -> None:
    execution.venues["fake-main"].unproven = True
    with pytest.raises(AuthenticationFailed, match="claimed without proof"):
        execution.submit()
    assert execution.submission()["error"] == "fake-main: sandbox is claimed without proof"
    assert execution.outcomes()["AAA"][0] == "waiting"
    assert execution.venues["fake-main"].submits == 0


def test_nothing_to_send_needs_no_proof(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    write_plan(execution, [])
    execution.venues["fake-main"].unproven = True
    assert execution.submit()["sent"] == 0
    assert execution.submission()["orders"] == []
