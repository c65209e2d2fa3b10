"""One look at one account: it connects, its state is read, one quote is asked for (mapped per account)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from include.brokers.base import Broker
from include.domain.account import Account
from include.storage.database import Database
from include.storage.journal import Journal


def probe_broker(
    account: Account, open_broker: Callable[[Account], AbstractContextManager[Broker]], database: Database, now: datetime
) -> dict[str, Any]:
    """Ask a broker what every run asks it; what it answers is thrown away, how it answers is counted (`call_counts`).

    Nothing is sent and nothing is kept of the account. The quote is for the contract of the account's newest order; an account
    without one is asked for none. A contract without a quote (its market is closed) is an answer.

    Args:
        account: Whose.
        open_broker: Opens it, for reading.
        database: Holds the journal.
        now: Aware UTC.

    Returns:
        `account`, `source`, how many `positions` it has, and for what it was `quoted` (a native id, or None).

    Raises:
        BrokerUnavailable: It cannot be reached, or the breaker is open.
        AuthenticationFailed: Its keys were refused.
        PolybrokerError: Whatever else it raised.
    """
    contract = Journal(database).last_contract(account.account_id)
    with open_broker(account) as broker:
        snapshot = broker.snapshot(session=now.date().isoformat(), taken_at=now)
        quoted = sorted(broker.quotes([contract])) if contract is not None else []
        return {
            "account": account.account_id,
            "source": broker.source,
            "positions": len(snapshot.positions),
            "quoted": quoted[0] if quoted else None,
        }
