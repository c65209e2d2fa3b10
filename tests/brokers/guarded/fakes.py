"""An adapter that has troubles, a clock for those who wait, and the guard around them."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from include.brokers.base import Broker, ConnectionState
from include.brokers.breaker import Breaker, BreakerSettings
from include.brokers.guarded import Guarded
from include.brokers.measures import Measures
from include.brokers.patience import Policy, Surroundings
from include.domain.contract import Contract, to_table
from include.domain.health import CallCount
from include.domain.instrument import Instrument
from include.domain.order import OrderChange, OrderReport
from include.domain.quote import Quote
from include.errors import (
    BrokerUnavailable,
)
from tests.fakes.broker import FakeBroker, FakeVenue
from tests.fakes.orders import make_account
from tests.fakes.shared_state import MemoryState

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
AWAY = BrokerUnavailable("connection refused")


class Flaky(FakeBroker):
    """Raises what stands in `troubles`, first first, before it behaves; keeps a list of what it was asked."""

    def __init__(self, venue: FakeVenue, contracts: Sequence[Contract] = ()) -> None:
        super().__init__(venue, make_account(), contracts)
        self.troubles: list[BaseException] = []
        self.asked: list[str] = []
        self.told_state = ConnectionState.CONNECTED
        self.hangs_on: threading.Event | None = None

    @property
    def state(self) -> ConnectionState:
        return self.told_state

    def connect(self) -> None:
        self._note("connect")
        self.told_state = ConnectionState.CONNECTED

    def close(self) -> None:
        self.asked.append("close")
        self.told_state = ConnectionState.CLOSED

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        self._note("quotes")
        return super().quotes(contracts)

    def find_order(self, client_order_id: str) -> OrderReport | None:
        self._note("find_order")
        return super().find_order(client_order_id)

    def submit(self, order: Any) -> OrderReport:
        self._note("submit")
        return super().submit(order)

    def cancel(self, client_order_id: str) -> OrderReport:
        self._note("cancel")
        return super().cancel(client_order_id)

    def modify(self, client_order_id: str, change: OrderChange) -> OrderReport:
        self._note("modify")
        raise AssertionError("not reached")

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        self._note("contracts")
        yield from to_table(self.listed[:1]).to_batches()
        self._note("contracts, second batch")
        yield from to_table(self.listed[1:]).to_batches()

    def _note(self, method: str) -> None:
        self.asked.append(method)
        if self.hangs_on is not None:
            self.hangs_on.wait()
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, BrokerUnavailable) and "broke" in str(trouble):
                self.told_state = ConnectionState.DISCONNECTED
            raise trouble


class Time:
    """Stands still but for sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def guard(flaky: Broker, time: Time, **policy: Any) -> Guarded:
    around = Surroundings(clock=lambda: time.now, sleep=time.sleep, random=lambda: 1.0)
    return Guarded(flaky, policy=Policy(**policy), surroundings=around)


class Counted:
    """Where counts are kept: as text, because only these columns matter here."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def add(self, counts: Sequence[CallCount]) -> None:
        self.rows += [f"{row.method} {row.code or 'answered'} {row.calls} {row.seconds:g}" for row in counts]


def watched(flaky: Flaky, time: Time, store: MemoryState, counted: Counted | None = None, **policy: Any) -> Guarded:
    breaker = Breaker(store, flaky.source, settings=BreakerSettings(failures=3), clock=lambda: time.now)
    measures = Measures(counted, flaky.name, flaky.source) if counted else None
    around = Surroundings(clock=lambda: time.now, sleep=time.sleep, random=lambda: 1.0)
    return Guarded(flaky, policy=Policy(**policy), breaker=breaker, measures=measures, surroundings=around)
