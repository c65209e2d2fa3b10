"""What IBKR tells that one contract takes (`ContractDetails`), checked before an order for it is sent.

`orderTypes` and `validExchanges` are lists with commas; `minSize` and `sizeIncrement` are quantities
(interactivebrokers.github.io/tws-api, ContractDetails). What is empty or 0 was not told and forbids nothing.
"""

from decimal import Decimal
from typing import Any

from include.brokers.ibkr.details import number, text
from include.brokers.ibkr.wire import kinds_of, routing
from include.domain.model import Value
from include.domain.order import Order
from include.errors import InvalidQuantity, Unsupported


class Rules(Value):
    """One contract's.

    Attributes:
        order_types: IBKR's words (`LMT`, `STPLMT`, `OPG` ...); empty: not told.
        exchanges: Where orders for it may be sent; empty: not told.
        min_size / size_increment: Of a quantity; None: not told.
    """

    order_types: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    min_size: Decimal | None = None
    size_increment: Decimal | None = None


def rules(details: Any) -> dict[str, Any]:
    """The rules of one contract as plain JSON types, out of the library's `ContractDetails`."""
    sizes = {"min_size": number(details.minSize), "size_increment": number(details.sizeIncrement)}
    return {
        "order_types": _words(details.orderTypes),
        "exchanges": _words(details.validExchanges),
        **{name: text(value) if value > 0 else None for name, value in sizes.items()},
    }


def check_rules(order: Order, told: Rules) -> None:
    """Nothing where the contract takes the order.

    Raises:
        Unsupported: It takes no orders of this type, or none where they would be sent.
        InvalidQuantity: The quantity is smaller than the smallest, or between two steps.
    """
    contract = order.contract
    for kind in kinds_of(order):
        if told.order_types and kind not in told.order_types:
            raise Unsupported(f"{order.ticker}: IBKR takes no {kind} orders for {contract.symbol}", broker="ibkr")
    exchange = routing(contract.asset_class, contract.exchange)
    if told.exchanges and exchange not in told.exchanges:
        raise Unsupported(f"{order.ticker}: {contract.symbol} is not traded at {exchange}: look it up again", broker="ibkr")
    if order.cash_amount is not None:
        return
    if told.min_size is not None and order.quantity < told.min_size:
        raise InvalidQuantity(f"{order.ticker}: IBKR trades {told.min_size} of {contract.symbol} at least", broker="ibkr")
    if told.size_increment is not None and order.quantity % told.size_increment:
        raise InvalidQuantity(f"{order.ticker}: IBKR trades {contract.symbol} in steps of {told.size_increment}", broker="ibkr")


def _words(told: str) -> list[str]:
    return [word.strip() for word in (told or "").split(",") if word.strip()]
