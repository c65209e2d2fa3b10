"""One look at one account: its state is read, a quote asked for, what can be done with it noted (mapped per account)."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from include.brokers.base import Broker
from include.brokers.capabilities import document
from include.domain.account import Account
from include.storage.capability_log import CapabilityLog
from include.storage.database import Database
from include.storage.journal import Journal

log = logging.getLogger(__name__)


def probe_broker(
    account: Account, open_broker: Callable[[Account], AbstractContextManager[Broker]], database: Database, now: datetime
) -> dict[str, Any]:
    """Ask a broker what every run asks it; what it answers is thrown away, how it answers is counted (`call_counts`).

    Nothing is sent. What is kept of the account is what can be done with it: runs choose brokers by it (`run_discovered`). The
    quote is for the contract of the account's newest order; an account without one is asked for none. A contract without a quote
    (its market is closed) is an answer.

    Args:
        account: Whose.
        open_broker: Opens it, for reading.
        database: Holds the journal.
        now: Aware UTC.

    Returns:
        `account`, `source`, how many `positions` it has, for what it was `quoted` (a native id, or None), and the kinds of
        contracts that it cannot trade (`why_not`).

    Raises:
        BrokerUnavailable: It cannot be reached, or the breaker is open.
        AuthenticationFailed: Its keys were refused.
        PolybrokerError: Whatever else it raised.
    """
    contract = Journal(database).last_contract(account.account_id)
    with open_broker(account) as broker:
        snapshot = broker.snapshot(session=now.date().isoformat(), taken_at=now)
        quoted = sorted(broker.quotes([contract])) if contract is not None else []
        able = broker.discover()
        event = CapabilityLog(database).discovered(
            account.account_id, account.broker, document(able), document(broker.capabilities), now
        )
        if event is not None:
            log.warning("%s: %s", event.topic, event.body)
        return {
            "account": account.account_id,
            "source": broker.source,
            "positions": len(snapshot.positions),
            "quoted": quoted[0] if quoted else None,
            "why_not": dict(able.why_not),
        }
