from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest

from include.domain.account import Account, Environment
from include.domain.health import CallCount
from include.domain.portfolio import Portfolio
from include.steps.broker_health import broker_health, run_health
from include.storage.call_counts import CallCounts
from include.storage.database import Database
from tests.steps.mapping_run import AFTER_CLOSE, make_run

HOUR = timedelta(hours=1)
DUE = datetime(2026, 11, 20, 21, tzinfo=UTC)  # the hour in which the run became due


def called(source: str, answered: int, failed: int = 0, hour: datetime = DUE - HOUR) -> list[CallCount]:
    rows = {"": answered, "CONNECTION_ERROR": failed}
    return [
        CallCount(source, source.split("-", maxsplit=1)[0], hour, "quotes", code, calls, 1.0, 1.0)
        for code, calls in rows.items()
        if calls
    ]


def portfolio(*accounts: Account) -> Portfolio:
    return Portfolio(portfolio_id="main", environment=accounts[0].environment, accounts=accounts)


def account(broker: str, environment: Environment, account_id: str = "") -> Account:
    return Account(account_id=account_id or f"{broker}-main", broker=broker, environment=environment)


def test_health_of_every_source_of_the_last_day(database: Database) -> None:
    CallCounts(database).add(
        [*called("ibkr-paper", 3, 1), *called("alpaca-live", 1), *called("alpaca-paper", 9, 0, DUE - 25 * HOUR)]
    )
    found = broker_health([], database, DUE)
    assert {source: one.score for source, one in found.items()} == {"alpaca-live": D(1), "ibkr-paper": D("0.75")}


def test_a_run_goes_by_what_was_measured_before_it(tmp_path: Path, database: Database) -> None:
    CallCounts(database).add(
        [*called("ibkr-sbx12345678", 1, 1), *called("ibkr-sbx12345678", 0, 50, DUE), *called("ibkr-live", 0, 9)]
    )
    run = make_run(tmp_path)
    assert run.run_after == AFTER_CLOSE
    assert run_health(run, database) == {"ibkr": D("0.5")}


def test_a_task_that_is_cleared_reads_what_the_first_one_read(tmp_path: Path, database: Database) -> None:
    run = make_run(tmp_path)
    assert run_health(run, database) == {}
    CallCounts(database).add(called("ibkr-sbx12345678", 1))
    assert run_health(run, database) == {}
    assert run_health(make_run(tmp_path, "another"), database) == {"ibkr": D(1)}


@pytest.mark.parametrize(
    ("environment", "source", "counts"),
    [
        (Environment.PAPER, "alpaca-paper", True),
        (Environment.PAPER, "alpaca-live", False),
        (Environment.PAPER, "alpaca-sbx12345678", False),
        (Environment.LIVE, "alpaca-live", True),
        (Environment.SANDBOX, "alpaca-sbx12345678", True),
        (Environment.SANDBOX, "alpaca-paper", False),
        (Environment.PAPER, "ibkr-paper", False),
    ],
)
def test_only_an_accounts_own_environment_counts(
    tmp_path: Path, database: Database, environment: Environment, source: str, counts: bool
) -> None:
    CallCounts(database).add(called(source, 1))
    run = make_run(tmp_path, portfolios=(portfolio(account("alpaca", environment)),))
    assert run_health(run, database) == ({"alpaca": D(1)} if counts else {})


def test_what_mirrors_another_broker_is_found_under_its_source(tmp_path: Path, database: Database) -> None:
    CallCounts(database).add(called("paper-ibkr-sbx12345678", 1))
    run = make_run(tmp_path, portfolios=(portfolio(account("paper", Environment.PAPER)),))
    assert run_health(run, database) == {"paper": D(1)}


def test_of_several_environments_the_worst_counts(tmp_path: Path, database: Database) -> None:
    CallCounts(database).add([*called("ibkr-paper", 1, 1), *called("ibkr-live", 9, 1)])
    shadow = Portfolio(
        portfolio_id="shadow", environment=Environment.PAPER, accounts=(account("ibkr", Environment.PAPER, "ibkr-shadow"),)
    )
    run = make_run(tmp_path, portfolios=(portfolio(account("ibkr", Environment.LIVE)), shadow))
    assert run_health(run, database) == {"ibkr": D("0.5")}
