"""What each task of `monitor_brokers` does; like `include/hooks/tasks.py`, but for a DAG that has no run of a portfolio."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.settings import Settings
    from include.storage.database import Database


@contextmanager
def _project() -> Iterator[tuple["Settings", "Database"]]:
    from include.settings import load_settings
    from include.storage.database import open_database

    settings = load_settings()
    with open_database(settings.environ.database_url) as database:
        yield settings, database


def probed_accounts() -> list[str]:
    from include.settings import load_settings
    from include.steps.probed_accounts import probed_accounts as accounts

    return accounts(load_settings())


def probe_broker(account: str) -> dict[str, Any]:
    from include.hooks.brokers import open_broker
    from include.steps.probe_broker import probe_broker as probe

    with _project() as (settings, database):
        accounts = {each.account_id: each for portfolio in settings.portfolios for each in portfolio.accounts}
        chosen = accounts[account]
        return probe(
            chosen,
            lambda one: open_broker(one, settings, database, environ=os.environ),
            database,
            datetime.now(UTC),
            settings.broker_files[chosen.broker].max_clock_skew_seconds,
        )


def report_health() -> dict[str, dict[str, Any]]:
    from include.hooks.metrics import send_health
    from include.steps.report_health import report_health as report

    with _project() as (settings, database):
        found = report(settings, database, datetime.now(UTC))
    send_health(found)
    return found
