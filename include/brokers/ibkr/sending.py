"""Sending an order and waiting for IBKR's word on it; everything here runs on the session's loop."""

import asyncio
from typing import Any

from include.brokers.ibkr import failures
from include.brokers.ibkr.session import Session
from include.errors import BrokerUnavailable

UNDECIDED = frozenset({"PendingSubmit", "ApiPending", "Inactive"})  # Inactive: refused or parked, an error says which
SETTLE_SECONDS = 2.0  # how long a filled order waits for its executions and commissions, which follow on their own

Word = tuple[int, str]  # IBKR's code and text


async def send(session: Session, contract: Any, order: Any) -> tuple[Any, Word | None]:
    """Send an order once and wait for the first word on it.

    Returns:
        ib_insync's trade, and the error where that was the word. A trade whose state is still in `UNDECIDED` got none.

    Raises:
        Transient: It was not sent.
    """
    async with session.messages:
        session.check()
        word: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        refusals: list[Word] = []  # ib_insync calls a refused order cancelled first, and says why after that

        def on_error(request_id: int, code: int, text: str, _: Any) -> None:
            if request_id == order.orderId and not failures.is_notice(code):
                refusals.append((code, text))
                _set(word)

        def on_state(trade: Any) -> None:
            if trade.order is not order:
                return
            if _is_notice(trade):
                trade.orderStatus.status = "PendingSubmit"
            elif trade.orderStatus.status not in UNDECIDED:
                _set(word)

        session.ib.errorEvent += on_error
        session.ib.orderStatusEvent += on_state
        try:
            trade = _place(session, contract, order)
            await session.first(word)
        finally:
            session.ib.errorEvent -= on_error
            session.ib.orderStatusEvent -= on_state
        if not refusals:
            await _settle(session, trade)
        return trade, refusals[0] if refusals else None


async def ask_to_cancel(session: Session, trade: Any) -> None:
    """Ask to cancel an order and wait until it is done, or IBKR says why not, or the time is over.

    Raises:
        Transient: It was not asked.
    """
    async with session.messages:
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
            session.ib.cancelOrder(trade.order)
            await session.first(over)
        except ConnectionError as error:
            raise BrokerUnavailable(f"IBKR at {session.place}: {error}") from error
        finally:
            session.ib.orderStatusEvent -= on_state
            session.ib.errorEvent -= on_error


def _place(session: Session, contract: Any, order: Any) -> Any:
    ib = session.ib
    try:
        order.orderId = ib.client.getReqId()
        while (session.client_id, order.orderId) in ib.wrapper.trades:  # a known number would change that order
            order.orderId = ib.client.getReqId()
        return ib.placeOrder(contract, order)
    except ConnectionError as error:
        raise BrokerUnavailable(f"IBKR at {session.place}: the order was not sent: {error}") from error


async def _settle(session: Session, trade: Any) -> None:
    """Wait for the executions of a filled order; without them the report is true, but tells totals only."""
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def look(*_: Any) -> None:
        shares = sum(each.execution.shares for each in trade.fills)
        charged = all(each.commissionReport.execId for each in trade.fills)
        if trade.orderStatus.status != "Filled" or (shares >= trade.orderStatus.filled and charged):
            _set(told)

    session.ib.commissionReportEvent += look
    try:
        look()
        await session.first(told, min(SETTLE_SECONDS, session.timeout))
    finally:
        session.ib.commissionReportEvent -= look


def _is_notice(trade: Any) -> bool:
    """Whether the state is ib_insync's own conclusion from a notice: it calls an order cancelled for codes it does not know."""
    return bool(trade.log) and failures.is_notice(trade.log[-1].errorCode)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
