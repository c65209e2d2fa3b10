"""Orders at Alpaca: sending once, finding by our id, cancelling, changing, listing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from include.brokers.alpaca import reading
from include.brokers.alpaca.failures import Refusal, error_of
from include.brokers.alpaca.standing import chain_from, report_of, reports_of, successor_id
from include.domain.order import Order, OrderChange, OrderReport
from include.errors import BrokerUnavailable, DuplicateOrder, OrderRejected, OutcomeUnknown, PolybrokerError, Transient

if TYPE_CHECKING:
    from include.brokers.alpaca.client import AlpacaClient

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)
_CANCELS = 3  # of one order, which may be replaced while it is cancelled


def submit(client: "AlpacaClient", order: Order) -> OrderReport:
    """Send one order once, and give Alpaca's first word.

    Raises:
        Terminal: Refused, or against a rule of Alpaca's; nothing stands (`DuplicateOrder`: one stands under this id).
        Transient: Proven not to have arrived.
        OutcomeUnknown: It may stand.
    """
    from include.brokers.alpaca.order_requests import check_rules

    check_rules(order)
    answer = client.submit(order)
    if isinstance(answer, Refusal):
        raise _duplicate_or_rejected(client, order.client_order_id, answer)
    report = _made_of(answer)
    if report.client_order_id != order.client_order_id or report.native_id not in (None, order.contract.native_id):
        raise OutcomeUnknown(f"alpaca answered with another order or asset than {order.client_order_id} of {order.ticker}")
    return report


def find(client: "AlpacaClient", client_order_id: str) -> OrderReport | None:
    """The order by our id, whatever its state; None only where Alpaca itself says that it has none.

    Raises:
        BrokerUnavailable: The answer is no order.
    """
    chain = _chain(client, client_order_id)
    return None if chain is None else _read(chain)


def cancel(client: "AlpacaClient", client_order_id: str) -> OrderReport:
    """Ask to cancel, and give the report afterwards; an order that is final already stays as it is.

    Raises:
        OrderRejected: There is no such order.
        OutcomeUnknown: The request may have arrived.
    """
    report, cancelled = _existing(client, client_order_id), ""
    for _ in range(_CANCELS):
        if report.state.is_final or report.broker_order_id in (None, cancelled):
            break
        cancelled = str(report.broker_order_id)
        client.cancel(cancelled)  # refused when it filled or was replaced meanwhile: the next look says so
        report = _existing(client, client_order_id)
    return report


def modify(client: "AlpacaClient", client_order_id: str, change: OrderChange) -> OrderReport:
    """Change a standing order; at Alpaca another one takes its place (see `include/brokers/alpaca/standing.py`).

    A partly filled order is not changed: whether Alpaca means the rest or the whole by a quantity then is not documented, and
    users report that it begins anew (alpacahq/Alpaca-API, issue 165).

    Raises:
        OrderRejected: There is no such order, it is final or partly filled, or Alpaca refused: it stands as before.
        OutcomeUnknown: The change may have arrived.
    """
    report = _existing(client, client_order_id)
    if report.state.is_final:
        raise OrderRejected(f"{client_order_id} is {report.state.value} already: send a new order", broker="alpaca")
    if report.filled_quantity:
        raise OrderRejected(f"{client_order_id} is partly filled: cancel it and send what is left", broker="alpaca")
    fresh_id = _free_successor(client, client_order_id)
    return _made_of(client.replace(str(report.broker_order_id), change, fresh_id))


def list_orders(client: "AlpacaClient", *, open_only: bool) -> list[OrderReport]:
    """Orders of the account, the closing orders of brackets each for itself, oldest first.

    Raises:
        BrokerUnavailable: The answer is no list of orders.
    """
    rows = reading.orders(client, open_only=open_only)
    try:
        return reports_of(rows)
    except _MALFORMED as error:
        raise BrokerUnavailable(f"alpaca's orders made no sense: {error!r}") from error


def _existing(client: "AlpacaClient", client_order_id: str) -> OrderReport:
    """Like `find`, for an order that must be there. Raises `OrderRejected` where there is none."""
    report = find(client, client_order_id)
    if report is None:
        raise OrderRejected(f"alpaca has no order {client_order_id}", broker="alpaca")
    return report


def _chain(client: "AlpacaClient", client_order_id: str) -> list[dict[str, Any]] | None:
    """The order as it was sent and everything that was made of it, the one that stands last; None where there is none."""
    answer = client.order_by_client_id(client_order_id)
    if isinstance(answer, Refusal):
        return None
    try:
        chain = chain_from(answer, client.order)
        last = chain[-1]
        if last.get("order_class") not in (None, "", "simple") and not last.get("legs"):
            chain[-1] = client.order(str(last["id"]))  # only this way are the closing orders told
        return [dict(row) for row in chain]
    except _MALFORMED as error:
        raise BrokerUnavailable(f"alpaca's order made no sense: {type(error).__name__}") from error


def _free_successor(client: "AlpacaClient", client_order_id: str) -> str:
    """The first id that no successor of this order has had; a replacement that was refused later has used up its id, too."""
    step = 1
    while not isinstance(client.order_by_client_id(successor_id(client_order_id, step)), Refusal):
        step += 1
    return successor_id(client_order_id, step)


def _duplicate_or_rejected(client: "AlpacaClient", client_order_id: str, refusal: Refusal) -> PolybrokerError:
    """What 422 / 40010001 means: that code stands for a used id and for other faults, so Alpaca is asked for the id."""
    try:
        standing = find(client, client_order_id)
    except Transient as error:
        return OutcomeUnknown(f"alpaca refused {client_order_id} and could not say whether it stands: {error}")
    if standing is not None:
        words = f"alpaca already has {client_order_id} ({standing.state.value})"
        return DuplicateOrder(words, broker="alpaca", broker_code=refusal.broker_code, context=refusal.context)
    rejected = error_of(refusal, changes=True)
    if isinstance(rejected, DuplicateOrder):
        return OutcomeUnknown(f"alpaca says that {client_order_id} is taken, and does not find it", broker="alpaca")
    return rejected


def _made_of(answer: Any) -> OrderReport:
    """The report of an answer to a change; one that is no order leaves open what happened."""
    try:
        return report_of([answer])
    except _MALFORMED as error:
        raise OutcomeUnknown(f"alpaca's answer to an order made no sense: {type(error).__name__}") from error


def _read(chain: Sequence[dict[str, Any]]) -> OrderReport:
    try:
        return report_of(chain)
    except _MALFORMED as error:
        raise BrokerUnavailable(f"alpaca's order made no sense: {type(error).__name__}") from error
