from decimal import Decimal
from pathlib import Path

import pytest

from include.brokers.base import ResendClass
from include.domain.order import OrderState, Side
from include.domain.portfolio import ExecutionMode
from include.errors import AuthenticationFailed, OutcomeUnknown, Terminal
from include.steps.reconcile_orders import reconcile_orders
from include.storage.artifacts import read_bytes
from tests.fakes.broker import Crash, Fault
from tests.fakes.execution import Execution, another_run, make_execution, take_snapshots, write_plan
from tests.fakes.orders import NOON, Clock, make_order

BUY = make_order("AAA", "101")
SELL = make_order("BBB", "102", Side.SELL, "4")


def test_all_filled(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    write_plan(execution, [BUY])
    execution.submit()
    report = execution.reconcile()
    account = report["accounts"]["fake-main"]
    assert {name: account[name] for name in ("portfolio", "broker", "planned", "sent", "filled", "open", "error", "failed")} == {
        "portfolio": "main",
        "broker": "fake",
        "planned": 1,
        "sent": 1,
        "filled": 1,
        "open": 0,
        "error": None,
        "failed": False,
    }
    assert (account["notional_filled"], account["notional_left"], account["commissions"]) == ("400.00", "0.00", {"USD": "0.35"})
    assert account["position_differences"] == account["unmanaged"] == []
    assert report["drift"]["main"] == {"drift_before_pct": 4.0, "drift_after_pct": 0.0, "unvalued": []}
    assert report["total"]["filled"] == 1
    assert (report["failed_accounts"], report["unresolved"]) == ({}, [])
    assert execution.clock.waited == []


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    write_plan(execution, [BUY, SELL])
    execution.venues["fake-main"].opening = {"102": Decimal(4)}
    take_snapshots(execution)
    execution.submit()
    execution.reconcile()
    first = read_bytes(execution.folder.execution_report)
    execution.clock = Clock(NOON.replace(hour=19))
    execution.reconcile()
    assert read_bytes(execution.folder.execution_report) == first


def test_open_orders_are_followed_until_they_fill(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, fill_share="0.5")
    write_plan(execution, [BUY])
    execution.submit()
    venue = execution.venues["fake-main"]

    def fill_after_ten_seconds(_: Execution) -> None:
        if len(execution.clock.waited) == 5:
            venue.fill(venue.book[0], Decimal(5))

    execution.waits = fill_after_ten_seconds
    report = execution.reconcile()
    assert report["accounts"]["fake-main"]["filled"] == 1
    assert execution.clock.waited == [2.0] * 5


def test_after_the_time_out_they_are_open(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, fill_share="0.4")
    write_plan(execution, [BUY])
    execution.submit()
    report = execution.reconcile()
    assert sum(execution.clock.waited) == 60
    account = report["accounts"]["fake-main"]
    assert (account["partially_filled"], account["notional_filled"], account["notional_left"]) == (1, "160.00", "240.00")
    assert account["position_differences"] == []
    assert report["drift"]["main"]["drift_after_pct"] == 2.4


def test_an_account_that_goes_away_while_followed_is_asked_again(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, fill_share="0")
    write_plan(execution, [BUY])
    execution.submit()
    venue = execution.venues["fake-main"]

    def come_and_go(_: Execution) -> None:
        venue.away = len(execution.clock.waited) in (2, 3)
        if len(execution.clock.waited) == 4:
            venue.fill(venue.book[0], Decimal(10))

    execution.waits = come_and_go
    report = execution.reconcile()
    assert (report["accounts"]["fake-main"]["filled"], report["failed_accounts"]) == (1, {})


def test_an_account_that_was_never_sent_to_fails_the_run_and_the_others_are_reported(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, "fake-main", "fake-two")
    write_plan(execution, [BUY, make_order("CCC", "103", account="fake-two")])
    execution.submit("fake-two")
    with pytest.raises(Terminal, match="accounts failed: fake-main: sending its orders failed before it began"):
        execution.reconcile()
    report = execution.report()
    assert report["failed_accounts"] == {"fake-main": "sending its orders failed before it began"}
    assert report["accounts"]["fake-two"]["filled"] == 1
    assert report["accounts"]["fake-main"]["waiting"] == 1
    assert report["total"]["planned"] == 2


def test_an_account_that_stopped_half_way_fails_the_run(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    write_plan(execution, [BUY, SELL])
    execution.venues["fake-main"].faults = [Fault.NOT_ARRIVED]
    with pytest.raises(Exception, match="connection refused"):
        execution.submit()
    with pytest.raises(Terminal, match="fake-main: connection refused"):
        execution.reconcile()
    row = next(row for row in execution.report()["accounts"]["fake-main"]["orders"] if row["ticker"] == "BBB")
    assert (row["state"], row["reason"]) == ("planned", "connection refused")


def test_an_account_that_cannot_be_read_afterwards_fails_the_run(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, "fake-main", "fake-two")
    write_plan(execution, [BUY])
    execution.submit()
    for venue in execution.venues.values():
        venue.away = True
    with pytest.raises(Terminal, match="fake-main: connection refused$"):
        execution.reconcile()
    report = execution.report()
    assert report["accounts"]["fake-main"]["filled"] == 1
    assert report["accounts"]["fake-two"]["error"] == "connection refused"  # said, but it had no orders
    assert list(report["failed_accounts"]) == ["fake-main"]


def test_an_account_that_locks_us_out_is_left_alone(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, "fake-main", "fake-two", fill_share="0")
    write_plan(execution, [BUY, make_order("CCC", "103", account="fake-two")])
    execution.submit()
    execution.submit("fake-two")

    def lock(_: Execution) -> None:
        execution.venues["fake-main"].lookup_error = AuthenticationFailed("key revoked")
        for standing in execution.venues["fake-two"].book:
            execution.venues["fake-two"].fill(standing, Decimal(10))

    execution.waits = lock
    with pytest.raises(Terminal, match="accounts failed: fake-main: key revoked$"):
        execution.reconcile()
    report = execution.report()
    assert report["accounts"]["fake-main"]["open"] == report["accounts"]["fake-two"]["filled"] == 1
    assert execution.clock.waited == [2.0]


def test_an_account_that_cannot_be_opened_fails_the_run(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, fill_share="0")
    write_plan(execution, [BUY])
    execution.submit()
    execution.venues["fake-main"].away = True
    with pytest.raises(Terminal, match="connection refused"):
        execution.reconcile()
    assert execution.clock.waited == []


def test_an_account_that_cannot_be_read_at_the_end(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, fill_share="0")
    write_plan(execution, [BUY])
    execution.submit()

    def leave_at_the_end(_: Execution) -> None:
        execution.venues["fake-main"].away = len(execution.clock.waited) == 30

    execution.waits = leave_at_the_end
    with pytest.raises(Terminal, match="connection refused"):
        execution.reconcile()
    assert execution.report()["accounts"]["fake-main"]["open"] == 1


def test_an_unknown_order_is_unresolved(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, resend=ResendClass.TAG_ONLY)
    write_plan(execution, [BUY])
    execution.venues["fake-main"].faults = [Fault.LOST_REQUEST]
    with pytest.raises(OutcomeUnknown):
        execution.submit()
    with pytest.raises(OutcomeUnknown, match=rf"buy AAA at fake-main \({BUY.client_order_id}\)"):
        execution.reconcile()
    report = execution.report()
    assert report["accounts"]["fake-main"]["unknown"] == 1
    assert report["unresolved"][0]["reason"] == "timed out; not found at the broker"


def test_an_unknown_order_that_shows_up_is_resolved(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, resend=ResendClass.TAG_ONLY)
    write_plan(execution, [BUY])
    venue = execution.venues["fake-main"]
    venue.faults = [Fault.LOST_REQUEST]
    with pytest.raises(OutcomeUnknown):
        execution.submit()
    execution.waits = lambda _: None if venue.book else venue.arrive(BUY)
    assert execution.reconcile()["accounts"]["fake-main"]["filled"] == 1
    assert len(venue.book) == 1


def test_a_crashed_sender_is_found_out(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, resend=ResendClass.TAG_ONLY)
    write_plan(execution, [BUY])
    execution.venues["fake-main"].faults = [Fault.CRASH_AFTER]
    with pytest.raises(Crash):
        execution.submit()
    with pytest.raises(Terminal, match="sending its orders failed"):
        execution.reconcile()
    assert execution.journal.state(BUY.client_order_id) is OrderState.FILLED


def test_held_rejected_and_their_reasons(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    held = [{"ticker": "ZZZ", "reason": "no_quote"}]
    write_plan(execution, [BUY, SELL], blocked={BUY.client_order_id: "over 5 %"}, held=held)
    execution.venues["fake-main"].faults = [Fault.REJECT]
    execution.submit()
    report = execution.reconcile()
    assert {name: report["total"][name] for name in ("planned", "held", "sent", "rejected")} == {
        "planned": 2,
        "held": 1,
        "sent": 0,
        "rejected": 1,
    }
    rows = {row["ticker"]: row for row in report["accounts"]["fake-main"]["orders"]}
    assert rows["AAA"]["reason"] == "risk: over 5 %"
    assert (rows["BBB"]["code"], rows["BBB"]["message"]) == ("ORDER_REJECTED", "price outside of the band")
    assert report["held_in_plan"] == {"main": held}


def test_positions_that_are_not_the_journals(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    venue = execution.venues["fake-main"]
    venue.opening = {"104": Decimal(3)}
    take_snapshots(execution)
    write_plan(execution, [BUY])
    execution.submit()
    venue.opening = {"104": Decimal(3), "101": Decimal(-2), "999": Decimal(1)}
    account = execution.reconcile()["accounts"]["fake-main"]
    assert account["unmanaged"] == [{"native_id": "104", "symbol": "S104", "quantity": "3"}]
    assert [(row["symbol"], row["managed"], row["broker"], row["difference"]) for row in account["position_differences"]] == [
        ("S101", "10", "8", "-2"),
        ("S999", "0", "1", "1"),
    ]


@pytest.mark.parametrize("changes", [{"mode": ExecutionMode.PLAN}, {"is_backfill": True}])
def test_runs_that_never_send_are_reported_and_do_not_fail(tmp_path: Path, changes: dict[str, object]) -> None:
    execution = make_execution(tmp_path)
    write_plan(execution, [BUY])
    execution.run = execution.run.model_copy(update=changes)
    report = execution.reconcile()
    assert report["total"]["waiting"] == 1
    assert report["drift"]["main"]["drift_before_pct"] == report["drift"]["main"]["drift_after_pct"] == 4.0


def test_a_plan_that_is_in_no_journal(tmp_path: Path) -> None:
    from include.storage.artifacts import write_json
    from tests.fakes.execution import plan_entry

    execution = make_execution(tmp_path)
    write_plan(execution, [BUY])
    other = make_order("CCC", "103")
    write_json(execution.folder.orders, {"as_of": "2026-01-05", "portfolios": {"main": plan_entry([other])}})
    execution.run = execution.run.model_copy(update={"mode": ExecutionMode.PLAN})
    assert execution.reconcile()["accounts"]["fake-main"]["orders"][0]["state"] == "planned"


def test_managed_positions_without_an_order_are_valued_by_the_account(tmp_path: Path) -> None:
    from include.storage.journal import ManagedPosition
    from tests.fakes.orders import make_contract

    execution = make_execution(tmp_path)
    venue = execution.venues["fake-main"]
    venue.opening = {"104": Decimal(5)}
    take_snapshots(execution)
    position = ManagedPosition("main", "fake-main", "DDD", "ticker:DDD", make_contract("104"), Decimal(5))
    execution.journal.adopt(position, NOON)
    write_plan(execution, [BUY])
    execution.submit()
    # 5 x 50 USD / 1.25 = 200 EUR of 10,000: 2 % without a target
    assert execution.reconcile()["drift"]["main"] == {"drift_before_pct": 6.0, "drift_after_pct": 2.0, "unvalued": []}
    venue.prices.pop("104")
    assert execution.reconcile()["drift"]["main"]["unvalued"] == ["DDD"]


def test_the_clock_may_be_left_to_the_step(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    write_plan(execution, [BUY])
    execution.submit()
    assert reconcile_orders(execution.run, execution.open, execution.database) == execution.folder.execution_report


def test_a_second_run_of_the_session_reports_the_same_positions(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    execution.venues["fake-main"].opening = {"104": Decimal(3)}
    take_snapshots(execution)
    write_plan(execution, [BUY])
    execution.submit()
    execution.reconcile()
    again = another_run(execution)
    again.submit()
    account = again.reconcile()["accounts"]["fake-main"]
    assert account["unmanaged"] == [{"native_id": "104", "symbol": "S104", "quantity": "3"}]
    assert account["position_differences"] == []


def test_a_stored_plan_may_hold_orders_of_an_account_that_this_run_leaves_out(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, "fake-main", "fake-two")
    write_plan(execution, [BUY, make_order("CCC", "103", account="fake-two")])
    again = another_run(execution, "fake-main")
    again.submit()
    report = again.reconcile()
    assert (sorted(report["accounts"]), report["total"]["filled"]) == (["fake-main"], 1)
