"""One connection to TWS on an event loop in a thread of its own: the only place that touches ib_insync's machinery.

ib_insync wants to live inside `asyncio.run`, even to be imported; steps are synchronous. It also hides what must not be hidden:
an answer it cannot decode is only logged, a request that TWS dropped never ends, a refused client id looks like a time-out.
All of that ends here, as one of our errors.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from include.brokers.budgets import Budgets
from include.brokers.ibkr import failures
from include.brokers.ibkr.loop_thread import LoopThread
from include.brokers.ibkr.pacing import Pacer, whole
from include.errors import BrokerUnavailable, PolybrokerError, RateLimited

T = TypeVar("T")
CONNECT_MESSAGES = 10  # what ib_insync sends by itself while it connects, at most
LAST_TIMESTAMP = 45  # tick type: when the last trade happened, in seconds


class Session:
    """A connection that is opened on first use and again after it broke.

    Args:
        client_ids: Tried in this order; the next one where one is in use.
        account: Account code to follow, "" for the only one.
        timeout: Seconds for each answer.
        messages_per_second / searches_per_second: Never more than this in any second, as TWS sees it.
        budgets: Where these limits are shared with other processes that use the same TWS; None: this one is alone.
        readonly: Leaves out what a read-only API refuses.

    Attributes:
        endings: Permanent order id -> how a completed order ended, in IBKR's words.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_ids: Sequence[int],
        *,
        account: str = "",
        timeout: float = 20.0,
        messages_per_second: int = 45,
        searches_per_second: int = 1,
        budgets: Budgets | None = None,
        readonly: bool = True,
    ) -> None:
        self.host, self.port, self.client_ids = host, port, tuple(client_ids)
        self.account, self.timeout, self.readonly = account, timeout, readonly
        self._limits, self._budgets = (messages_per_second, searches_per_second), budgets
        self._thread: LoopThread | None = None
        self._broken: asyncio.Future[PolybrokerError] | None = None
        self.ib: Any = None
        self.endings: dict[int, str] = {}
        self.library: Any = None
        self.client_id = -1

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine on the session's loop, connected, and give its result.

        Raises:
            BrokerUnavailable: TWS cannot be reached, or the answer made no sense, or there was none in time.
        """
        if self._thread is None:
            self._thread = LoopThread(self._prepare)

        async def connected() -> T:
            await self._ensure()
            return await work()

        return self._thread.run(connected())

    def close(self) -> None:
        """Disconnect and end the thread; safe to call twice."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            thread.close(self._leave)

    async def ask(self, request: Callable[[], Awaitable[T]], pacer: Pacer | None = None) -> T:
        """Send one request inside the pacing and wait for its answer; call it on the loop.

        Raises:
            InvalidSymbol: TWS says there is no such contract.
            NotPermitted: No market data for it.
            RateLimited: Asked too fast.
            BrokerUnavailable: No answer in time, one that made no sense, or the connection broke.
        """
        if pacer is not None:
            async with pacer, self.messages.ahead():
                return await self._answer(request)
        async with self.messages:
            return await self._answer(request)

    async def gather(self, work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """Results in order; the first failure cancels the rest and is raised."""
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _answer(self, request: Callable[[], Awaitable[T]]) -> T:
        self.check()
        try:
            answer = asyncio.ensure_future(request())
        except ConnectionError as error:
            raise BrokerUnavailable(f"IBKR at {self.place}: {error}") from error
        try:
            await self.first(answer)
            self.check()
            if not answer.done():  # an answer that comes late would end the next request of that name too early: start afresh
                self._break(BrokerUnavailable(f"IBKR at {self.place} did not answer within {self.timeout:g} s"))
                self.check()
            return answer.result()
        except self.library.wrapper.RequestError as error:
            raise failures.request_failure(error.code, error.message) from error
        except ConnectionError as error:
            raise BrokerUnavailable(f"IBKR at {self.place}: {error}") from error
        finally:
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # seen: asyncio complains about failures nobody looked at

    async def first(self, awaited: "asyncio.Future[Any]", timeout: float | None = None) -> None:
        """Wait for an answer, the end of the connection, or the time-out."""
        assert self._broken is not None
        both: set[asyncio.Future[Any]] = {awaited, self._broken}
        await asyncio.wait(both, timeout=timeout or self.timeout, return_when=asyncio.FIRST_COMPLETED)

    def check(self) -> None:
        """Raise why the connection broke, where it did."""
        if self._broken is None:
            raise BrokerUnavailable(f"IBKR at {self.place}: not connected")
        if self._broken.done():
            error = self._broken.result()
            raise type(error)(str(error))

    def _break(self, error: PolybrokerError) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(error)

    async def _prepare(self) -> None:
        """What must be made on the loop."""
        self.library = _load()
        self.messages, self.searches = (
            Pacer(limit, share=self._budgets.share(self.place, endpoint, whole(limit)) if self._budgets else None)
            for endpoint, limit in zip(("messages", "searches"), self._limits, strict=True)
        )
        self._connecting = asyncio.Lock()

    async def _ensure(self) -> None:
        async with self._connecting:
            if self._broken is not None and not self._broken.done():
                return
            self._leave()
            for client_id in self.client_ids:
                if await self._connect(client_id):
                    return
            used = ", ".join(str(client_id) for client_id in self.client_ids)
            raise BrokerUnavailable(f"IBKR at {self.place}: every client id is in use ({used})")

    async def _connect(self, client_id: int) -> bool:
        """True when connected, False when the client id is in use."""
        self._broken = broken = asyncio.get_running_loop().create_future()
        self.ib, self.client_id = self._client(), client_id
        reserved = [self.messages] * min(CONNECT_MESSAGES, self._limits[0])
        for pacer in reserved:
            await pacer.__aenter__()
        connecting = asyncio.ensure_future(
            self.ib.connectAsync(
                self.host, self.port, clientId=client_id, timeout=self.timeout, readonly=self.readonly, account=self.account
            )
        )
        try:
            await asyncio.wait({connecting, broken}, timeout=2 * self.timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pacer in reserved:
                await pacer.__aexit__(None, None, None)
            if not connecting.done():
                connecting.cancel()
        outcome = (await asyncio.gather(connecting, return_exceptions=True))[0]
        if broken.done() and isinstance(broken.result(), _ClientIdInUse):
            return False
        unanswered = [str(key) for key in self.ib.wrapper._futures]  # ib_insync only logs what timed out while it connected
        if not broken.done() and not isinstance(outcome, BaseException) and not unanswered:
            return True
        self._leave()
        if isinstance(outcome, TimeoutError):
            raise BrokerUnavailable(f"IBKR at {self.place}: no TWS answered within {self.timeout:g} s")
        if broken.done():
            raise broken.result()
        why = repr(outcome) if isinstance(outcome, BaseException) else f"no answer about {', '.join(unanswered)}"
        raise BrokerUnavailable(f"IBKR at {self.place}: {why}")

    def _client(self) -> Any:
        ib = self.library.IB()
        ib.RaiseRequestErrors = True
        ib.client.MaxRequests = self._limits[0]
        ib.client.decoder.logger = _DecodeAlarm(self._on_garbage)
        ib.errorEvent += self._on_error
        ib.client.conn.disconnected += self._on_disconnected
        ib.client.conn.hasData.error_event += self._on_undecodable
        self.endings = {}
        told, completed = ib.wrapper.tickString, ib.wrapper.completedOrder

        def tick_string(request_id: int, tick_type: int, value: str) -> None:
            """ib_insync drops the time of the last trade; it is kept where a later reader looks for a time."""
            ticker = ib.wrapper.reqId2Ticker.get(request_id)
            if tick_type == LAST_TIMESTAMP and ticker is not None:
                ticker.rtTime = datetime.fromtimestamp(int(value), UTC)
            told(request_id, tick_type, value)

        def completed_order(contract: Any, order: Any, state: Any) -> None:
            """ib_insync drops how an order ended."""
            self.endings[order.permId] = state.completedStatus
            completed(contract, order, state)

        ib.wrapper.tickString, ib.wrapper.completedOrder = tick_string, completed_order
        return ib

    def _on_error(self, request_id: int, code: int, text: str, _: Any) -> None:
        if code == failures.CLIENT_ID_IN_USE:
            self._break(_ClientIdInUse(text))
        elif code in failures.TOO_FAST:
            self._break(RateLimited(f"IBKR error {code}: {text}"))
        elif code in failures.CONNECTION_LOST:
            self._break(BrokerUnavailable(f"IBKR error {code}: {text}"))

    def _on_disconnected(self, message: str) -> None:
        self._break(BrokerUnavailable(f"IBKR at {self.place} closed the connection{': ' if message else ''}{message}"))

    def _on_undecodable(self, _: Any, error: Exception) -> None:
        self._on_garbage(str(error))

    def _on_garbage(self, message: str) -> None:
        self._break(BrokerUnavailable(f"IBKR at {self.place} answered what cannot be decoded: {message[:200]}"))

    def _leave(self) -> None:
        """Forget the connection; its events must not reach the next one."""
        if self.ib is None:
            return
        self.ib.errorEvent -= self._on_error
        self.ib.client.conn.disconnected -= self._on_disconnected
        self.ib.client.disconnect()
        self.ib, self._broken = None, None


class _ClientIdInUse(PolybrokerError):
    """TWS has a client with this id."""


class _DecodeAlarm(logging.LoggerAdapter[logging.Logger]):
    """Stands where ib_insync logs an answer it could not decode: such an answer must end the read, not shorten it."""

    def __init__(self, alarm: Callable[[str], None]) -> None:
        super().__init__(logging.getLogger("ib_insync.Decoder"), {})
        self._alarm = alarm

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Raise the alarm."""
        self._alarm(str(msg))


def _load() -> Any:
    """ib_insync, quiet: whatever it would log is either raised here or of no interest."""
    import ib_insync

    logging.getLogger("ib_insync").setLevel(logging.CRITICAL)
    return ib_insync
