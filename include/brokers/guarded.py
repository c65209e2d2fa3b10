"""What stands around every adapter: checks before sending, retries of reads, time-outs, the circuit breaker, measurements.

`open_broker` gives it, so that nobody else calls an adapter. Reads may be repeated, so they are; `submit`, `modify` and `cancel`
go out once. A call that hangs ends here, and so does what may be asked of its connection: nobody knows what it still does.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TypeVar

import pyarrow as pa
from tenacity import RetryCallState, Retrying, retry_if_exception

from include.brokers.base import Broker, Capabilities, ConnectionState
from include.brokers.breaker import CIRCUIT_OPEN, Breaker
from include.brokers.checks import check_order
from include.brokers.deadline import Hung, within
from include.brokers.measures import Measures
from include.brokers.patience import Policy, Surroundings
from include.brokers.streaming import follow
from include.domain.account import AccountSnapshot
from include.domain.bar import Bar, BarSize
from include.domain.contract import Contract
from include.domain.health import ANSWERED
from include.domain.instrument import Instrument
from include.domain.order import Fill, Order, OrderChange, OrderReport
from include.domain.quote import Quote
from include.errors import BrokerUnavailable, OutcomeUnknown, PolybrokerError, Transient, Unsupported

T = TypeVar("T")
log = logging.getLogger(__name__)
_GONE = frozenset({ConnectionState.DISCONNECTED, ConnectionState.CLOSED})


class Guarded(Broker):
    """An adapter with everything around it; to its user it is the adapter.

    Args:
        inner: The adapter.
        policy: Retries and time-outs.
        breaker: Shared by all processes; None for none.
        measures: Counts the calls; None where nobody wants to know.
        surroundings: Clock, sleep and jitter.
    """

    def __init__(
        self,
        inner: Broker,
        *,
        policy: Policy | None = None,
        breaker: Breaker | None = None,
        measures: Measures | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        super().__init__(inner.account, inner.context)
        self.inner = inner
        self.name = inner.name
        self._policy = policy or Policy()
        self._breaker, self._measures = breaker, measures
        self._around = surroundings or Surroundings()
        self._hung = False
        self._lost = False  # closed in order to connect anew, which has not succeeded yet

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]
        """The adapter's, which may know them only once it is connected."""
        return self.inner.capabilities

    @property
    def able(self) -> Capabilities:
        """The adapter's."""
        return self.inner.able

    def discover(self) -> Capabilities:
        """The adapter's; one that asks its broker nothing is no call: it must neither count nor close a breaker."""
        if type(self.inner).discover is Broker.discover:
            return self.inner.able
        return self._read("discover", self.inner.discover)

    @property
    def state(self) -> ConnectionState:
        """The adapter's; `closed` after a call hung."""
        return ConnectionState.CLOSED if self._hung else self.inner.state

    @property
    def source(self) -> str:
        """The adapter's."""
        return self.inner.source

    def load(self) -> None:
        """The adapter's; not measured."""
        self.inner.load()

    def connect(self) -> None:
        """Connect, again where the broker could not be reached."""
        self._lost = False
        try:
            self.load()
            self._read("connect", self.inner.connect)
        except BaseException:
            self._keep_measures()  # nobody closes what could not be opened
            raise

    def close(self) -> None:
        """Disconnect; an adapter with a call that hangs is left to itself."""
        self._lost = False
        try:
            if not self._hung:
                self.inner.close()
        finally:
            self._keep_measures()

    def refresh(self) -> None:
        """Renew what it is authenticated with."""
        self._read("refresh", self.inner.refresh)

    def prove_environment(self) -> None:
        """Check the claim; where that needs the broker's word, it is asked again if it does not come."""
        self._read("prove_environment", self.inner.prove_environment)

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """The adapter's batches; asked again only while none was given yet, because a list that begins twice is no list."""
        batches, first = self._read("contracts", lambda: _begun(self.inner.contracts(wanted)), items=len(wanted))
        while first is not None:
            yield first
            patience = self._policy.probe_seconds
            first = self._once("contracts", lambda: next(batches, None), BrokerUnavailable, items=len(wanted), patience=patience)

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """The adapter's."""
        return self._read("snapshot", lambda: self.inner.snapshot(session, taken_at))

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """The adapter's."""
        return self._read("quotes", lambda: self.inner.quotes(contracts), items=len(contracts))

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        """The adapter's."""
        return self._read("fx_quotes", lambda: self.inner.fx_quotes(base, currencies), items=len(currencies))

    def submit(self, order: Order) -> OrderReport:
        """Check, then send once.

        Raises:
            Terminal: The order makes no sense, the broker does not declare that it can do it, or it refused.
        """
        check_order(order, self.able)
        return self._once("submit", lambda: self.inner.submit(order), OutcomeUnknown)

    def modify(self, client_order_id: str, change: OrderChange) -> OrderReport:
        """Send a change once."""
        self._needs(self.capabilities.modifies, "changes no standing orders")
        return self._once("modify", lambda: self.inner.modify(client_order_id, change), OutcomeUnknown)

    def cancel(self, client_order_id: str) -> OrderReport:
        """Ask once to cancel."""
        return self._once("cancel", lambda: self.inner.cancel(client_order_id), OutcomeUnknown)

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The adapter's."""
        return self._read("find_order", lambda: self.inner.find_order(client_order_id))

    def list_orders(self, *, open_only: bool = True) -> list[OrderReport]:
        """The adapter's."""
        return self._read("list_orders", lambda: self.inner.list_orders(open_only=open_only))

    def fills(self, since: datetime) -> list[tuple[str, Fill]]:
        """The adapter's."""
        return self._read("fills", lambda: self.inner.fills(since))

    def bars(self, contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
        """The adapter's."""
        self._needs(self.capabilities.bars, "tells no bars")
        return self._read("bars", lambda: self.inner.bars(contract, size, start, end))

    def clock_skew(self) -> timedelta | None:
        """The adapter's; nobody is asked where it has no such method."""
        if type(self.inner).clock_skew is Broker.clock_skew:
            return None
        return self._read("clock_skew", self.inner.clock_skew)

    def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        """The adapter's stream: its beginning is bounded in time, its end is for its consumer to see."""
        self._needs(self.capabilities.quote_stream, "streams no quotes")
        return self._stream("stream_quotes", lambda: self.inner.stream_quotes(contracts), items=len(contracts))

    def stream_orders(self) -> AsyncIterator[OrderReport]:
        """The adapter's stream, likewise."""
        self._needs(self.capabilities.order_stream, "streams no orders")
        return self._stream("stream_orders", self.inner.stream_orders)

    def _keep_measures(self) -> None:
        if self._measures is not None:
            self._measures.flush()

    def _needs(self, declared: bool, words: str) -> None:
        if not declared:
            raise Unsupported(f"{self.name} {words}", broker=self.name)

    def _read(self, method: str, work: Callable[[], T], *, items: int = 0) -> T:
        """A call that changes nothing, repeated while that may help; a broken connection is opened anew between two attempts."""
        begun = self._around.clock()

        def patience() -> float:
            return min(self._policy.probe_seconds, self._policy.total_seconds - (self._around.clock() - begun))

        def give_up(state: RetryCallState) -> bool:
            spent = self._around.clock() - begun + state.upcoming_sleep
            return state.attempt_number >= self._policy.attempts or spent > self._policy.total_seconds

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return self._policy.pause(state.attempt_number, error, self._around.random())

        def attempt(number: int) -> T:
            if method != "connect" and (self._lost or (number > 1 and self.inner.state in _GONE)):
                self._reopen(patience())
            return self._once(method, work, BrokerUnavailable, items=items, patience=patience())

        retrying = Retrying(
            sleep=self._around.sleep, stop=give_up, wait=pause, retry=retry_if_exception(self._may_repeat), reraise=True
        )
        for each in retrying:
            with each:
                return attempt(each.retry_state.attempt_number)
        raise AssertionError("a read ends with an answer or an error")

    def _once(
        self, method: str, work: Callable[[], T], when_hung: type[PolybrokerError], *, items: int = 0, patience: float = 0.0
    ) -> T:
        """One call, bounded in time; `patience`: seconds that it waits for the breaker's probe of another call."""
        self._may_ask(method, patience)
        begun = self._around.clock()
        try:
            answer = self._bounded(method, work, when_hung, items)
        except PolybrokerError as error:
            self._note(method, begun, error)
            raise
        except BaseException:  # a fault of ours, or the process is told to end
            self._let_go()
            raise
        self._note(method, begun, None)
        return answer

    async def _stream(self, method: str, work: Callable[[], AsyncIterator[T]], *, items: int = 0) -> AsyncIterator[T]:
        """A stream that begins in time or fails; never opened anew here, because its consumer must see the gap."""
        await asyncio.to_thread(self._may_ask, method)
        begun = self._around.clock()
        seconds = self._policy.stream_seconds + items * self._policy.item_seconds

        async def on_begun() -> None:
            await asyncio.to_thread(self._note, method, begun, None)

        try:
            async with aclosing(follow(work(), seconds, on_begun, f"{self.name}: {method}")) as stream:
                async for item in stream:
                    yield item
        except PolybrokerError as error:
            await asyncio.to_thread(self._note, method, begun, error)
            raise
        except BaseException:
            self._let_go()
            raise

    def _may_ask(self, method: str, patience: float = 0.0) -> None:
        if self._hung:
            raise BrokerUnavailable(f"{self.name}: a call before this one hung; open the broker again", broker=self.name)
        if self._lost and method != "connect":
            raise BrokerUnavailable(f"{self.name}: the connection is lost", broker=self.name)
        if self._breaker is not None:
            self._breaker.check(method, patience)

    def _bounded(self, method: str, work: Callable[[], T], when_hung: type[PolybrokerError], items: int) -> T:
        seconds = self._policy.call_seconds + items * self._policy.item_seconds
        try:
            return within(seconds, work)
        except Hung as error:
            self._hung = True
            raise when_hung(f"{self.name}: {method} did not end within {seconds:g} s", broker=self.name) from error

    def _note(self, method: str, begun: float, error: PolybrokerError | None) -> None:
        """Tell breaker and measures how a call ended. Nothing of that is raised: an order may have been sent."""
        try:
            if self._breaker is not None:
                self._breaker.answered() if error is None else self._breaker.failed(method, error)
            if self._measures is not None:
                code, own = (ANSWERED, "") if error is None else (error.code, error.broker_code)
                self._measures.count(method, code, self._around.clock() - begun, own)
        except Exception:
            log.exception("%s: how %s ended could not be noted", self.name, method)

    def _let_go(self) -> None:
        if self._breaker is not None:
            self._breaker.let_go()

    def _reopen(self, patience: float) -> None:
        log.info("%s: connecting again, the connection is %s", self.name, self.inner.state.value)
        if not self._lost:
            self._bounded("close", self.inner.close, BrokerUnavailable, 0)
        self._lost = True
        self._once("connect", self.inner.connect, BrokerUnavailable, patience=patience)
        self._lost = False

    def _may_repeat(self, error: BaseException) -> bool:
        return isinstance(error, Transient) and error.code != CIRCUIT_OPEN and not self._hung


def _begun(batches: Iterator[pa.RecordBatch]) -> tuple[Iterator[pa.RecordBatch], pa.RecordBatch | None]:
    """The iterator and its first batch, None where it has none."""
    return batches, next(batches, None)
