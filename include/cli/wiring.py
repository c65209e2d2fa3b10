"""What commands share: settings, the database (made by the first that writes), brokers opened with the environment's keys."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from include.brokers import opening
from include.brokers.base import Broker
from include.domain.account import Account
from include.domain.portfolio import Portfolio
from include.domain.run import Run
from include.errors import InputError
from include.settings import Environ, Settings
from include.storage.broker_events import BrokerEvents
from include.storage.call_counts import CallCounts
from include.storage.database import Database, is_new_file, open_database, upgrade
from include.storage.lookups import DatabaseLookupCache
from include.storage.paper import DatabaseAccountStore
from include.storage.shared_states import DatabaseSharedState
from include.storage.tokens import token_store


@contextmanager
def project_database(settings: Settings | Environ) -> Iterator[Database]:
    """The database, with its schema made first where a SQLite file does not exist yet: for commands that write."""
    url = _url(settings)
    if is_new_file(url):
        upgrade(url)
    with open_database(url) as database:
        yield database


@contextmanager
def kept_database(settings: Settings | Environ) -> Iterator[Database]:
    """The database, for commands that say what is kept there: an empty one that they made would look like an empty history.

    Raises:
        InputError: There is none.
    """
    url = _url(settings)
    if is_new_file(url):
        expected = "expected a database: nothing was run with this one yet, or POLYBROKER_DATABASE_URL should name another"
        raise InputError(expected, source=url)
    with open_database(url) as database:
        yield database


def _url(settings: Settings | Environ) -> str:
    return (settings if isinstance(settings, Environ) else settings.environ).database_url


def open_account(
    account: Account, settings: Settings, database: Database, *, for_orders: bool = False, connects_when_asked: bool = False
) -> AbstractContextManager[Broker]:
    """A connected broker (or one that connects when it is asked something), with keys from the environment."""
    return opening.open_broker(
        account,
        settings=settings,
        credentials=opening.environment_credentials(settings, os.environ),
        lookups=DatabaseLookupCache(database),
        accounts=DatabaseAccountStore(database),
        shared=DatabaseSharedState(database),
        calls=CallCounts(database),
        events=BrokerEvents(database),
        tokens=token_store(database, os.environ),
        sandbox_token=opening.sandbox_token(settings, os.environ),
        for_orders=for_orders,
        connects_when_asked=connects_when_asked,
    )


def opener(run: Run, settings: Settings, database: Database) -> Callable[[str], AbstractContextManager[Broker]]:
    """Opens an account of the run by its id, for reading."""
    return lambda account_id: open_account(account_of(run.portfolios, account_id), settings, database)


def account_of(portfolios: tuple[Portfolio, ...], account_id: str) -> Account:
    """The configured account of an id.

    Raises:
        InputError: No portfolio has it.
    """
    known = {account.account_id: account for portfolio in portfolios for account in portfolio.accounts}
    if account_id not in known:
        raise InputError(f"expected one of {', '.join(sorted(known))}", source="portfolios", field="account_id", value=account_id)
    return known[account_id]
