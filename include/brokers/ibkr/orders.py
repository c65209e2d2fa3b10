"""Orders at IBKR: sending once, finding by our id, changing, cancelling, listing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.brokers.ibkr import failures
from include.brokers.ibkr.reports import ended, executed_report, report
from include.brokers.ibkr.reports import fill as fill_of
from include.brokers.ibkr.sending import Sent, ask_to_cancel, send, send_change
from include.brokers.ibkr.session import Session
from include.brokers.ibkr.wire import STOP_LOSS, TAKE_PROFIT, UNSET, changed, wire_contract, wire_orders
from include.domain.order import Fill, Order, OrderChange, OrderReport, OrderState
from include.errors import BrokerUnavailable, DuplicateOrder, NotPermitted, OrderRejected, OutcomeUnknown, Terminal

Magnifier = Callable[[str], Awaitable[Decimal]]
NUMBERS_LEFT_OUT = 1000  # after a number that was used already: how many more are, nobody tells
_LEGS = (TAKE_PROFIT, STOP_LOSS)


@dataclass(frozen=True)
class Listed:
    """An order as IBKR lists it.

    Attributes:
        trade: The library's; None where only executions are left.
        is_open: Whether it stands.
        fills: The library's fills of it.
    """

    reference: str
    perm_id: int
    trade: Any | None
    is_open: bool
    fills: Sequence[Any]


async def submit(session: Session, order: Order, account: str) -> OrderReport:
    """Send one order, with what closes it, and give IBKR's first word.

    Raises:
        Terminal: Refused; nothing stands at IBKR (`DuplicateOrder`: one stands under this id).
        Transient: It was not sent, or IBKR took its number for one it has seen and placed nothing.
        OutcomeUnknown: No word, or none that decides.
    """
    wires = wire_orders(session.library, order, account)
    sent = await send(session, wire_contract(session.library, order.contract), wires)
    entry, *legs = sent
    if entry.refusal is not None:
        await _refuse(session, order, account, *entry.refusal)
    refused = next((leg.refusal for leg in legs if leg.refusal is not None), None)
    if refused is not None:
        await _undo(session, entry, *refused)
    if not all(each.is_decided for each in sent):
        raise OutcomeUnknown(
            f"IBKR at {session.place} said nothing about order {order.client_order_id} that decides it", broker="ibkr"
        )
    magnifier = order.contract.price_magnifier
    return report(entry.trade, entry.trade.fills, magnifier, tuple(report(leg.trade, leg.trade.fills, magnifier) for leg in legs))


async def find(
    session: Session, client_order_id: str, account: str, magnifier: Magnifier
) -> tuple[Any | None, OrderReport] | None:
    """The order by our id, with the library's trade where it is open; None when IBKR has none for certain.

    Raises:
        BrokerUnavailable: One of the three lists could not be read.
    """
    listed: dict[str, Listed] = {}
    for each in await _listed(session, account):
        listed.setdefault(each.reference, each)
    if client_order_id not in listed:
        return None
    found = listed[client_order_id]
    legs = [listed[client_order_id + leg] for leg in _LEGS if client_order_id + leg in listed]
    told = await _report(session, found, magnifier, [await _report(session, leg, magnifier) for leg in legs])
    return (found.trade if found.is_open else None), told


async def list_orders(session: Session, account: str, magnifier: Magnifier, *, open_only: bool) -> list[OrderReport]:
    """Orders of the account, oldest first; closing orders are with their entry where that one is told, else on their own."""
    listed = [each for each in await _listed(session, account) if each.is_open or not open_only]
    listed.sort(key=lambda each: each.perm_id)
    by_reference = {each.reference: each for each in listed if each.reference}
    reports = []
    for each in listed:
        entry = next((each.reference.removesuffix(leg) for leg in _LEGS if each.reference.endswith(leg)), None)
        if entry in by_reference:
            continue
        legs = [by_reference[each.reference + leg] for leg in _LEGS if each.reference and each.reference + leg in by_reference]
        reports.append(await _report(session, each, magnifier, [await _report(session, leg, magnifier) for leg in legs]))
    return reports


async def fills(session: Session, account: str, magnifier: Magnifier, since: datetime) -> list[tuple[str, Fill]]:
    """(our id or "", fill) of every execution since, oldest first; TWS tells those of the current day."""
    await session.ask(session.ib.reqExecutionsAsync)
    own = [each for each in session.ib.fills() if each.execution.acctNumber == account and each.execution.time >= since]
    own.sort(key=lambda each: (each.execution.time, each.execution.execId))
    return [(each.execution.orderRef, fill_of(each, await magnifier(str(each.contract.conId)))) for each in own]


async def cancel(session: Session, client_order_id: str, account: str, magnifier: Magnifier) -> OrderReport:
    """Cancel what is left of an order, and its closing orders with it, and report it.

    Raises:
        OrderRejected: There is no such order.
        NotPermitted: Another client id placed it: only that one may cancel.
        OutcomeUnknown: IBKR did not say whether it is cancelled.
    """
    trade, current = await _own(session, client_order_id, account, magnifier)
    if trade is None or current.state.is_final:
        return current
    await ask_to_cancel(session, trade)
    after = await find(session, client_order_id, account, magnifier)
    if after is None or not after[1].state.is_final:
        raise OutcomeUnknown(f"IBKR did not say that order {client_order_id} is cancelled", broker="ibkr")
    return after[1]


async def modify(session: Session, client_order_id: str, change: OrderChange, account: str, magnifier: Magnifier) -> OrderReport:
    """Change a standing order under its own number.

    Raises:
        Terminal: There is no such order, it is over, or IBKR refused: it stands as before.
        NotPermitted: Another client id placed it.
        OutcomeUnknown: IBKR said nothing of the change.
    """
    trade, current = await _own(session, client_order_id, account, magnifier)
    if trade is None or current.state.is_final:
        raise OrderRejected(f"order {client_order_id} is {current.state.value}: nothing of it can be changed", broker="ibkr")
    wire = changed(session.library, trade.order, change, await magnifier(str(trade.contract.conId)))
    contract = session.library.Contract(
        conId=trade.contract.conId,
        symbol=trade.contract.symbol,
        exchange=trade.contract.exchange,
        currency=trade.contract.currency,
    )
    sent = await send_change(session, contract, wire)
    if sent.refusal is not None:
        raise failures.order_failure(*sent.refusal)
    try:
        after = await find(session, client_order_id, account, magnifier)
    except BrokerUnavailable as error:
        raise OutcomeUnknown(f"the change of order {client_order_id} was sent, and then: {error}", broker="ibkr") from error
    if after is None or not (after[1].state is OrderState.FILLED or _shows(after[0], wire, heard=sent.heard)):
        raise OutcomeUnknown(f"IBKR did not say that order {client_order_id} is changed", broker="ibkr")
    return after[1]


def open_reports(trades: Sequence[Any], magnifiers: Mapping[str, Decimal]) -> list[OrderReport]:
    """Reports of open orders."""
    return [report(each, each.fills, magnifiers.get(str(each.contract.conId), Decimal(1))) for each in trades]


async def _listed(session: Session, account: str) -> list[Listed]:
    """Open and completed orders, and executions of which nothing else is left, of one account."""
    ib = session.ib
    trades = await session.ask_named(ib.reqAllOpenOrdersAsync)
    completed = await session.ask_named(lambda: ib.reqCompletedOrdersAsync(False))
    await session.ask(ib.reqExecutionsAsync)
    left: dict[int, list[Any]] = {}
    for each in ib.fills():
        if each.execution.acctNumber == account:
            left.setdefault(each.execution.permId, []).append(each)
    found: dict[int, Listed] = {}
    for trade, is_open in [(trade, True) for trade in trades] + [(trade, False) for trade in completed]:
        if trade.order.account in ("", account):
            perm_id = trade.order.permId
            key = perm_id or -len(found) - 1  # a permanent id may not be given yet
            found[key] = Listed(trade.order.orderRef, perm_id, trade, is_open, left.get(perm_id, []))
    for perm_id, fills in left.items():
        found.setdefault(perm_id, Listed(fills[0].execution.orderRef, perm_id, None, False, fills))
    return list(found.values())


async def _report(session: Session, listed: Listed, magnifier: Magnifier, legs: Sequence[OrderReport] = ()) -> OrderReport:
    if listed.trade is None:
        found = executed_report(listed.reference, listed.fills, await magnifier(str(listed.fills[0].contract.conId)))
        return found.model_copy(update={"legs": tuple(legs)})
    found = report(listed.trade, listed.fills, await magnifier(str(listed.trade.contract.conId)), tuple(legs))
    return found if listed.is_open else ended(found, session.endings.get(listed.perm_id, ""))


async def _own(session: Session, client_order_id: str, account: str, magnifier: Magnifier) -> tuple[Any | None, OrderReport]:
    """An order, with the library's trade where it stands and this client may touch it."""
    found = await find(session, client_order_id, account, magnifier)
    if found is None:
        raise OrderRejected(f"IBKR has no order {client_order_id}", broker="ibkr")
    trade, current = found
    if trade is not None and not current.state.is_final and trade.order.clientId != session.client_id:
        whose = f"order {client_order_id} was placed by client id {trade.order.clientId}, this is {session.client_id}"
        raise NotPermitted(f"{whose}: only that client id (IB_CLIENT_ID), or a person in TWS, can touch it", broker="ibkr")
    return trade, current


def _shows(trade: Any | None, wire: Any, *, heard: bool) -> bool:
    """Whether the order stands as it was sent; its time in force and a trailing percentage the library does not renew."""
    if trade is None:
        return False
    renewed = ("totalQuantity", "lmtPrice", "auxPrice")
    same = all(_close(getattr(trade.order, name), getattr(wire, name)) for name in renewed)
    kept = trade.order.tif == wire.tif and _close(trade.order.trailingPercent, wire.trailingPercent)
    return same and (heard or kept)


def _close(told: Any, sent: Any) -> bool:
    """Equal numbers; IBKR tells 0, or the library's "unset", for what an order does not have."""
    numbers = [0 if float(each) > UNSET else float(each) for each in (told, sent)]
    return numbers[0] == numbers[1]


async def _undo(session: Session, entry: Sent, code: int, text: str) -> None:
    """Take back an entry one of whose closing orders was refused: it must not stand alone."""
    refusal = failures.order_failure(code, text)
    try:
        await ask_to_cancel(session, entry.trade)
    except BrokerUnavailable as error:
        raise OutcomeUnknown(f"a closing order was refused ({text}), and then: {error}", broker="ibkr") from error
    status = entry.trade.orderStatus
    if isinstance(refusal, Terminal) and status.status in ("Cancelled", "ApiCancelled") and not status.filled:
        raise refusal
    raise OutcomeUnknown(f"a closing order was refused ({text}), and the entry is {status.status}: look it up", broker="ibkr")


async def _refuse(session: Session, order: Order, account: str, code: int, text: str) -> None:
    if code == failures.DUPLICATE_ORDER_ID:

        async def given(_: str) -> Decimal:
            return order.contract.price_magnifier

        try:
            standing = await find(session, order.client_order_id, account, given)
        except BrokerUnavailable as error:
            raise OutcomeUnknown(f"IBKR error {code}: {text}; and then: {error}") from error
        if standing is not None:
            raise DuplicateOrder(f"IBKR holds order {order.client_order_id} already", broker="ibkr", broker_code=str(code))
        session.ib.client.updateReqId(session.ib.client.getReqId() + NUMBERS_LEFT_OUT)
        raise BrokerUnavailable(
            f"IBKR error {code}: {text}: nothing was placed, the next attempt takes another number",
            broker="ibkr",
            broker_code=str(code),
        )
    raise failures.order_failure(code, text)
