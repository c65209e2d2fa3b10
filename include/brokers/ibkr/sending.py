"""Sending an order and waiting for IBKR's word on it; everything here runs on the session's loop."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.brokers.ibkr import failures
from include.brokers.ibkr.session import Session
from include.errors import BrokerUnavailable, OutcomeUnknown

UNDECIDED = frozenset({"PendingSubmit", "ApiPending", "Inactive"})  # Inactive: refused or parked, an error says which
SETTLE_SECONDS = 2.0  # how long a filled order waits for its executions and commissions, which follow on their own

Word = tuple[int, str]  # IBKR's code and text


@dataclass
class Sent:
    """An order that was sent.

    Attributes:
        trade: The library's.
        refusal: IBKR's error, where that was the word.
        heard: Of a change: whether IBKR told the order again after it.
    """

    trade: Any
    refusal: Word | None = None
    heard: bool = False

    @property
    def is_decided(self) -> bool:
        """Whether there was any word on it."""
        return self.refusal is not None or self.trade.orderStatus.status not in UNDECIDED


async def send(session: Session, contract: Any, orders: Sequence[Any]) -> list[Sent]:
    """Send an order and what hangs on it, each once, and wait for the first word on every one.

    Args:
        orders: The entry first; only with the last one they are transmitted.

    Raises:
        Transient: Nothing was sent.
    """
    async with session.pacer.request("order", times=len(orders)):
        session.check()
        sent: list[Sent] = []
        with _Words(session, sent, [id(order) for order in orders]) as words:
            for place, order in enumerate(orders):
                order.transmit = place == len(orders) - 1
                order.parentId = sent[0].trade.order.orderId if sent else 0
                _place(session, contract, order, sent)
            words.look()
            await session.first(words.told)
            if all(each.refusal is None for each in sent):
                await _settle(session, sent[0].trade)
        return sent


async def send_change(session: Session, contract: Any, order: Any) -> Sent:
    """Send a standing order with other values, under its own number, and wait for the word on it.

    Raises:
        Transient: It was not sent.
    """
    async with session.pacer.request("order"):
        session.check()
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent = Sent(trade=None)

        def on_error(request_id: int, code: int, text: str, _: Any) -> None:
            if request_id == order.orderId and not failures.is_notice(code):
                sent.refusal = (code, text)
                _set(told)

        def on_word(trade: Any, *_: Any) -> None:
            if trade.order.orderId == order.orderId and trade.order.clientId == session.client_id:
                sent.heard = True
                _set(told)

        events = (session.ib.openOrderEvent, session.ib.orderStatusEvent)
        session.ib.errorEvent += on_error
        for event in events:
            event.connect(on_word)
        try:
            # past the library, which keeps a state of its own of the order: the truth is read afterwards
            session.ib.client.placeOrder(order.orderId, contract, order)
            await session.first(told)
        except ConnectionError as error:
            raise BrokerUnavailable(f"IBKR at {session.place}: the change was not sent: {error}") from error
        finally:
            session.ib.errorEvent -= on_error
            for event in events:
                event.disconnect(on_word)
        return sent


async def ask_to_cancel(session: Session, trade: Any) -> None:
    """Ask to cancel an order and wait until it is done, or IBKR says why not, or the time is over.

    Raises:
        Transient: It was not asked.
    """
    async with session.pacer.request("order"):
        session.check()
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_state(*_: Any) -> None:
            if trade.isDone():
                _set(over)

        def on_error(request_id: int, code: int, *_: Any) -> None:
            if request_id == trade.order.orderId and not failures.is_notice(code):
                _set(over)

        session.ib.orderStatusEvent += on_state
        session.ib.errorEvent += on_error
        try:
            trade.order.transmit = True  # else the library calls it cancelled by itself
            session.ib.cancelOrder(trade.order)
            await session.first(over)
        except ConnectionError as error:
            raise BrokerUnavailable(f"IBKR at {session.place}: {error}") from error
        finally:
            session.ib.orderStatusEvent -= on_state
            session.ib.errorEvent -= on_error


class _Words:
    """Listens, while it is entered, for the first word on every order of a family.

    Args:
        sent: Grows as they are sent; the words are noted there.
        orders: `id` of each, for a word that comes while it is being sent.
    """

    def __init__(self, session: Session, sent: list[Sent], orders: Sequence[int]) -> None:
        self._ib = session.ib
        self._sent = sent
        self._orders = orders
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __enter__(self) -> "_Words":
        self._ib.errorEvent += self._on_error
        self._ib.orderStatusEvent += self._on_state
        return self

    def __exit__(self, *_: object) -> None:
        self._ib.errorEvent -= self._on_error
        self._ib.orderStatusEvent -= self._on_state

    def look(self) -> None:
        """Whether all is said: of a family of which one is refused nothing more need come, it may never have been transmitted."""
        said = all(each.is_decided for each in self._sent) or any(each.refusal for each in self._sent)
        if said and len(self._sent) == len(self._orders):
            _set(self.told)

    def _on_error(self, request_id: int, code: int, text: str, _: Any) -> None:
        for each in self._sent:
            if request_id == each.trade.order.orderId and not failures.is_notice(code) and each.refusal is None:
                each.refusal = (code, text)  # the library calls a refused order cancelled first, and says why after that
        self.look()

    def _on_state(self, trade: Any) -> None:
        if id(trade.order) not in self._orders:
            return
        if _is_notice(trade):
            trade.orderStatus.status = "PendingSubmit"
        asyncio.get_running_loop().call_soon(self.look)  # after the error that may follow in the same breath


def _place(session: Session, contract: Any, order: Any, sent: list[Sent]) -> None:
    """Send one of a family; where the connection breaks after the first, its outcome is open like theirs."""
    ib = session.ib
    own = [each.execution.orderId for each in ib.fills() if each.execution.clientId == session.client_id]
    try:
        ib.client.updateReqId(max(own, default=0) + 1)  # TWS's own counter may have been set back
        order.orderId = ib.client.getReqId()
        while (session.client_id, order.orderId) in ib.wrapper.trades:  # a known number would change that order
            order.orderId = ib.client.getReqId()
        sent.append(Sent(ib.placeOrder(contract, order)))
    except ConnectionError as error:
        if sent:
            raise OutcomeUnknown(f"IBKR at {session.place}: the order was sent in part: {error}") from error
        raise BrokerUnavailable(f"IBKR at {session.place}: the order was not sent: {error}") from error


async def _settle(session: Session, trade: Any) -> None:
    """Wait for the executions of what is filled; without them the report is true, but tells totals only."""
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def look(*_: Any) -> None:
        shares = sum(each.execution.shares for each in trade.fills)
        charged = all(each.commissionReport.execId for each in trade.fills)
        if shares >= trade.orderStatus.filled and charged:
            _set(told)

    session.ib.commissionReportEvent += look
    try:
        look()
        await session.first(told, min(SETTLE_SECONDS, session.timeout))
    finally:
        session.ib.commissionReportEvent -= look


def _is_notice(trade: Any) -> bool:
    """Whether the state is the library's own conclusion from a notice: ib_insync takes unknown codes for the end of the order."""
    return bool(trade.log) and failures.is_notice(trade.log[-1].errorCode)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
