"""One connection to TWS on an event loop in a thread of its own: the only place that touches the client library's machinery.

The library wants to live inside `asyncio.run`, even to be imported; steps are synchronous. It also hides what must not be hidden:
an answer it cannot decode is only logged, a request that TWS dropped never ends, a refused client id looks like a time-out.
All of that ends here, as one of our errors.
"""

import asyncio
import concurrent.futures
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from include.brokers.base import ConnectionState
from include.brokers.ibkr import failures
from include.brokers.ibkr.advice import NO_ADVICE, Advice
from include.brokers.ibkr.library import AUTO, load
from include.brokers.ibkr.loop_thread import LoopThread
from include.brokers.ibkr.overlay import keep_endings, new_client
from include.brokers.pacing import Pacer
from include.domain.pacing import Pacing
from include.errors import BrokerUnavailable, PolybrokerError

T = TypeVar("T")


class Session:
    """A connection that is opened on first use and again after it broke.

    Args:
        client_ids: Tried in this order; the next one where one is in use.
        account: Account code to follow, "" for the only one.
        timeout: Seconds for each answer.
        pacer: The limits of all that use the same TWS; None: there are none.
        readonly: Leaves out what a read-only API refuses.
        library: `ib_insync`, `ib_async` or `auto`.
        beside: Another session whose thread this one shares, so that work on one may wait for the other.
        advice: What a person can look at where nobody answers, and where every client id is in use.

    Attributes:
        listeners: Called on the loop whenever TWS has said something of orders, or the line broke or came back.
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
        pacer: Pacer | None = None,
        readonly: bool = True,
        library: str = AUTO,
        beside: "Session | None" = None,
        advice: Advice = NO_ADVICE,
    ) -> None:
        self.host, self.port, self.client_ids = host, port, tuple(client_ids)
        self.account, self.timeout, self.readonly = account, timeout, readonly
        self._advice = advice
        self.pacer = pacer or Pacer(Pacing())
        self._thread: LoopThread | None = None
        self._wanted, self._beside = library, beside
        self._line_lost = self._prepared = False
        self.listeners: set[Callable[[], None]] = set()
        self._broken: asyncio.Future[PolybrokerError] | None = None
        self.ib: Any = None
        self.endings: dict[int, str] = {}
        self.library: Any = None
        self.client_id = -1

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"

    @property
    def state(self) -> ConnectionState:
        """Where the connection stands, as far as it is known."""
        if self.ib is None or self._broken is None:
            return ConnectionState.CONNECTING if self._prepared and self._connecting.locked() else ConnectionState.DISCONNECTED
        if self._line_lost:
            return ConnectionState.DEGRADED
        return ConnectionState.CONNECTED if self.ib.client.isReady() else ConnectionState.DISCONNECTED

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine on the session's loop, connected, and give its result.

        Raises:
            BrokerUnavailable: TWS cannot be reached, or the answer made no sense, or there was none in time.
        """
        return self.start(work).result()

    def start(self, work: Callable[[], Coroutine[Any, Any, T]]) -> "concurrent.futures.Future[T]":
        """The same without waiting for the result."""
        return self._loop_thread().start(self.do(work))

    async def do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The same for those who are on the loop already."""
        try:
            await self._prepare()
            await self._ensure()
            return await work()
        except asyncio.CancelledError:
            if self._is_closed():
                raise BrokerUnavailable(f"IBKR at {self.place}: the connection was closed meanwhile", broker="ibkr") from None
            raise

    def _is_closed(self) -> bool:
        return self._beside._is_closed() if self._beside is not None else self._thread is None

    def close(self) -> None:
        """Disconnect and end the thread, where it is its own; safe to call twice."""
        if self._beside is not None:
            self.call(self._leave)
        elif self._thread is not None:
            thread, self._thread = self._thread, None
            thread.close(self._leave)

    def call(self, function: Callable[[], None]) -> None:
        """Call something on the loop, now; nothing where there is no loop any more."""
        thread = self._thread if self._beside is None else self._beside._thread
        if thread is not None:
            thread.call(function)

    def start_afresh(self, why: str) -> None:
        """Let the next request open a new connection; call it on the loop."""
        self._break(BrokerUnavailable(f"IBKR at {self.place}: {why}", broker="ibkr"))

    def _loop_thread(self) -> LoopThread:
        if self._beside is not None:
            return self._beside._loop_thread()
        if self._thread is None:
            self._thread = LoopThread(self._prepare)
        return self._thread

    async def ask_named(self, request: Callable[[], Awaitable[T]]) -> T:
        """`ask` for what TWS answers by name and not by number: a second such request would take the first one's answer."""
        async with self._named:
            return await self.ask(request)

    async def ask(self, request: Callable[[], Awaitable[T]], endpoint: str = "read") -> T:
        """Send one request inside the pacing and wait for its answer; call it on the loop.

        Raises:
            InvalidSymbol: TWS says there is no such contract.
            NotPermitted: No market data for it.
            RateLimited: Asked too fast.
            BrokerUnavailable: No answer in time, one that made no sense, or the connection broke.
        """
        async with self.pacer.request(endpoint):
            return await self._answer(request)

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
            again = type(error)(
                str(error), code=error.code, broker=error.broker, broker_code=error.broker_code, context=error.context
            )
            raise again  # a new one: whoever raises it adds his own trace

    def _break(self, error: PolybrokerError) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(error)

    async def _prepare(self) -> None:
        """What must be made on the loop, once."""
        if self._prepared:
            return
        self._prepared = True
        self.library = load(self._wanted)
        self._connecting, self._named = asyncio.Lock(), asyncio.Lock()

    async def _ensure(self) -> None:
        async with self._connecting:
            if self._broken is not None and not self._broken.done():
                return
            if self._line_lost:
                raise BrokerUnavailable(f"IBKR at {self.place} has no line to IBKR; it says when it is back", broker="ibkr")
            self._leave()
            try:
                for client_id in self.client_ids:
                    if await self._connect(client_id):
                        return
            except BaseException:
                self._leave()  # else what was begun would pass for a connection
                raise
            used = ", ".join(str(client_id) for client_id in self.client_ids)
            raise BrokerUnavailable(
                f"IBKR at {self.place}: every client id is in use ({used}){self._advice.client_ids}", broker="ibkr"
            )

    async def _connect(self, client_id: int) -> bool:
        """True when connected, False when the client id is in use."""
        self._broken = broken = asyncio.get_running_loop().create_future()
        self.ib, self.client_id = self._client(), client_id
        async with self.pacer.request("connect"):
            connecting = asyncio.ensure_future(
                self.ib.connectAsync(
                    self.host, self.port, clientId=client_id, timeout=self.timeout, readonly=self.readonly, account=self.account
                )
            )
            try:
                await asyncio.wait({connecting, broken}, timeout=2 * self.timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not connecting.done():
                    connecting.cancel()
        outcome = (await asyncio.gather(connecting, return_exceptions=True))[0]
        if broken.done() and isinstance(broken.result(), failures.ClientIdInUse):
            return False
        unanswered = [str(key) for key in self.ib.wrapper._futures]  # the library may only log what timed out while it connected
        if not broken.done() and not isinstance(outcome, BaseException) and not unanswered:
            return True
        self._leave()
        if isinstance(outcome, TimeoutError):
            raise BrokerUnavailable(f"IBKR at {self.place}: no TWS answered within {self.timeout:g} s{self._advice.address}")
        if broken.done():
            raise broken.result()
        if isinstance(outcome, OSError):
            why = f"nobody can be reached there ({outcome!r}){self._advice.address}"
        else:
            why = repr(outcome) if isinstance(outcome, BaseException) else f"no answer about {', '.join(unanswered)}"
        raise BrokerUnavailable(f"IBKR at {self.place}: {why}")

    def _client(self) -> Any:
        fitting = self.pacer.per_second("read")
        ib = new_client(self.library, 0 if math.isinf(fitting) else int(fitting), self._on_garbage)
        ib.errorEvent += self._on_error
        ib.client.conn.disconnected += self._on_disconnected
        ib.client.conn.hasData.error_event += self._on_undecodable
        for event in (ib.orderStatusEvent, ib.openOrderEvent, ib.execDetailsEvent, ib.commissionReportEvent):
            event.connect(self._stir)
        self.endings = keep_endings(ib)
        return ib

    def _on_error(self, request_id: int, code: int, text: str, _: Any) -> None:
        if code == failures.CLIENT_ID_IN_USE:
            self._break(failures.ClientIdInUse(text))
        elif code in failures.TOO_FAST:
            self._break(failures.request_failure(code, text))
        elif code in failures.CONNECTION_LOST:
            self._line_lost = code in failures.LINE_LOST
            self._break(failures.request_failure(code, text))
        elif code in failures.LINE_BACK:
            self._line_lost = False  # what happened meanwhile is read anew: the next request opens a new connection
            self.start_afresh(text)
        elif code == failures.VALIDATION and request_id in self.ib.wrapper._futures:  # ib_async takes it for a warning, and waits
            refused = self.library.wrapper.RequestError(request_id, code, text)
            self.ib.wrapper._endReq(request_id, refused, success=False)
            return
        else:
            return
        self._stir()

    def _on_disconnected(self, message: str) -> None:
        self._line_lost = False
        self.start_afresh(f"closed the connection{': ' if message else ''}{message}")
        self._stir()

    def _stir(self, *_: Any) -> None:
        for listener in list(self.listeners):
            listener()

    def _on_undecodable(self, _: Any, error: Exception) -> None:
        self._on_garbage(str(error))

    def _on_garbage(self, message: str) -> None:
        self._break(BrokerUnavailable(f"IBKR at {self.place} answered what cannot be decoded: {message[:200]}"))

    def _leave(self) -> None:
        """Forget the connection; its events must not reach the next one."""
        if self.ib is None:
            return
        self._line_lost = False
        self.ib.errorEvent -= self._on_error
        self.ib.client.conn.disconnected -= self._on_disconnected
        self.ib.client.disconnect()
        self.ib, self._broken = None, None
        self._stir()
