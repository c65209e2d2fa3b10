"""Airflow Connection -> Broker: the keys of `polybroker_<broker>` (or of `account.connection`), else those of the environment."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from include.brokers import opening
from include.brokers.base import Broker
from include.brokers.credentials import Keys
from include.brokers.registry import broker_class
from include.domain.account import Account
from include.domain.run import Run
from include.errors import PolybrokerError
from include.settings import Settings
from include.storage.broker_events import BrokerEvents
from include.storage.call_counts import CallCounts
from include.storage.database import Database
from include.storage.lookups import DatabaseLookupCache
from include.storage.paper import DatabaseAccountStore
from include.storage.shared_states import DatabaseSharedState
from include.storage.tokens import token_store

log = logging.getLogger(__name__)


def connection_credentials(connection: Any) -> dict[str, str]:
    """The keys of an Airflow Connection as adapters know them.

    `host` and `port` as they are, `login` as `api_key`, `password` as `secret_key`; whatever stands in the extra (`client_id`,
    `base_url` ...) wins. Empty fields are left out.
    """
    values = {
        "host": connection.host,
        "port": connection.port,
        "api_key": connection.login,
        "secret_key": connection.password,
        **connection.extra_dejson,
    }
    return {key: str(value) for key, value in values.items() if value not in (None, "")}


def credentials(settings: Settings, environ: Mapping[str, str] = os.environ) -> opening.Credentials:
    """How a task finds the keys of an account: its Connection if Airflow has one, else the environment.

    Airflow masks secrets of its Connections in logs; those of the environment are told to it here.
    """
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException
    from airflow.sdk.log import mask_secret

    in_environment = opening.environment_credentials(settings, environ)

    def of(account: Account) -> Mapping[str, str]:
        try:
            return Keys(connection_credentials(Connection.get(account.connection or f"polybroker_{account.broker}")))
        except AirflowNotFoundException:
            keys = Keys(in_environment(account))
            for secret in keys.secrets:
                mask_secret(secret)
            return keys

    return of


@contextmanager
def open_broker(
    account: Account,
    settings: Settings,
    database: Database,
    *,
    for_orders: bool = False,
    connects_when_asked: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Broker]:
    """A connected broker inside a task; see `include.brokers.opening.open_broker` for what it raises."""
    with opening.open_broker(
        account,
        settings=settings,
        credentials=credentials(settings, environ),
        lookups=DatabaseLookupCache(database),
        accounts=DatabaseAccountStore(database),
        shared=DatabaseSharedState(database),
        calls=CallCounts(database),
        events=BrokerEvents(database),
        tokens=token_store(database, environ),
        sandbox_token=opening.sandbox_token(settings, environ),
        for_orders=for_orders,
        connects_when_asked=connects_when_asked,
    ) as broker:
        yield broker


def account_opener(run: Run, settings: Settings, database: Database) -> Callable[[str], AbstractContextManager[Broker]]:
    """Opens the account of an id of this run, for reading: what steps that visit several accounts are given."""

    def opened(account_id: str) -> AbstractContextManager[Broker]:
        return open_broker(account_of(run, account_id), settings, database)

    return opened


def account_of(run: Run, account_id: str) -> Account:
    """The account of an id, out of the run's portfolios.

    Raises:
        KeyError: No portfolio of this run has it.
    """
    return next(a for a in run.portfolio_of(account_id).accounts if a.account_id == account_id)


def open_reader(
    name: str, run: Run, settings: Settings, database: Database, *, connects_when_asked: bool = False
) -> AbstractContextManager[Broker]:
    """A broker opened for its lists and quotes, through the first account that the run has there."""
    account = opening.reading_account(name, run.portfolios)
    return open_broker(account, settings, database, connects_when_asked=connects_when_asked)


@contextmanager
def currency_broker(run: Run, settings: Settings, database: Database) -> Iterator[Broker | None]:
    """The first active broker that quotes currencies and can be reached; None where there is none (ECB rates then)."""
    with ExitStack() as stack:
        yield _first_quoting(run, settings, database, stack)


def _first_quoting(run: Run, settings: Settings, database: Database, stack: ExitStack) -> Broker | None:
    for name in run.brokers:
        if settings.brokers[name].get("mirrors") or broker_class(name, settings.brokers).fx_quotes is Broker.fx_quotes:
            continue
        try:
            return stack.enter_context(open_reader(name, run, settings, database))
        except PolybrokerError as error:
            log.warning("%s quotes no currencies now: %s", name, error)
    return None
