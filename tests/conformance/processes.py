"""Several processes with one login: each opens the broker as a task does, and sends its own orders when all have opened it."""

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

from include.brokers.base import Broker, BrokerContext
from include.brokers.breaker import Breaker
from include.brokers.budgets import Budgets
from include.brokers.guarded import Guarded
from include.domain.account import Account
from include.domain.order import Order
from include.storage.database import open_database, upgrade
from include.storage.shared_states import DatabaseSharedState

PATIENCE_SECONDS = 120.0
_together: list[Barrier] = []  # of this process


@dataclass(frozen=True)
class Sender:
    """What one process sends, and how it opens the broker."""

    broker_class: type[Broker]
    account: Account
    credentials: Mapping[str, str]
    config: Mapping[str, Any]
    sandbox_token: str | None
    orders: Sequence[Order]

    @classmethod
    def of(cls, broker: Broker, orders: Sequence[Order]) -> "Sender":
        """One that opens what `broker` would."""
        context = broker.context
        told = dict(context.credentials), dict(context.config)
        return cls(type(broker), broker.account, *told, context.sandbox_token, orders)


def send_together(senders: Sequence[Sender], database_url: str) -> list[float]:
    """Seconds of every submit, sorted; what a process raises is raised here.

    Args:
        senders: One for each process.
        database_url: Where they share budgets and breaker; it is made.
    """
    upgrade(database_url)
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(len(senders))
    with ProcessPoolExecutor(len(senders), spawn, _begin, (together,)) as pool:
        started = [pool.submit(_send, sender, database_url) for sender in senders]
        return sorted(seconds for one in started for seconds in one.result(timeout=2 * PATIENCE_SECONDS))


def _begin(together: Barrier) -> None:
    _together.append(together)


def _send(sender: Sender, database_url: str) -> list[float]:
    with open_database(database_url) as database:
        shared = DatabaseSharedState(database)
        context = BrokerContext(
            credentials=sender.credentials,
            config=sender.config,
            sandbox_token=sender.sandbox_token,
            for_orders=True,
        )
        source = sender.broker_class(sender.account, context).source
        with closing(Budgets(shared, source)) as budgets:
            context = BrokerContext(**{**vars(context), "budgets": budgets})
            with Guarded(sender.broker_class(sender.account, context), breaker=Breaker(shared, source)) as broker:
                broker.prove_environment()
                _together[0].wait(PATIENCE_SECONDS)
                return [_seconds(broker, order) for order in sender.orders]


def _seconds(broker: Broker, order: Order) -> float:
    began = time.perf_counter()
    broker.submit(order)
    return time.perf_counter() - began
