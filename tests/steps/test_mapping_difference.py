"""Day after day through the steps: a contract that changes overnight is held, shown, accepted, and traded again."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.contract import Contract
from include.domain.portfolio import ExecutionMode
from include.domain.run import Run
from include.settings import load_settings
from include.steps.check_risk import check_risk
from include.steps.mapping_difference import held_back
from include.steps.match_instruments import match_instruments
from include.steps.merge_mappings import merge_mappings
from include.steps.plan_candidates import candidates
from include.steps.plan_orders import plan_orders
from include.steps.report_run import report_run
from include.steps.wanted import wanted_by_run
from include.storage.artifacts import exists, read_bytes, read_json, write_json
from include.storage.contract_lists import write_contracts
from include.storage.database import Database
from include.storage.journal import Journal, ManagedPosition
from include.storage.run_folder import RunFolder
from include.storage.seen_mappings import SeenMappings
from tests.mapping.build import contract, table
from tests.mapping.documents import miss
from tests.steps.run_files import AFTER_CLOSE, make_run, stock, write_inputs
from tests.steps.test_plan_orders import Desk
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


@pytest.fixture
def days(tmp_path: Path, database: Database) -> Days:
    return Days(tmp_path, database)


def words(run: Run) -> list[str]:
    return [row["reason"] for row in held_back(run, "ibkr")]


def counts(run: Run) -> dict[str, int]:
    return dict(read_json(RunFolder(run.folder).mapping_changes("ibkr"))["counts"])


def test_a_changed_contract_is_held_shown_accepted_and_traded_again(days: Days) -> None:
    first = days.run(1, apple())
    assert (counts(first), words(first)) == ({"same": 0, "new": 2, "changed": 0, "gone": 0}, [])

    second = days.run(2, apple("999", lot_size=Decimal(100)))
    why = "mapping_changed: native_id 265598 -> 999, lot_size 1 -> 100 (polybroker mappings accept AAPL --broker ibkr)"
    assert words(second) == [why]
    plan = days.plan(second)
    assert [order["ticker"] for order in plan["orders"]] == ["IBM"]
    assert [(row["ticker"], row["reason"]) for row in plan["held"]] == [("AAPL", why)]
    assert read_json(RunFolder(second.folder).mapping("ibkr"))["mappings"][0]["contract"]["native_id"] == "999"
    merge_mappings(second, [{"broker": "ibkr", "uri": RunFolder(second.folder).mapping("ibkr")}], SETTINGS, {})
    mapped = read_json(RunFolder(second.folder).universe_mapped)["all_stocks"]
    assert mapped["AAPL"]["broker_mappings"]["ibkr"]["held"] is True
    assert mapped["AAPL"]["broker_mappings"]["ibkr"]["changes"][0] == {"field": "native_id", "before": "265598", "after": "999"}
    assert "held" not in mapped["IBM"]["broker_mappings"]["ibkr"]
    report = read_bytes(report_run(second, days.folder.as_uri())).decode()
    assert "- ibkr: 1 mapping changed" in report
    assert "polybroker mappings accept AAPL --broker ibkr" in report

    third = days.run(3, apple("999", lot_size=Decimal(100)))
    assert words(third) == [why]  # until a person has seen it
    assert days.accept() == ["AAPL"]
    fourth = days.run(4, apple("999", lot_size=Decimal(1)))
    assert words(fourth) == ["mapping_changed: lot_size 100 -> 1 (polybroker mappings accept AAPL --broker ibkr)"]
    days.accept()
    assert [order["ticker"] for order in days.plan(days.run(5, apple("999")))["orders"]] == ["AAPL", "IBM"]


def test_an_earlier_runs_plan_of_the_session_sends_nothing_that_is_held_now(days: Days) -> None:
    planned = days.plan(days.run(1, apple()))
    again = days.run(1, apple("999"), name="-again")
    stands = days.plan(again)
    assert (stands["run_id"], stands["orders"]) == ("day-1", planned["orders"])
    blocked = read_json(check_risk(again))["blocked"]
    (order,) = [order for order in stands["orders"] if order["ticker"] == "AAPL"]
    why = "mapping_changed: native_id 265598 -> 999 (polybroker mappings accept AAPL --broker ibkr)"
    assert blocked == {order["client_order_id"]: why}


def test_accepting_is_enough_for_a_cleared_task(days: Days) -> None:
    days.run(1, apple())
    second = days.run(2, apple("999"))
    days.accept()
    days.match(second)
    assert words(second) == []
    assert [order["ticker"] for order in days.plan(second)["orders"]] == ["AAPL", "IBM"]


def test_an_implausible_price_is_held_and_a_cleared_task_says_the_same(days: Days) -> None:
    first = days.run(1, apple(), price=200)
    before = read_bytes(RunFolder(first.folder).mapping_changes("ibkr"))
    assert days.match(first) == before
    second = days.run(2, apple(), price=599)
    before = read_bytes(RunFolder(second.folder).mapping_changes("ibkr"))
    assert (words(second), days.match(second)) == ([], before)
    third = days.run(3, apple(), price=20000)
    assert words(third) == ["mapping_changed: price 599 -> 20000 USD (polybroker mappings accept AAPL --broker ibkr)"]
    before = read_bytes(RunFolder(third.folder).mapping_changes("ibkr"))
    assert days.match(third) == before
    assert days.match(first) == read_bytes(RunFolder(first.folder).mapping_changes("ibkr"))
    days.accept()
    days.match(third)
    assert words(third) == []
    assert words(days.run(4, apple(), price=20000)) == []


def test_the_ratio_is_an_option(days: Days) -> None:
    days.run(1, apple(), price=200)
    options = make_run(days.folder / "x").options | {"mapping_price_ratio_max": 150.0}
    assert words(days.run(2, apple(), price=20000, options=options)) == []


def test_a_contract_that_comes_back_waits_no_longer(days: Days, database: Database) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    assert words(days.run(3, apple())) == []
    assert SeenMappings(database).waiting() == []


def test_a_backfill_neither_holds_for_later_nor_records(days: Days, database: Database) -> None:
    days.run(1, apple("7"), name="-backfill", is_backfill=True, mode=ExecutionMode.PLAN)
    assert SeenMappings(database).seen(SOURCE) == []
    days.run(2, apple())
    held = days.run(3, apple("999"), name="-backfill", is_backfill=True, mode=ExecutionMode.PLAN)
    assert len(words(held)) == 1  # it plans on what was seen, like any run
    assert SeenMappings(database).waiting() == []
    assert words(days.run(3, apple())) == []


def test_a_backfill_of_an_older_session_is_not_held_by_what_came_later(days: Days) -> None:
    days.run(3, apple())
    assert words(days.run(1, apple("7"), is_backfill=True, mode=ExecutionMode.PLAN)) == []


def test_a_run_that_only_plans_shows_and_keeps_but_its_prices_are_not_compared_with(days: Days, database: Database) -> None:
    days.run(1, apple(), mode=ExecutionMode.PLAN)
    days.run(2, apple(), price=500, mode=ExecutionMode.PLAN)
    assert {str(one.price.amount) for one in SeenMappings(database).seen(SOURCE) if one.price} == {"200.0"}
    assert len(words(days.run(3, apple("999"), mode=ExecutionMode.PLAN))) == 1
    assert days.accept() == ["AAPL"]


def test_a_sandbox_made_anew_is_forgotten_and_starts_again(days: Days, database: Database) -> None:
    days.run(1, apple())
    SeenMappings(database).forget(SOURCE)
    second = days.run(2, apple("999"))
    assert (words(second), counts(second)["new"]) == ([], 2)


def test_what_is_not_listed_any_more_is_shown(days: Days) -> None:
    days.run(1, apple())
    second = days.run(2)
    (gone,) = read_json(RunFolder(second.folder).mapping_changes("ibkr"))["gone"]
    told = ("AAPL", "265598", "AAPL", "symbol_not_found")
    assert (gone["ticker"], gone["native_id"], gone["symbol"], gone["reason"]) == told
    assert len(words(days.run(3, apple("999")))) == 1  # back as another contract


def test_what_waits_is_held_too_while_it_has_no_contract(days: Days) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    why = "mapping_changed: native_id 265598 -> 999 (polybroker mappings accept AAPL --broker ibkr)"
    third = days.run(3)
    assert (words(third), counts(third)["gone"]) == ([why], 1)
    before = read_bytes(RunFolder(third.folder).mapping_changes("ibkr"))
    assert days.match(third) == before
    days.accept()
    assert words(days.run(4)) == []


def waiting(days: Days) -> list[tuple[str, str]]:
    return [one.key for one in SeenMappings(days.database).waiting()]


def without_apple(days: Days, day: int, **changes: Any) -> Run:
    """A day on which Apple is no member of the universe."""
    run = days.run(day, match=False, **changes)
    folder = RunFolder(run.folder)
    document = read_json(folder.universe)
    del document["all_stocks"]["AAPL"]
    write_json(folder.universe, document)
    days.match(run)
    return run


def test_what_left_the_universe_and_is_held_nowhere_waits_no_longer_and_is_held_when_it_comes_back(days: Days) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    without_apple(days, 2, name="-again")
    without_apple(days, 3, mode=ExecutionMode.PLAN, name="-plan")
    assert waiting(days) == [("ticker:AAPL", "AAPL")]
    without_apple(days, 3)
    assert waiting(days) == []
    assert len(words(days.run(4, apple("999")))) == 1


@pytest.mark.parametrize("portfolio_id", ["main", "no-part-of-the-run"])
def test_what_is_still_held_in_an_account_waits_on(days: Days, portfolio_id: str) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    position = ManagedPosition(portfolio_id, "ibkr-main", "AAPL", "ticker:AAPL", apple(), Decimal(5))
    Journal(days.database).adopt(position, NOW)
    third = without_apple(days, 3)
    assert waiting(days) == [("ticker:AAPL", "AAPL")]
    assert len(words(third)) == (1 if portfolio_id == "main" else 0)  # the run does not look for another portfolio's


def with_isin(days: Days, day: int, *listed: Contract) -> Run:
    """A day on which Apple's ISIN is known."""
    run = days.run(day, *listed, match=False)
    folder = RunFolder(run.folder)
    document = read_json(folder.universe)
    document["all_stocks"]["AAPL"] |= {"isin": "US0378331005", "instrument_id": "isin:US0378331005"}
    write_json(folder.universe, document)
    days.match(run)
    return run


def test_an_instrument_whose_isin_became_known_waits_under_it_alone(days: Days) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    assert len(words(with_isin(days, 3, apple("999")))) == 1
    assert waiting(days) == [("isin:US0378331005", "AAPL")]


def renamed(days: Days, day: int, *listed: Contract) -> Run:
    """A day on which Apple's ISIN is known, and its ticker is another one."""
    run = days.run(day, *listed, match=False)
    folder = RunFolder(run.folder)
    document = read_json(folder.universe)
    document["all_stocks"]["APPL"] = stock("APPL", name="AAPL Inc", isin="US0378331005", instrument_id="isin:US0378331005")
    del document["all_stocks"]["AAPL"]
    write_json(folder.universe, document)
    days.match(run)
    return run


def test_an_instrument_whose_isin_became_known_waits_on_when_its_ticker_changes_too(days: Days) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    with_isin(days, 3, apple("999"))
    fourth = renamed(days, 4, apple("999", isin="US0378331005"))
    assert words(fourth) == ["mapping_changed: native_id 265598 -> 999 (polybroker mappings accept APPL --broker ibkr)"]
    assert waiting(days) == [("isin:US0378331005", "APPL")]
    assert days.accept() == ["APPL"]
    assert words(renamed(days, 5, apple("999", isin="US0378331005"))) == []


def test_the_old_form_under_the_new_ticker_waits_no_longer(days: Days) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    with_isin(days, 3, apple("999"))
    assert words(renamed(days, 4, apple(isin="US0378331005"))) == []
    assert waiting(days) == []


def test_an_isin_that_becomes_known_between_two_tries_of_one_run_is_held(days: Days) -> None:
    days.run(1, apple())
    days.match(days.run(1, apple("999")))
    assert len(waiting(days)) == 1
    assert words(with_isin(days, 1, apple("999"))) == [
        "mapping_changed: native_id 265598 -> 999 (polybroker mappings accept AAPL --broker ibkr)"
    ]


def test_it_waits_on_under_its_old_key_while_it_is_not_found(days: Days) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    third = with_isin(days, 3)
    assert words(third) == ["mapping_changed: native_id 265598 -> 999 (polybroker mappings accept AAPL --broker ibkr)"]
    assert [row["instrument_id"] for row in held_back(third, "ibkr")] == ["isin:US0378331005"]
    assert waiting(days) == [("ticker:AAPL", "AAPL")]


def merged_without_ibkr(days: Days, session: datetime, **changes: Any) -> Run:
    """A run in which IBKR delivered nothing, and another broker nothing of interest."""
    values = {"run_id": "away", "as_of": session.date(), "run_after": session, "brokers": ("alpaca", "ibkr")}
    run = make_run(
        days.folder / "runs" / "away", **{**values, "portfolios": (ONLY_IBKR,), "mode": ExecutionMode.PAPER, **changes}
    )
    write_inputs(run)
    folder = RunFolder(run.folder)
    document = read_json(folder.universe)
    document["all_stocks"] = {"IBM": stock("IBM", isin=None)}
    document["metadata"]["exchange_rates"]["needed"] = []
    write_json(folder.universe, document)
    write_json(folder.mapping("alpaca"), {"mappings": [miss("IBM", "alpaca")]})
    merge_mappings(run, [{"broker": "alpaca", "uri": folder.mapping("alpaca")}], SETTINGS, {}, database=days.database)
    return run


def test_what_waits_at_a_broker_that_delivers_nothing_is_not_sold_there(days: Days) -> None:
    days.run(1, apple())
    days.run(2, apple("999"))
    run = merged_without_ibkr(days, AFTER_CLOSE + timedelta(days=4))
    why = "mapping_changed: native_id 265598 -> 999 (polybroker mappings accept AAPL --broker ibkr)"
    assert words(run) == [why]
    position = ManagedPosition("main", "ibkr-main", "AAPL", "isin:US0378331005", apple(), Decimal(5))  # its ISIN became known
    found = candidates(run, portfolio(), read_json(RunFolder(run.folder).sizes("main")), [position], SETTINGS)
    assert {one.ticker: one.mapping_held for one in found} == {"IBM": {}, "AAPL": {"ibkr": why}}
    assert days.accept() == ["AAPL"]
    assert words(merged_without_ibkr(days, AFTER_CLOSE + timedelta(days=4))) == []  # nothing of the earlier try is left


def test_a_broker_that_delivers_nothing_for_an_older_session_holds_nothing_of_later_ones(days: Days) -> None:
    days.run(2, apple())
    days.run(3, apple("999"))
    assert words(merged_without_ibkr(days, AFTER_CLOSE, is_backfill=True, mode=ExecutionMode.PLAN)) == []


def test_a_member_that_waits_at_a_broker_away_is_marked_as_held(days: Days) -> None:
    days.run(1)
    changed = contract("7", "IBM", "IBM Inc", "XNYS")
    days.run(2, ibm=changed)
    mapped = read_json(RunFolder(merged_without_ibkr(days, AFTER_CLOSE + timedelta(days=4)).folder).universe_mapped)
    told = mapped["all_stocks"]["IBM"]["broker_mappings"]["ibkr"]
    assert (told["status"], told["held"]) == ("unavailable", True)
    assert told["changes"] == [{"field": "native_id", "before": "2", "after": "7"}]


def test_a_cleared_task_that_finds_nothing_any_more_still_holds_what_its_first_try_held(days: Days) -> None:
    days.run(1, apple())
    second = days.run(2, apple("999"))
    told = {"source": SOURCE, "knows_isin": "true", "fetched_at": "2026-11-23"}
    write_contracts(RunFolder(second.folder).contracts("ibkr"), table(IBM).to_batches(), told)
    days.match(second)
    assert words(second) == ["mapping_changed: native_id 265598 -> 999 (polybroker mappings accept AAPL --broker ibkr)"]


def test_a_holding_that_left_the_universe_waits_too(days: Days) -> None:
    days.run(1, apple())
    second = days.run(2, apple("999"))
    folder = RunFolder(second.folder)
    document = read_json(folder.universe)
    del document["all_stocks"]["AAPL"]
    write_json(folder.universe, document)
    position = ManagedPosition("main", "ibkr-main", "AAPL", "ticker:AAPL", apple(), Decimal(5))
    found = candidates(second, portfolio(), read_json(folder.sizes("main")), [position], SETTINGS)
    assert {one.ticker: list(one.mapping_held) for one in found} == {"IBM": [], "AAPL": ["ibkr"]}


def test_without_a_database_nothing_is_compared(days: Days) -> None:
    run = days.run(1, apple())
    other = make_run(days.folder / "other", brokers=("ibkr",))
    write_contracts(RunFolder(other.folder).contracts("ibkr"), table(apple()).to_batches(), {"source": SOURCE})
    match_instruments(other, "ibkr", wanted_by_run(run, days.database, SETTINGS), SETTINGS)
    assert not exists(RunFolder(other.folder).mapping_changes("ibkr"))
    assert held_back(other, "ibkr") == []
