"""What this run may send its brokers at most, and what their accounts hold: as its own files tell it."""

from include.domain.account import AccountSnapshot
from include.domain.broker_limits import BrokerLimits
from include.domain.portfolio import Portfolio
from include.domain.run import Run
from include.settings import parse
from include.storage.artifacts import exists, read_json
from include.storage.run_folder import RunFolder


def broker_limits(run: Run) -> dict[str, BrokerLimits]:
    """Broker to its `risk_limits` when the run began; {} in a run of a version that knew none.

    Raises:
        InputError: `run.json` holds something else.
    """
    told = run.options.get("risk_limits", {})
    return {name: parse(BrokerLimits, limits, "run.json", f"options.risk_limits.{name}") for name, limits in told.items()}


def snapshots_of(run: Run, portfolio: Portfolio) -> dict[str, AccountSnapshot]:
    """Account id to this run's snapshot; an account that was not read is absent."""
    folder = RunFolder(run.folder)
    found = {}
    for account in portfolio.accounts:
        uri = folder.account(account.account_id)
        if exists(uri):
            found[account.account_id] = AccountSnapshot.model_validate(read_json(uri))
    return found
