"""Planning beside orders that still stand: they are settled first, and what they may take is not spent again."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.order import OrderReport, OrderState
from include.domain.run import Run
from include.storage.artifacts import read_json, write_json
from include.storage.database import Database
from include.storage.journal import Journal
from include.storage.run_folder import RunFolder
from tests.steps.planning import Desk, accepted, filled, next_run, orders_of, plan, standing
from tests.steps.run_files import AFTER_CLOSE, make_run, write_inputs
from tests.trading.build import position, snapshot


def test_an_order_of_unknown_outcome_freezes_its_instrument(run: Run, database: Database, tmp_path: Path) -> None:
    document = plan(run, database)
    first = document["portfolios"]["main"]["orders"][0]
    assert Journal(database).mark_sending(first["client_order_id"])
    later = next_run(tmp_path, run, run_after=AFTER_CLOSE)
    write_inputs(later)
    again = plan(later, database, Desk(down=("alpaca-main",)))["portfolios"]["main"]
    assert [(h["ticker"], h["reason"]) for h in again["held"]] == [
        ("AAPL", f"unresolved_order: order {first['client_order_id']} is sending")
    ]
    assert again["problems"] == [
        "alpaca-main: open orders could not be settled: alpaca-main is down",
        "alpaca-main: no quotes: alpaca-main is down",
    ]


def test_an_open_order_is_settled_before_planning(run: Run, database: Database, tmp_path: Path) -> None:
    document = plan(run, database)
    first = document["portfolios"]["main"]["orders"][0]
    assert Journal(database).mark_sending(first["client_order_id"])
    desk = Desk()
    desk.known[first["client_order_id"]] = OrderReport(client_order_id=first["client_order_id"], state=OrderState.CANCELLED)
    later = next_run(tmp_path, run)
    write_inputs(later)
    assert orders_of(plan(later, database, desk))[0] == ("alpaca-main", "buy", "AAPL", "31")
    assert Journal(database).state(first["client_order_id"]) is OrderState.CANCELLED


def test_an_order_of_a_frozen_account_freezes_its_instrument_everywhere(run: Run, database: Database, tmp_path: Path) -> None:
    document = plan(run, database)
    first = document["portfolios"]["main"]["orders"][0]
    assert (first["account"], Journal(database).mark_sending(first["client_order_id"])) == ("alpaca-main", True)
    later = next_run(tmp_path, run)
    write_inputs(later, frozen="alpaca-main")
    again = plan(later, database)["portfolios"]["main"]
    assert ("AAPL", f"unresolved_order: order {first['client_order_id']} is sending") in [
        (h["ticker"], h["reason"]) for h in again["held"]
    ]


def without_alpaca(tmp_path: Path, run: Run) -> Run:
    """The next run, after the user took a broker in trouble out of ACTIVE_BROKERS."""
    (main,) = run.portfolios
    remaining = main.model_copy(update={"accounts": tuple(a for a in main.accounts if a.broker == "ibkr")})
    return next_run(tmp_path, run, portfolios=(remaining,), brokers=("ibkr",))


class OneAccount(Desk):
    """Knows no other account than ibkr-main, as a run that leaves the others out."""

    @contextmanager
    def open(self, account_id: str) -> Iterator[Any]:
        if account_id != "ibkr-main":
            raise KeyError(account_id)
        yield self


def test_holdings_at_a_broker_that_was_left_out_stop_nobody_else(run: Run, database: Database, tmp_path: Path) -> None:
    filled(database, plan(run, database), "AAPL")
    later = without_alpaca(tmp_path, run)
    write_inputs(later)
    document = plan(later, database, OneAccount())
    assert orders_of(document) == [("ibkr-main", "buy", "IBM", "12")]
    held = [h["reason"] for h in document["portfolios"]["main"]["held"]]
    assert held == ["account_frozen: alpaca-main holds it and could not be read"]


def test_an_open_order_at_a_broker_that_was_left_out_is_not_bought_elsewhere(
    run: Run, database: Database, tmp_path: Path
) -> None:
    client_order_id = accepted(database, plan(run, database), "AAPL")
    later = without_alpaca(tmp_path, run)
    write_inputs(later)
    document = plan(later, database, OneAccount())
    assert orders_of(document) == [("ibkr-main", "buy", "IBM", "12")]
    assert document["portfolios"]["main"]["held"][0]["reason"] == f"unresolved_order: order {client_order_id} is accepted"


def test_an_open_order_freezes_its_contract_under_whatever_name(run: Run, database: Database, tmp_path: Path) -> None:
    desk = Desk()
    client_order_id = accepted(database, plan(run, database), "IBM")
    desk.known[client_order_id] = standing(client_order_id)
    later = next_run(tmp_path, run)
    write_inputs(later)
    universe = read_json(RunFolder(later.folder).universe)
    universe["all_stocks"]["IBM"]["instrument_id"] = "isin:US4592001014"
    write_json(RunFolder(later.folder).universe, universe)
    document = plan(later, database, desk)
    assert [ticker for _, _, ticker, _ in orders_of(document)] == ["AAPL"]
    assert document["portfolios"]["main"]["held"][0]["reason"] == f"unresolved_order: order {client_order_id} is accepted"


def test_what_an_open_buy_may_still_take_is_not_free(run: Run, database: Database, tmp_path: Path) -> None:
    desk = Desk()
    client_order_id = accepted(database, plan(run, database), "IBM", done="2")
    desk.known[client_order_id] = standing(client_order_id, "2")
    later = next_run(tmp_path, run)
    write_inputs(later)
    cash = plan(later, database, desk)["portfolios"]["main"]["cash_left"]["ibkr-main"]
    assert cash["USD"] == "97990.00"  # 10 of 12 are left, at a limit of 201


def test_replan_looks_at_the_broker_before_it_waits(run: Run, database: Database, tmp_path: Path) -> None:
    desk = Desk()
    client_order_id = accepted(database, plan(run, database), "AAPL")
    desk.known[client_order_id] = OrderReport(client_order_id=client_order_id, state=OrderState.CANCELLED)
    again = make_run(tmp_path / "again", run_id="manual__2", options={**run.options, "replan": True})
    write_inputs(again)
    assert plan(again, database, desk)["portfolios"]["main"]["revision"] == 2


@pytest.mark.parametrize(
    ("state", "done", "cash"),
    [
        (OrderState.FILLED, "12", "97990.00"),  # 10 more at 201 since the account was read
        (OrderState.CANCELLED, "5", "99397.00"),  # 3 more, and nothing can follow
        (OrderState.ACCEPTED, "5", "97990.00"),  # 3 more, and 7 may follow
    ],
)
def test_what_filled_after_the_account_was_read_is_not_spent_again(
    run: Run, database: Database, tmp_path: Path, state: OrderState, done: str, cash: str
) -> None:
    desk = Desk()
    client_order_id = accepted(database, plan(run, database), "IBM", done="2")
    later = next_run(tmp_path, run)
    write_inputs(later, weights={"AAPL": 0.05})
    read = snapshot("ibkr-main", positions=(position("con-IBM", "2", "IBM"),), open_orders=(standing(client_order_id, "2"),))
    write_json(RunFolder(later.folder).account("ibkr-main"), read)
    desk.known[client_order_id] = OrderReport(client_order_id=client_order_id, state=state, filled_quantity=Decimal(done))
    assert plan(later, database, desk)["portfolios"]["main"]["cash_left"]["ibkr-main"]["USD"] == cash
