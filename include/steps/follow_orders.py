"""Following the orders of a run until they are final, and reading the accounts afterwards; part of `reconcile_orders`."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from include.brokers.base import Broker
from include.domain.account import AccountSnapshot
from include.domain.run import Run
from include.errors import PolybrokerError, Transient
from include.storage.journal import Journal, JournalEntry
from include.storage.order_states import OPEN
from include.trading.settling import look_up, settle

Opener = Callable[[str], AbstractContextManager[Broker]]


@dataclass
class Followed:
    """What the brokers said in the end.

    Attributes:
        snapshots: Account id to a fresh snapshot; absent where it could not be read.
        errors: Account id to why it could not be followed or read.
    """

    snapshots: dict[str, AccountSnapshot] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def follow(
    run: Run,
    orders: dict[str, list[str]],
    open_reader: Opener,
    journal: Journal,
    now: Callable[[], datetime],
    wait: Callable[[float], None],
) -> Followed:
    """Ask the brokers about the run's open orders until all are final or the time is over, then read every account.

    Args:
        run: The run; `reconcile_timeout_seconds` and `reconcile_poll_seconds` of its options.
        orders: Account id -> client order ids of the run; every account of the run is a key.
        open_reader: Opens an account for reading.
        journal: Where answers are recorded.
        now: Clock, aware UTC.
        wait: Waits that many seconds.
    """
    result = Followed()
    with ExitStack() as stack:
        brokers: dict[str, Broker] = {}
        for account_id in orders:
            try:
                brokers[account_id] = stack.enter_context(open_reader(account_id))
                if journal.unresolved(account_id):
                    settle(account_id, brokers[account_id], journal, now())
            except PolybrokerError as error:
                result.errors[account_id] = str(error)
        deadline = now() + timedelta(seconds=float(run.options["reconcile_timeout_seconds"]))
        while left := _open(journal, orders, brokers):
            seconds = (deadline - now()).total_seconds()
            if seconds <= 0:
                break
            wait(min(float(run.options["reconcile_poll_seconds"]), seconds))
            _poll(left, brokers, journal, now, result)
        for account_id, broker in brokers.items():
            try:
                result.snapshots[account_id] = broker.snapshot(run.as_of.isoformat(), now())
            except PolybrokerError as error:
                result.errors[account_id] = str(error)
    return result


def _open(journal: Journal, orders: dict[str, list[str]], accounts: Iterable[str]) -> list[JournalEntry]:
    wanted = {client_order_id for account_id in accounts for client_order_id in orders[account_id]}
    found = [entry for account_id in accounts for entry in journal.orders(account=account_id, states=OPEN)]
    return [entry for entry in found if entry.order.client_order_id in wanted]


def _poll(
    entries: list[JournalEntry],
    brokers: dict[str, Broker],
    journal: Journal,
    now: Callable[[], datetime],
    result: Followed,
) -> None:
    """One look at every open order. An account that is away is asked again next time; one that refuses is left alone."""
    for account_id in sorted({entry.order.account for entry in entries}):
        try:
            for entry in entries:
                if entry.order.account == account_id:
                    look_up(entry, brokers[account_id], journal, now())
            result.errors.pop(account_id, None)
        except Transient as error:
            result.errors[account_id] = str(error)
        except PolybrokerError as error:
            result.errors[account_id] = str(error)
            del brokers[account_id]
