"""What waits for a person goes on waiting: while it is not found, under another key, and while its broker is away."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.domain.contract import Contract
from include.domain.portfolio import ExecutionMode
from include.domain.run import Run
from include.steps.mapping_difference import held_back
from include.steps.merge_mappings import merge_mappings
from include.steps.plan_candidates import candidates
from include.storage.artifacts import read_bytes, read_json, write_json
from include.storage.contract_lists import write_contracts
from include.storage.journal import Journal, ManagedPosition
from include.storage.run_folder import RunFolder
from include.storage.seen_mappings import SeenMappings
from tests.mapping.build import contract, table
from tests.mapping.documents import miss
from tests.steps.mapping_days import IBM, NOW, ONLY_IBKR, SETTINGS, SOURCE, Days, apple, counts, words
from tests.steps.run_files import AFTER_CLOSE, make_run, stock, write_inputs
from tests.trading.build import portfolio


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
