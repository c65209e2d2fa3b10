"""How well brokers have been answering, out of what was counted of their calls and orders (docs/brokers.md)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from include.domain.account import Account, Environment
from include.domain.health import Health, health
from include.domain.portfolio import Portfolio
from include.domain.run import Run
from include.storage.artifacts import exists, read_json, write_json
from include.storage.call_counts import CallCounts
from include.storage.database import Database
from include.storage.run_folder import RunFolder

WINDOW = timedelta(hours=24)


def broker_health(portfolios: Iterable[Portfolio], database: Database, end: datetime) -> dict[str, Health]:
    """Health by source (a broker in one environment) over the 24 hours before `end`; a source that was not called is absent.

    Args:
        portfolios: Whose accounts' orders count.
        database: Holds the counts and the journal.
        end: Aware UTC.
    """
    counts = CallCounts(database)
    accounts = [account for portfolio in portfolios for account in portfolio.accounts]
    found = {}
    for source, rows in counts.between(end - WINDOW, end).items():
        ids = [account.account_id for account in accounts if is_at(source, account)]
        found[source] = health(rows, counts.filled(ids, end - WINDOW, end))
    return found


def run_health(run: Run, database: Database) -> dict[str, Decimal]:
    """Score by broker of a run; one that was not measured is absent.

    Counted are the 24 hours before the hour in which the run became due: what happens in the run decides nothing in it, and a
    task that is cleared reads what the first one read (`health.json`). Where a run's accounts at a broker are in several
    environments, the worst counts.
    """
    uri = RunFolder(run.folder).health
    if not exists(uri):
        end = run.run_after.replace(minute=0, second=0, microsecond=0)
        found = broker_health(run.portfolios, database, end)
        scores: dict[str, str] = {}
        for account in (account for portfolio in run.portfolios for account in portfolio.accounts):
            for source, measured in found.items():
                if is_at(source, account) and measured.score is not None:
                    score = min(measured.score, Decimal(scores.get(account.broker, "1")))
                    scores[account.broker] = str(score)
        write_json(uri, dict(sorted(scores.items())))
    return {broker: Decimal(score) for broker, score in read_json(uri).items()}


def is_at(source: str, account: Account) -> bool:
    """Whether an account's calls are counted under a source (`include.brokers.environment.source_of`)."""
    sandbox = account.environment is Environment.SANDBOX
    own = f"{account.broker}-sbx" if sandbox else f"{account.broker}-{account.environment.value}"
    # What mirrors another broker is filed under that one's source: `paper-ibkr-live`.
    return source.startswith(own) or (source.startswith(f"{account.broker}-") and source.count("-") > 1)
