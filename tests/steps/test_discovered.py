from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.capabilities import document
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.account import Account
from include.domain.portfolio import Portfolio
from include.domain.run import Run
from include.steps.discovered import COUNTS_FOR, narrowed, run_discovered
from include.storage.artifacts import write_json
from include.storage.capability_log import CapabilityLog
from include.storage.database import Database
from include.storage.run_folder import RunFolder
from tests.steps.mapping_run import AFTER_CLOSE, make_run
from tests.trading.build import snapshot

ABLE = AlpacaBroker.capabilities
NO_CRYPTO = {"crypto": "not activated"}
BLOCKED = dict.fromkeys(("stock", "etf", "crypto"), "blocked")


def run_with(folder: Path, *accounts: str, name: str = "run", frozen: bool = False) -> Run:
    """A run whose portfolios have one of these accounts each, all of them read (or none: `frozen`)."""
    made = [Account(account_id=each, broker="alpaca", environment="sandbox") for each in accounts]
    portfolios = tuple(
        Portfolio(portfolio_id=f"p{number}", environment="sandbox", accounts=(one,)) for number, one in enumerate(made)
    )
    run = make_run(folder, name).model_copy(update={"portfolios": portfolios})
    for each in accounts:
        write_json(RunFolder(run.folder).account(each), snapshot(each, frozen=frozen).model_dump(mode="json"))
    return run


def told(database: Database, account: str, reasons: dict[str, str], **ago: Any) -> None:
    found, declared = document(ABLE.without(reasons)), document(ABLE)
    CapabilityLog(database).discovered(account, "alpaca", found, declared, AFTER_CLOSE - timedelta(**ago))


def test_a_run_goes_by_what_was_told_lately(tmp_path: Path, database: Database) -> None:
    run = run_with(tmp_path, "a", "b", "c", "d", "e")
    told(database, "a", NO_CRYPTO, hours=1)
    told(database, "b", NO_CRYPTO, seconds=COUNTS_FOR.total_seconds() + 1)
    told(database, "d", NO_CRYPTO, minutes=-5)  # the run waited for its turn
    told(database, "e", NO_CRYPTO, days=-30)  # today, of a backfill
    told(database, "elsewhere", NO_CRYPTO, hours=1)
    assert run_discovered(run, database) == {"a": NO_CRYPTO, "d": NO_CRYPTO}


def test_what_another_broker_told_of_an_account_of_the_same_name_says_nothing(tmp_path: Path, database: Database) -> None:
    found, declared = document(IbkrBroker.capabilities.without({"stock": "blocked"})), document(IbkrBroker.capabilities)
    CapabilityLog(database).discovered("a", "ibkr", found, declared, AFTER_CLOSE)
    assert run_discovered(run_with(tmp_path, "a"), database) == {}


def test_what_an_account_told_before_says_nothing_where_the_run_could_not_read_it(tmp_path: Path, database: Database) -> None:
    told(database, "a", BLOCKED, hours=1)
    assert run_discovered(run_with(tmp_path, "a", frozen=True), database) == {}
    unread = run_with(tmp_path, "a", name="unread")
    Path(RunFolder(unread.folder).account("a").removeprefix("file://")).unlink()
    assert run_discovered(unread, database) == {}


def test_a_task_that_is_cleared_reads_what_the_first_one_read(tmp_path: Path, database: Database) -> None:
    run = run_with(tmp_path, "a")
    assert run_discovered(run, database) == {}
    told(database, "a", BLOCKED, hours=1)
    assert run_discovered(run, database) == {}
    assert run_discovered(run_with(tmp_path, "a", name="another"), database) == {"a": BLOCKED}


@pytest.mark.parametrize(
    ("reasons", "gone"),
    [
        ({}, {}),
        ({"a": {}}, {}),
        ({"a": NO_CRYPTO}, {}),  # the other account was not asked
        ({"a": NO_CRYPTO, "b": {}}, {}),
        ({"a": NO_CRYPTO, "b": BLOCKED}, NO_CRYPTO),
        ({"a": {"option": "never declared"}, "b": {"option": "never declared"}}, {}),
    ],
)
def test_a_broker_is_out_where_none_of_its_accounts_can(
    tmp_path: Path, reasons: dict[str, dict[str, str]], gone: dict[str, str]
) -> None:
    declared = {"alpaca": ABLE, "ibkr": IbkrBroker.capabilities}
    found = narrowed(declared, run_with(tmp_path, "a", "b"), reasons)
    assert found["alpaca"] == ABLE.without(gone)
    assert found["ibkr"] == IbkrBroker.capabilities
