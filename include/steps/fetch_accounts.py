"""What one account holds, once per run (mapped per account)."""

from include.allocation.nav import SnapshotStore
from include.brokers.base import Broker
from include.domain.account import AccountSnapshot
from include.domain.run import Run
from include.errors import BrokerUnavailable, InputError
from include.settings import parse
from include.storage.artifacts import exists, read_json, write_json
from include.storage.run_folder import RunFolder


def fetch_accounts(run: Run, account_id: str, broker: Broker, snapshots: SnapshotStore) -> str:
    """Write the snapshot of one account, and keep it for later sessions.

    A snapshot this run has taken before stays as it is, so that every later task of the run sees one state of the account. A
    stand-in that step 7 wrote for an account that could not be read is replaced.

    Args:
        run: `as_of` and `run_after` stamp the snapshot.
        account_id: One of the run's accounts.
        broker: Open for that account.
        snapshots: Where snapshots are kept by session.

    Returns:
        URI of `accounts/<account_id>.json`.

    Raises:
        InputError: The run has no such account.
        PolybrokerError: Whatever the broker raised: an account that could not be read is never an empty one.
    """
    if account_id not in run.account_ids:
        raise InputError(
            "expected an account of this run", source=RunFolder(run.folder).run, field="portfolios", value=account_id
        )
    uri = RunFolder(run.folder).account(account_id)
    if exists(uri) and not read_snapshot(uri).frozen:
        return uri
    snapshot = broker.snapshot(session=run.as_of.isoformat(), taken_at=run.run_after)
    if snapshot.account_id != account_id:
        raise BrokerUnavailable(f"{broker.name} answered for account {snapshot.account_id}, not {account_id}")
    return write_json(uri, snapshots.save(snapshot, run.run_id))


def read_snapshot(uri: str) -> AccountSnapshot:
    """The snapshot of a file; one that is missing or not a snapshot is an `InputError`."""
    return parse(AccountSnapshot, read_json(uri), uri, None)
