"""What IBKR tells unasked, handed from the session's loop to the loop of whoever listens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any

from include.brokers.base import ConnectionState
from include.brokers.ibkr import failures, market_data
from include.brokers.ibkr.session import Session
from include.brokers.ibkr.wire import wire_contract
from include.brokers.streaming import stream_begun
from include.domain.contract import Contract
from include.domain.order import OrderReport
from include.domain.quote import Quote
from include.errors import BrokerUnavailable, PolybrokerError

Reading = Callable[[], Coroutine[Any, Any, list[OrderReport]]]


class _QuoteFeed:
    """Follows contracts on the session's loop and hands on each quote that differs from the last one of its contract."""

    def __init__(self, session: Session, contracts: Sequence[Contract], give: Callable[[Quote | PolybrokerError], None]) -> None:
        self._session, self._give = session, give
        self._ib: Any = None
        self._contracts = {each.native_id: each for each in contracts}
        self._followed: list[Any] = []
        self._requests: set[int] = set()
        self._last: dict[str, Quote] = {}

    async def begin(self) -> None:
        self._ib = self._session.ib
        self._ib.pendingTickersEvent.connect(self._on_tickers)
        self._ib.errorEvent.connect(self._on_error)
        self._session.listeners.add(self._on_news)
        for contract in self._contracts.values():
            asked = wire_contract(self._session.library, contract)
            async with self._session.pacer.request("read"):
                self._session.check()
                self._requests.add(self._ib.client._reqIdSeq)  # the number that the library takes next
                self._ib.reqMktData(asked)
            self._followed.append(asked)

    def end(self) -> None:
        self._session.listeners.discard(self._on_news)
        if self._ib is None:
            return
        self._ib.pendingTickersEvent.disconnect(self._on_tickers)
        self._ib.errorEvent.disconnect(self._on_error)
        for asked in self._followed:
            with contextlib.suppress(ConnectionError):
                self._ib.cancelMktData(asked)

    def _on_tickers(self, tickers: Iterable[Any]) -> None:
        for ticker in tickers:
            contract = self._contracts.get(str(ticker.contract.conId))
            quote = market_data.quote_of(ticker, contract) if contract else None
            if quote is not None and _differ(quote, self._last.get(quote.native_id)):
                self._last[quote.native_id] = quote
                self._give(quote)

    def _on_error(self, request_id: int, code: int, text: str, _: Any) -> None:
        if request_id in self._requests and not failures.is_notice(code):
            self._give(failures.request_failure(code, text))

    def _on_news(self) -> None:
        try:
            self._session.check()
        except PolybrokerError as error:
            self._give(error)


async def stream_quotes(session: Session, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
    """Quotes as they change; the first one of each contract is how it stands.

    Raises:
        BrokerUnavailable: The connection ended.
        PolybrokerError: IBKR tells no quotes of one of them.
    """
    caller, queue = asyncio.get_running_loop(), asyncio.Queue[Quote | PolybrokerError]()

    def give(item: Quote | PolybrokerError) -> None:
        with contextlib.suppress(RuntimeError):  # nobody is there any more
            caller.call_soon_threadsafe(queue.put_nowait, item)

    feed = _QuoteFeed(session, contracts, give)
    try:
        await asyncio.wrap_future(session.start(feed.begin))
        stream_begun()
        while True:
            item = await queue.get()
            if isinstance(item, PolybrokerError):
                raise item
            yield item
    finally:
        session.call(feed.end)


async def stream_orders(session: Session, read: Reading, poll_seconds: float) -> AsyncIterator[OrderReport]:
    """Every change of the account's orders, each once.

    Whatever TWS says of orders (and, for orders of other clients, of which it says nothing, the clock) makes them be read again,
    and what differs from the last time is told: so nothing is told twice or in the wrong order, and after a broken line all that
    happened meanwhile is told.

    Raises:
        BrokerUnavailable: The connection ended, and there is no other.
    """
    caller, news = asyncio.get_running_loop(), asyncio.Event()

    def stir() -> None:
        with contextlib.suppress(RuntimeError):
            caller.call_soon_threadsafe(news.set)

    session.listeners.add(stir)
    try:
        known = _by_id(await asyncio.wrap_future(session.start(read)))
        stream_begun()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), poll_seconds)
            news.clear()
            try:
                now = _by_id(await asyncio.wrap_future(session.start(read)))
            except BrokerUnavailable:
                if session.state is not ConnectionState.DEGRADED:
                    now = _by_id(await asyncio.wrap_future(session.start(read)))  # over a new connection, or not at all
                else:
                    continue
            changed = [report for key, report in now.items() if report != known.get(key)]
            known = now
            for report in changed:
                yield report
    finally:
        session.listeners.discard(stir)


def _by_id(reports: Sequence[OrderReport]) -> dict[str, OrderReport]:
    """By permanent id, closing orders on their own."""
    every = [each for report in reports for each in (report.model_copy(update={"legs": ()}), *report.legs)]
    return {each.broker_order_id or each.client_order_id: each for each in every}


def _differ(quote: Quote, last: Quote | None) -> bool:
    return last is None or (quote.bid, quote.ask, quote.last) != (last.bid, last.ask, last.last)
