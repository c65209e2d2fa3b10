"""One look at one account: state, one quote, the time, and what can be done with it (mapped per account)."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from include.brokers.base import Broker, Capabilities
from include.brokers.capabilities import document
from include.brokers.clock import PREFIX, Skew
from include.domain.account import Account
from include.errors import InputError
from include.storage.capability_log import CapabilityLog
from include.storage.database import Database
from include.storage.journal import Journal
from include.storage.shared_states import DatabaseSharedState

log = logging.getLogger(__name__)


def probe_broker(
    account: Account,
    open_broker: Callable[[Account], AbstractContextManager[Broker]],
    database: Database,
    now: datetime,
    allowed_skew_seconds: float,
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
        allowed_skew_seconds: Between the broker's clock and ours; what was measured is kept (`include/brokers/clock.py`).

    Returns:
        `account`, `source`, how many `positions` it has, for what it was `quoted` (a native id, or None), the kinds of contracts
        that it cannot trade (`why_not`), and `clock_skew_seconds`: how far its clock is ahead of ours (None: it does not tell).

    Raises:
        BrokerUnavailable: It cannot be reached, or the breaker is open.
        AuthenticationFailed: Its keys were refused.
        InputError: Everything was answered, but the clocks are too far apart.
        PolybrokerError: Whatever else it raised.
    """
    contract = Journal(database).last_contract(account.account_id)
    with open_broker(account) as broker:
        snapshot = broker.snapshot(session=now.date().isoformat(), taken_at=now)
        quoted = sorted(broker.quotes([contract])) if contract is not None else []
        apart, able = broker.clock_skew(), broker.discover()
        _keep_discovered(account, able, document(broker.capabilities), database, now)
        found = {
            "account": account.account_id,
            "source": broker.source,
            "positions": len(snapshot.positions),
            "quoted": quoted[0] if quoted else None,
            "why_not": dict(able.why_not),
            "clock_skew_seconds": None if apart is None else round(apart.total_seconds(), 3),
        }
    if apart is not None:
        _keep_skew(found, allowed_skew_seconds, database, now)
    return found


def _keep_discovered(account: Account, able: Capabilities, declared: dict[str, Any], database: Database, now: datetime) -> None:
    event = CapabilityLog(database).discovered(account.account_id, account.broker, document(able), declared, now)
    if event is not None:
        log.warning("%s: %s", event.topic, event.body)


def _keep_skew(found: dict[str, Any], allowed_seconds: float, database: Database, now: datetime) -> None:
    skew = Skew(found["clock_skew_seconds"], allowed_seconds, now.isoformat(timespec="seconds"))
    DatabaseSharedState(database).change(PREFIX + found["source"], lambda _: (skew.document, None))
    if skew.is_too_much:
        raise InputError(skew.words, source=found["source"], field="clock")
