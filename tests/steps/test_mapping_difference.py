"""Day after day through the steps: a contract that changes overnight is held, shown, accepted, and traded again."""

from decimal import Decimal

from include.domain.portfolio import ExecutionMode
from include.steps.check_risk import check_risk
from include.steps.mapping_difference import held_back
from include.steps.match_instruments import match_instruments
from include.steps.merge_mappings import merge_mappings
from include.steps.report_run import report_run
from include.steps.wanted import wanted_by_run
from include.storage.artifacts import exists, read_bytes, read_json
from include.storage.contract_lists import write_contracts
from include.storage.database import Database
from include.storage.run_folder import RunFolder
from include.storage.seen_mappings import SeenMappings
from tests.mapping.build import table
from tests.steps.mapping_days import SETTINGS, SOURCE, Days, apple, counts, words
from tests.steps.run_files import make_run


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


def test_without_a_database_nothing_is_compared(days: Days) -> None:
    run = days.run(1, apple())
    other = make_run(days.folder / "other", brokers=("ibkr",))
    write_contracts(RunFolder(other.folder).contracts("ibkr"), table(apple()).to_batches(), {"source": SOURCE})
    match_instruments(other, "ibkr", wanted_by_run(run, days.database, SETTINGS), SETTINGS)
    assert not exists(RunFolder(other.folder).mapping_changes("ibkr"))
    assert held_back(other, "ibkr") == []
