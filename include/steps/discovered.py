"""What brokers told of the run's accounts that these cannot do (docs/brokers.md): it narrows what their adapters declare."""

from collections.abc import Mapping
from datetime import timedelta

from include.brokers.base import Capabilities
from include.domain.account import Account
from include.domain.run import Run
from include.steps.fetch_accounts import read_snapshot
from include.storage.artifacts import exists, read_json, write_json
from include.storage.capability_log import CapabilityLog
from include.storage.database import Database
from include.storage.run_folder import RunFolder

COUNTS_FOR = timedelta(hours=24)  # before the run became due (it may have been settled since) and after it (a backfill's is none)

WhyNot = dict[str, dict[str, str]]  # account id -> kind of contract -> why it cannot be traded there


def run_discovered(run: Run, database: Database) -> WhyNot:
    """The kinds that accounts of a run cannot trade, and why; absent is an account that was not asked lately.

    So is one that this run could not read: what was preferred for it waits, nothing is re-routed by what it told before.
    Read once, from what `monitor_brokers` keeps: a task that is cleared reads what the first one read (`discovered.json`).
    """
    uri = RunFolder(run.folder).discovered
    if not exists(uri):
        told = CapabilityLog(database).discoveries()
        accounts = [account for portfolio in run.portfolios for account in portfolio.accounts if _is_read(run, account)]
        found = {account: told[account.account_id] for account in accounts if account.account_id in told}
        counts = {a: it for a, it in found.items() if it.broker == a.broker and abs(it.seen_at - run.run_after) <= COUNTS_FOR}
        write_json(uri, {account.account_id: it.why_not for account, it in counts.items()})
    kept: WhyNot = read_json(uri)
    return kept


def _is_read(run: Run, account: Account) -> bool:
    uri = RunFolder(run.folder).account(account.account_id)
    return exists(uri) and not read_snapshot(uri).frozen


def narrowed(declared: Mapping[str, Capabilities], run: Run, told: WhyNot) -> dict[str, Capabilities]:
    """What brokers can do in this run: a kind that none of the run's accounts at a broker can trade is taken away.

    Args:
        declared: Broker to what its adapter declares.
        run: Its accounts count.
        told: Of `run_discovered`.
    """
    found = {}
    for broker, able in declared.items():
        accounts = [a.account_id for portfolio in run.portfolios for a in portfolio.accounts if a.broker == broker]
        reasons = [told.get(account, {}) for account in accounts]
        barred = {kind: why for kind, why in (reasons[0] if reasons else {}).items() if all(kind in each for each in reasons)}
        found[broker] = able.without(barred)
    return found
