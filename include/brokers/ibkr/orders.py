"""Orders at IBKR: sending once, finding by our id, cancelling."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from include.brokers.ibkr import failures
from include.brokers.ibkr.details import number
from include.brokers.ibkr.reports import ended, executed_report, report
from include.brokers.ibkr.sending import UNDECIDED, ask_to_cancel, send
from include.brokers.ibkr.session import Session
from include.domain.instrument import AssetClass
from include.domain.order import Order, OrderReport, OrderType
from include.errors import BrokerUnavailable, DuplicateOrder, NotPermitted, OrderRejected, OutcomeUnknown, Unsupported

Magnifier = Callable[[str], Awaitable[Decimal]]
TRADED = frozenset({AssetClass.STOCK, AssetClass.ETF, AssetClass.WARRANT})


async def submit(session: Session, order: Order, account: str) -> OrderReport:
    """Send one order and give IBKR's first word.

    Raises:
        Terminal: Refused; nothing stands at IBKR (`DuplicateOrder`: one stands under this id).
        Transient: It was not sent, or IBKR took its number for one it has seen and placed nothing.
        OutcomeUnknown: No word, or none that decides.
    """
    if order.contract.asset_class not in TRADED:
        raise Unsupported(f"this version trades no {order.contract.asset_class.value} at IBKR")
    contract = session.library.Contract(
        conId=int(order.contract.native_id), symbol=order.contract.symbol, exchange="SMART", currency=order.contract.currency
    )
    wire = _wire_order(session, order, account)
    trade, refused = await send(session, contract, wire)
    if refused is not None:
        await _refuse(session, order, account, *refused)
    if trade.orderStatus.status in UNDECIDED:
        raise OutcomeUnknown(f"IBKR at {session.place} said nothing about order {order.client_order_id} that decides it")
    return report(trade, trade.fills, order.contract.price_magnifier)


async def find(
    session: Session, client_order_id: str, account: str, magnifier: Magnifier
) -> tuple[Any | None, OrderReport] | None:
    """The order by our id, with ib_insync's trade where it is open; None when IBKR has none for certain.

    Raises:
        BrokerUnavailable: One of the three lists could not be read.
    """
    ib = session.ib
    trades = await session.ask(ib.reqAllOpenOrdersAsync)
    completed = await session.ask(lambda: ib.reqCompletedOrdersAsync(False))
    await session.ask(ib.reqExecutionsAsync)
    fills = [each for each in ib.fills() if each.execution.orderRef == client_order_id and each.execution.acctNumber == account]
    listed = [(trade, True) for trade in trades] + [(trade, False) for trade in completed]
    for trade, is_open in listed:
        if trade.order.orderRef == client_order_id and trade.order.account in ("", account):
            own = [each for each in fills if each.execution.permId == trade.order.permId]
            found = report(trade, own, await magnifier(str(trade.contract.conId)))
            if is_open:
                return trade, found
            return None, ended(found, session.endings.get(trade.order.permId, ""))
    if not fills:
        return None
    return None, executed_report(client_order_id, fills, await magnifier(str(fills[0].contract.conId)))


async def cancel(session: Session, client_order_id: str, account: str, magnifier: Magnifier) -> OrderReport:
    """Cancel what is left of an order and report it.

    Raises:
        OrderRejected: There is no such order.
        NotPermitted: Another client id placed it: only that one may cancel.
        OutcomeUnknown: IBKR did not say whether it is cancelled.
    """
    found = await find(session, client_order_id, account, magnifier)
    if found is None:
        raise OrderRejected(f"IBKR has no order {client_order_id}")
    trade, current = found
    if trade is None or current.state.is_final:
        return current
    if trade.order.clientId != session.client_id:
        raise NotPermitted(f"order {client_order_id} was placed by client id {trade.order.clientId}, this is {session.client_id}")
    await ask_to_cancel(session, trade)
    after = await find(session, client_order_id, account, magnifier)
    if after is None or not after[1].state.is_final:
        raise OutcomeUnknown(f"IBKR did not say that order {client_order_id} is cancelled")
    return after[1]


def open_reports(trades: Sequence[Any], magnifiers: Mapping[str, Decimal]) -> list[OrderReport]:
    """Reports of open orders."""
    return [report(each, each.fills, magnifiers.get(str(each.contract.conId), Decimal(1))) for each in trades]


async def _refuse(session: Session, order: Order, account: str, code: int, text: str) -> None:
    if code == failures.DUPLICATE_ORDER_ID:

        async def given(_: str) -> Decimal:
            return order.contract.price_magnifier

        try:
            standing = await find(session, order.client_order_id, account, given)
        except BrokerUnavailable as error:
            raise OutcomeUnknown(f"IBKR error {code}: {text}; and then: {error}") from error
        if standing is not None:
            raise DuplicateOrder(f"IBKR holds order {order.client_order_id} already")
        raise BrokerUnavailable(f"IBKR error {code}: {text}: nothing was placed, the next attempt takes another number")
    raise failures.order_failure(code, text)


def _wire_order(session: Session, order: Order, account: str) -> Any:
    wire = session.library.Order(
        action=order.side.value.upper(),
        totalQuantity=number(order.quantity),
        orderType="MKT",
        tif=order.time_in_force.value.upper(),
        orderRef=order.client_order_id,
        account=account,
    )
    if order.order_type is OrderType.LIMIT:
        if order.limit_price is None:
            raise OrderRejected(f"limit order {order.client_order_id} has no limit price")
        wire.orderType, wire.lmtPrice = "LMT", number(order.limit_price * order.contract.price_magnifier)
    return wire
