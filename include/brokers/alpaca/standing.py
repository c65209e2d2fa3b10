"""Which order stands under our id, where Alpaca made others of it.

A change makes another order at Alpaca: the old one becomes `replaced`, and names its successor. The n-th successor of our order
gets the client order id `<ours>.r<n>`, so that every row, fill and message tells whose it is without a look-up, and so that a
change that is sent twice is refused instead of being made twice. What one order of the chain has filled stays with that order: a
report adds up.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from include.brokers.alpaca.reports import number, order_report
from include.domain.order import OrderReport, OrderState
from include.errors import BrokerUnavailable

_SUCCESSOR = re.compile(r"([A-Z2-7]{20})\.r[1-9][0-9]*")
_MOST = 1000  # of changes of one order: more say that the chain is a ring

Row = Mapping[str, Any]


def own_id(client_order_id: str) -> str:
    """Our id of an order or of any that was made of it."""
    found = _SUCCESSOR.fullmatch(client_order_id)
    return found[1] if found else client_order_id


def successor_id(own: str, step: int) -> str:
    """The id of the first (1), second (2) ... order that takes the place of ours."""
    return f"{own}.r{step}"


def chain_from(row: Row, read: Callable[[str], Row]) -> list[Row]:
    """An order and its successors, oldest first; the last one stands.

    Args:
        row: Any order.
        read: Gives an order by Alpaca's id.

    Raises:
        BrokerUnavailable: The chain does not end.
    """
    chain = [row]
    while row.get("status") == "replaced" and row.get("replaced_by"):
        if len(chain) > _MOST:
            raise BrokerUnavailable(f"alpaca replaced {own_id(str(row['client_order_id']))} again and again")
        row = read(str(row["replaced_by"]))
        chain.append(row)
    return chain


def report_of(chain: Iterable[Row]) -> OrderReport:
    """One report about a chain, under our own id: the last order's state, everybody's fills.

    Raises:
        KeyError, TypeError, ValueError: A row is no order.
    """
    rows = list(chain)
    report = order_report(rows[-1])
    before = [row for row in rows[:-1] if number(row.get("filled_qty"))]
    if not before:
        return report.model_copy(update={"client_order_id": own_id(report.client_order_id)})
    parts = [(order_report(row).filled_quantity, order_report(row).average_price) for row in rows]
    filled = sum((quantity for quantity, _ in parts), Decimal(0))
    value = sum((quantity * price for quantity, price in parts if price is not None), Decimal(0))
    earlier = filled - report.filled_quantity
    return report.model_copy(
        update={
            "client_order_id": own_id(report.client_order_id),
            "quantity": None if report.quantity is None else report.quantity + earlier,
            "filled_quantity": filled,
            "average_price": value / filled,
            "state": OrderState.PARTIALLY_FILLED if report.state is OrderState.ACCEPTED else report.state,
        }
    )


def reports_of(rows: Iterable[Row]) -> list[OrderReport]:
    """Reports about a list of orders, in its order; those replaced by another one of the list show in that one's report.

    Raises:
        KeyError, TypeError, ValueError: A row is no order.
    """
    by_id = {str(row["id"]): row for row in rows}
    found = []
    for row in by_id.values():
        if row.get("status") == "replaced" and str(row.get("replaced_by")) in by_id:
            continue
        chain = [row]
        while (before := by_id.get(str(chain[0].get("replaces")))) is not None and before not in chain:
            chain.insert(0, before)
        found.append(report_of(chain))
    return found
