import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from include.domain.account import Environment
from include.domain.contract import Contract
from include.domain.order import OrderState
from include.domain.portfolio import ExecutionMode
from include.domain.quote import Quote
from include.domain.run import Run
from include.errors import InputError, NotPermitted, Transient
from include.storage.artifacts import read_bytes, read_json, write_json
from include.storage.capability_log import CapabilityLog
from include.storage.database import Database
from include.storage.journal import Journal
from include.storage.leases import lease
from include.storage.run_folder import RunFolder
from include.storage.tables import leases
from tests.steps.planning import Desk, filled, next_run, orders_of, plan
from tests.steps.run_files import make_run, write_inputs
from tests.trading.build import position, snapshot


def test_targets_become_orders_at_the_preferred_broker_that_maps_them(run: Run, database: Database) -> None:
    document = plan(run, database)
    assert orders_of(document) == [("alpaca-main", "buy", "AAPL", "31"), ("ibkr-main", "buy", "IBM", "12")]
    main = document["portfolios"]["main"]
    assert (main["revision"], main["nav"], main["plan_only"], main["held"], main["problems"]) == (1, "100000", False, [], [])


def test_orders_are_in_the_journal_before_anything_is_sent(run: Run, database: Database) -> None:
    plan(run, database)
    entries = Journal(database).orders(portfolio="main")
    assert [(entry.order.ticker, entry.state) for entry in entries] == [("AAPL", OrderState.PLANNED), ("IBM", OrderState.PLANNED)]


def test_clearing_the_task_gives_the_same_bytes_whatever_quotes_say_now(run: Run, database: Database) -> None:
    plan(run, database)
    before = read_bytes(RunFolder(run.folder).orders)
    plan(run, database, Desk(price="100"))
    assert read_bytes(RunFolder(run.folder).orders) == before


def test_another_run_for_the_session_gets_the_stored_plan(run: Run, database: Database, tmp_path: Path) -> None:
    first = plan(run, database)
    again = make_run(tmp_path / "again", run_id="manual__2")
    write_inputs(again, weights={"AAPL": 0.01, "IBM": 0.01})
    assert plan(again, database, Desk(price="100")) == first
    assert len(Journal(database).orders(portfolio="main")) == 2


def test_replan_makes_the_next_revision_and_lays_unsent_orders_aside(run: Run, database: Database, tmp_path: Path) -> None:
    plan(run, database)
    again = make_run(tmp_path / "again", run_id="manual__2", options={**run.options, "replan": True})
    write_inputs(again, weights={"AAPL": 0.01, "IBM": 0.02})
    document = plan(again, database)
    assert document["portfolios"]["main"]["revision"] == 2
    assert orders_of(document) == [("ibkr-main", "buy", "IBM", "12"), ("alpaca-main", "buy", "AAPL", "6")]
    states = {(e.order.revision, e.order.ticker): (e.state, e.reason) for e in Journal(database).orders(portfolio="main")}
    assert states[(1, "AAPL")] == (OrderState.HELD, "superseded by a new revision")
    assert states[(2, "AAPL")][0] is OrderState.PLANNED
    assert plan(again, database)["portfolios"]["main"]["revision"] == 2  # clearing it does not make a third


def test_replan_waits_until_every_earlier_order_is_final(run: Run, database: Database, tmp_path: Path) -> None:
    document = plan(run, database)
    client_order_id = document["portfolios"]["main"]["orders"][0]["client_order_id"]
    assert Journal(database).mark_sending(client_order_id)
    again = make_run(tmp_path / "again", run_id="manual__2", options={**run.options, "replan": True})
    write_inputs(again)
    with pytest.raises(NotPermitted, match=f"replan: order {client_order_id} .buy AAPL. of main is still sending"):
        plan(again, database)


def test_a_managed_name_that_left_the_universe_is_sold(run: Run, database: Database, tmp_path: Path) -> None:
    filled(database, plan(run, database), "IBM")
    later = next_run(tmp_path, run)
    write_inputs(later, weights={"AAPL": 0.05})
    held = snapshot("ibkr-main", positions=(position("con-IBM", "12", "IBM"), position("con-XYZ", "7", "XYZ")))
    write_json(RunFolder(later.folder).account("ibkr-main"), held)
    document = plan(later, database)
    assert orders_of(document) == [("ibkr-main", "sell", "IBM", "12"), ("alpaca-main", "buy", "AAPL", "31")]
    assert document["portfolios"]["main"]["unmanaged"] == [{"account": "ibkr-main", "symbol": "XYZ", "quantity": "7"}]


def test_one_broker_without_quotes_holds_its_own_names_only(run: Run, database: Database) -> None:
    main = plan(run, database, Desk(down=("alpaca-main",)))["portfolios"]["main"]
    assert [order["ticker"] for order in main["orders"]] == ["IBM"]
    assert [(h["ticker"], h["reason"]) for h in main["held"]] == [("AAPL", "no_quote: the broker quotes no price")]
    assert main["problems"] == ["alpaca-main: no quotes: alpaca-main is down"]


def test_an_account_without_a_snapshot_is_neither_bought_in_nor_routed_around(
    run: Run, database: Database, tmp_path: Path
) -> None:
    partial = make_run(tmp_path / "partial")
    write_inputs(partial, frozen="alpaca-main")
    main = plan(partial, database)["portfolios"]["main"]
    assert [order["ticker"] for order in main["orders"]] == ["IBM"]
    assert [h["reason"] for h in main["held"]] == ["account_frozen: alpaca-main is preferred and could not be read"]


def test_a_backfill_plans_under_a_name_of_its_own_and_registers_nothing(run: Run, database: Database) -> None:
    backfill = run.model_copy(update={"is_backfill": True, "mode": ExecutionMode.PLAN})
    plan(backfill, database)
    journal = Journal(database)
    assert journal.plan("main", "2026-11-20") is None
    stored = journal.plan("backfill:main", "2026-11-20")
    assert stored is not None
    assert json.loads(stored[1])["orders"][0]["portfolio"] == "backfill:main"
    assert journal.orders() == []


def test_what_a_run_in_mode_plan_would_do_is_not_the_plan_of_the_session(run: Run, database: Database, tmp_path: Path) -> None:
    look = run.model_copy(update={"run_id": "look", "mode": ExecutionMode.PLAN})
    seen = plan(look, database)["portfolios"]["main"]["orders"]
    assert {order["portfolio"] for order in seen} == {"plan:look:main"}
    assert plan(look, database)["portfolios"]["main"]["orders"] == seen
    assert (Journal(database).plan("main", "2026-11-20"), Journal(database).orders()) == (None, [])
    sent = plan(run, database)["portfolios"]["main"]
    assert (sent["run_id"], {order["portfolio"] for order in sent["orders"]}) == (run.run_id, {"main"})
    assert not {order["client_order_id"] for order in seen} & {order["client_order_id"] for order in sent["orders"]}


def test_a_portfolio_never_changes_its_environment(run: Run, database: Database, tmp_path: Path) -> None:
    plan(run, database)
    accounts = tuple(a.model_copy(update={"environment": Environment.PAPER}) for a in run.portfolios[0].accounts)
    paper = run.portfolios[0].model_copy(update={"environment": Environment.PAPER, "accounts": accounts})
    with pytest.raises(InputError, match="expected environment 'sandbox', in which this portfolio has traded"):
        plan(run.model_copy(update={"portfolios": (paper,)}), database)


def test_nothing_is_planned_while_somebody_sends(run: Run, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.steps.plan_orders.LEASE_SECONDS", 0.0)
    with lease(database, "orders:ibkr-main", "another run", 60), pytest.raises(Transient, match="orders:ibkr-main"):
        plan(run, database)
    assert Journal(database).orders() == []


def test_a_planner_that_lost_its_turn_stores_nothing(run: Run, database: Database) -> None:
    class Slow(Desk):
        def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
            with database.write() as connection:  # its lease ran out and a sender has it
                connection.execute(leases.update().values(token="of another process"))
            return super().quotes(contracts)

    with pytest.raises(Transient, match="was lost to another process"):
        plan(run, database, Slow())
    assert Journal(database).plan("main", "2026-11-20") is None


def test_an_order_is_valid_as_long_as_the_market_of_its_contract(run: Run, database: Database) -> None:
    """The row is an American one; what ibkr maps it to is quoted in Frankfurt, which closes hours before New York."""
    folder = RunFolder(run.folder)
    mapping = read_json(folder.mapping("ibkr"))
    for row in mapping["mappings"]:
        row["contract"]["mic"] = "XETR"
    write_json(folder.mapping("ibkr"), mapping)
    orders = plan(run, database)["portfolios"]["main"]["orders"]
    assert [(o["account"], o["valid_until"]) for o in orders] == [
        ("alpaca-main", "2026-11-23T21:00:00Z"),
        ("ibkr-main", "2026-11-23T16:30:00Z"),
    ]


def test_a_brokers_limits_cut_the_plan(run: Run, database: Database) -> None:
    limited = run.model_copy(update={"options": {**run.options, "risk_limits": {"alpaca": {"max_order_value": "1000"}}}})
    assert orders_of(plan(limited, database)) == [("alpaca-main", "buy", "AAPL", "6"), ("ibkr-main", "buy", "IBM", "12")]


def test_an_account_that_its_broker_restricted_buys_nothing(run: Run, database: Database) -> None:
    def told(account: str, broker: str) -> None:
        found = {"why_not": {"stock": "the account is blocked"}}
        CapabilityLog(database).discovered(account, broker, found, {}, run.run_after - timedelta(hours=1))

    told("alpaca-main", "alpaca")
    assert orders_of(plan(run, database)) == [("ibkr-main", "buy", "AAPL", "31"), ("ibkr-main", "buy", "IBM", "12")]
