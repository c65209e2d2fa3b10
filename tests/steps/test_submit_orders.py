import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from include.brokers.base import ResendClass
from include.domain.order import OrderState
from include.domain.portfolio import Limits
from include.errors import (
    BrokerUnavailable,
    InputError,
    OutcomeUnknown,
    Transient,
)
from include.storage.artifacts import read_bytes, read_json, to_json, write_json
from include.storage.database import open_database
from include.storage.leases import lease
from tests.fakes.broker import Crash, FakeVenue, Fault
from tests.fakes.execution import Execution, make_execution, plan_entry, write_plan, write_risk
from tests.fakes.orders import NEXT_MORNING, NOON, SESSION, make_order, make_portfolio, make_run
from tests.steps.submitting import BUY, SELL, book


def test_sells_go_first_and_everything_is_written(execution: Execution) -> None:
    answer = execution.submit()
    assert book(execution) == ["BBB", "AAA", "CCC"]
    assert answer["uri"] == execution.folder.submission("fake-main")
    assert {name: answer[name] for name in ("account", "sent", "held", "waiting", "not_sent", "rejected", "unknown")} == {
        "account": "fake-main",
        "sent": 3,
        "held": 0,
        "waiting": 0,
        "not_sent": 0,
        "rejected": 0,
        "unknown": 0,
    }
    first = execution.submission()["orders"][0]
    assert first == {
        "client_order_id": SELL.client_order_id,
        "ticker": "BBB",
        "side": "sell",
        "quantity": "4",
        "outcome": "sent",
        "reason": None,
        "code": None,
        "message": None,
        "broker_order_id": "V1",
    }
    assert [e.state for e in execution.journal.orders()] == [OrderState.FILLED] * 3


def test_again_sends_nothing_and_writes_the_same_bytes(execution: Execution) -> None:
    execution.venues["fake-main"].faults = [Fault.REJECT]
    answer = execution.submit()
    written = read_bytes(answer["uri"])
    assert execution.submit() == answer
    assert read_bytes(answer["uri"]) == written
    assert execution.venues["fake-main"].submits == 3
    assert execution.outcomes()["BBB"] == ("rejected", None)


def test_a_refusal_does_not_stop_the_others(execution: Execution) -> None:
    execution.venues["fake-main"].faults = [Fault.REJECT, Fault.NO_FUNDS]
    answer = execution.submit()
    assert (answer["rejected"], answer["sent"]) == (2, 1)
    rejected = execution.submission()["orders"][:2]
    assert [(row["ticker"], row["code"], row["message"]) for row in rejected] == [
        ("BBB", "ORDER_REJECTED", "price outside of the band"),
        ("AAA", "INSUFFICIENT_FUNDS", "not enough settled cash"),
    ]
    assert book(execution) == ["CCC"]


def test_what_risk_blocked_is_held_and_never_sent(execution: Execution) -> None:
    write_risk(execution, {BUY.client_order_id: "over 5 % of value"})
    execution.submit()
    assert book(execution) == ["BBB", "CCC"]
    assert execution.outcomes()["AAA"] == ("held", "risk: over 5 % of value")
    assert execution.journal.state(BUY.client_order_id) is OrderState.HELD


def test_a_stopped_portfolio_waits(execution: Execution) -> None:
    write_risk(execution, stopped={"main": "turnover 40 %, limit 30 %"})
    answer = execution.submit()
    assert answer["waiting"] == 3
    assert execution.outcomes()["AAA"] == ("waiting", "plan_only: turnover 40 %, limit 30 %")
    assert execution.venues["fake-main"].submits == 0


def test_a_plan_only_portfolio_waits(tmp_path: Path) -> None:
    execution = make_execution(tmp_path)
    write_plan(execution, [BUY], plan_only=True, plan_only_reason="no fresh snapshot")
    assert execution.submit()["waiting"] == 1
    assert execution.outcomes()["AAA"] == ("waiting", "plan_only: no fresh snapshot")
    assert book(execution) == []


def test_limits_that_were_held_against_other_orders_let_nothing_through(execution: Execution) -> None:
    """A new revision came into orders.json when only plan_orders was cleared: nobody has checked its size and turnover."""
    newer = plan_entry([BUY.model_copy(update={"revision": 2, "client_order_id": "A" * 20})], revision=2)
    execution.journal.store_plan("main", SESSION, 2, to_json(newer))
    write_json(execution.folder.orders, {"as_of": SESSION, "portfolios": {"main": newer}})
    with pytest.raises(InputError, match=r"risk\.json.*: expected the limits of orders\.json as it stands: clear check_risk"):
        execution.submit()
    assert execution.venues["fake-main"].submits == 0


def test_a_price_that_moved_or_vanished_holds_the_order(execution: Execution) -> None:
    execution.venues["fake-main"].prices = {"101": Decimal("51.5"), "102": Decimal("49")}
    execution.submit()
    assert execution.outcomes() == {
        "BBB": ("sent", None),
        "AAA": ("held", "price_moved: +3.00 % since planning, 2 % allowed"),
        "CCC": ("held", "no_quote"),
    }
    assert book(execution) == ["BBB"]


def test_what_is_not_held_any_more_is_not_sold(execution: Execution) -> None:
    """The account's owner sold some of it while the plan waited for its approval: the rest would be a short position."""
    execution.venues["fake-main"].opening = {"102": Decimal("3.5")}
    execution.submit()
    assert book(execution) == ["AAA", "CCC"]
    assert execution.outcomes()["BBB"] == ("held", "position_gone: fake-main shows 3.5 free, less than the 4 to sell")


def test_a_broker_that_goes_away_leaves_the_rest_for_a_retry(execution: Execution) -> None:
    venue = execution.venues["fake-main"]
    venue.faults = [Fault.NOT_ARRIVED] * 3
    with pytest.raises(BrokerUnavailable, match="connection refused"):
        execution.submit()
    assert [e.state for e in execution.journal.orders()] == [OrderState.PLANNED] * 3
    assert execution.submission()["error"] == "connection refused"
    assert execution.submit()["sent"] == 3
    assert sorted(book(execution)) == ["AAA", "BBB", "CCC"]


def test_a_single_miss_does_not_stop_the_others(execution: Execution) -> None:
    execution.venues["fake-main"].faults = [Fault.NOT_ARRIVED]
    with pytest.raises(BrokerUnavailable, match="connection refused"):
        execution.submit()
    assert execution.outcomes()["BBB"] == ("waiting", "connection refused")
    assert book(execution) == ["AAA", "CCC"]
    assert execution.submit()["sent"] == 3


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.LOST_REQUEST])
def test_a_time_out_where_duplicates_are_refused_ends_with_one_order(execution: Execution, fault: Fault) -> None:
    execution.venues["fake-main"].faults = [fault]
    assert execution.submit()["sent"] == 3
    assert sorted(book(execution)) == ["AAA", "BBB", "CCC"]


def test_a_lost_request_at_a_broker_with_tags_only_stays_unknown(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, resend=ResendClass.TAG_ONLY)
    write_plan(execution, [BUY, SELL])
    execution.venues["fake-main"].faults = [Fault.LOST_REQUEST]
    for _ in range(3):
        with pytest.raises(OutcomeUnknown, match=rf"not found: sell BBB \({SELL.client_order_id}\)"):
            execution.submit()
    assert book(execution) == ["AAA"]
    assert execution.submission()["unknown"] == 1
    assert execution.outcomes()["BBB"][0] == "unknown"
    assert execution.venues["fake-main"].submits == 2


@pytest.mark.parametrize("resend", list(ResendClass))
def test_a_crash_after_the_order_arrived_is_found_by_the_next_try(tmp_path: Path, resend: ResendClass) -> None:
    execution = make_execution(tmp_path, resend=resend)
    write_plan(execution, [BUY])
    execution.venues["fake-main"].faults = [Fault.CRASH_AFTER]
    with pytest.raises(Crash):
        execution.submit()
    assert execution.journal.state(BUY.client_order_id) is OrderState.SENDING
    assert execution.submit()["sent"] == 1
    assert book(execution) == ["AAA"]


def test_a_sender_that_died_is_followed_when_its_lease_is_over(execution: Execution) -> None:
    other = lease(execution.database, "orders:fake-main", "dead", 120, now=execution.clock.now)
    other.__enter__()
    with pytest.raises(Transient, match="'orders:fake-main' is held by dead until"):
        execution.submit(lease_wait_seconds=0)
    assert execution.submission()["error"].startswith("'orders:fake-main' is held by dead")
    assert execution.submit()["sent"] == 3
    assert sum(execution.clock.waited) == 120


def test_whoever_lost_the_lease_sends_nothing_more(execution: Execution) -> None:
    venue = execution.venues["fake-main"]
    original = venue.arrive

    thief = lease(execution.database, "orders:fake-main", "thief", 10_000, now=execution.clock.now)

    def arrive_slowly(order):  # type: ignore[no-untyped-def]
        execution.clock.wait(500)  # longer than the lease
        thief.__enter__()
        venue.arrive = original  # type: ignore[method-assign]
        return original(order)

    venue.arrive = arrive_slowly  # type: ignore[method-assign]
    with pytest.raises(Transient, match="lost to another process"):
        execution.submit()
    assert execution.submission()["waiting"] == 2
    assert book(execution) == ["BBB"]
    assert "lost to another process" in str(execution.outcomes()["AAA"][1])


def test_every_account_sends_its_own(tmp_path: Path) -> None:
    execution = make_execution(tmp_path, "fake-main", "fake-two")
    mine, theirs = make_order("AAA"), make_order("CCC", "103", account="fake-two")
    write_plan(execution, [mine, theirs])
    execution.submit("fake-two")
    assert book(execution) == []
    assert book(execution, "fake-two") == ["CCC"]


def test_the_do_not_trade_list_counts_at_the_last_moment(execution: Execution) -> None:
    portfolio = make_portfolio(limits=Limits(do_not_trade=("ticker:AAA",)))
    execution.submit(run=execution.run.model_copy(update={"portfolios": (portfolio,)}))
    assert book(execution) == ["BBB", "CCC"]
    assert execution.outcomes()["AAA"] == ("held", "do_not_trade")


def test_the_file_holds_no_time(execution: Execution) -> None:
    execution.submit()
    text = read_bytes(execution.folder.submission("fake-main")).decode()
    assert not any(str(moment.date()) in text for moment in (NOON, NEXT_MORNING, datetime.now(tz=NOON.tzinfo)))
    assert read_json(execution.folder.submission("fake-main"))["account"] == "fake-main"
    assert date.fromisoformat(SESSION) == execution.run.as_of


def test_a_process_that_is_killed_behind_a_send_is_found_out(tmp_path: Path) -> None:
    """Not an exception but a death: nothing is cleaned up, the lease stays until it expires."""
    code = f"""
import os
from pathlib import Path
from tests.fakes.execution import make_execution, write_plan
from tests.fakes.orders import make_order

execution = make_execution(Path({str(tmp_path)!r}))
write_plan(execution, [make_order("AAA", "101"), make_order("CCC", "103", quantity="6")])
venue = execution.venues["fake-main"]
venue.arrive = lambda order: os._exit(9)  # it arrived, and that was the last this process saw
execution.submit()
"""
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 9
    venue = FakeVenue(ResendClass.TAG_ONLY)
    venue.prices = {"101": Decimal(50), "103": Decimal(50)}
    venue.arrive(BUY)
    run = make_run((tmp_path / "run").as_uri())
    with open_database(f"sqlite:///{tmp_path / 'polybroker.db'}") as database:
        execution = Execution(run, database, {"fake-main": venue})
        assert execution.journal.state(BUY.client_order_id) is OrderState.SENDING
        assert execution.submit()["sent"] == 2
        assert sum(execution.clock.waited) == 120
    assert book(execution) == ["AAA", "CCC"]
