"""Settle what earlier runs left open at the accounts of one portfolio: look every order up, conclude only what is proven."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from include.brokers.base import Broker
from include.errors import PolybrokerError
from include.storage.database import Database
from include.storage.journal import Journal
from include.trading.settling import settle

Opener = Callable[[str], AbstractContextManager[Broker]]


def settle_orders(account_ids: Iterable[str], open_reader: Opener, database: Database, now: datetime) -> dict[str, str]:
    """Look up every open order of these accounts and record what the brokers say.

    An account without open orders is not opened. One that cannot be read does not stop the others.

    Args:
        account_ids: Accounts of one portfolio.
        open_reader: Opens an account for reading.
        database: Holds the journal.
        now: Aware UTC; decides which orders are past their validity.

    Returns:
        Account id to why it could not be settled: its orders stay as the journal knows them. {} where all could.
    """
    journal = Journal(database)
    errors: dict[str, str] = {}
    for account_id in account_ids:
        if journal.unresolved(account_id):
            try:
                with open_reader(account_id) as broker:
                    settle(account_id, broker, journal, now)
            except PolybrokerError as error:
                errors[account_id] = str(error)
    return errors
