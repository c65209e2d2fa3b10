"""What the tests of families of orders are made of."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from include.domain.order import OrderType, Side
from include.simulation.engine import Costs, Engine, Rules, SimOrder
from include.simulation.orders import ChildStart
from tests.simulation.conftest import NOW

FREE = Costs(half_spread_bp=Decimal(0))
MINUTE = timedelta(minutes=1)
WHOLE = Rules(children_start=ChildStart.WHOLE)
Submit = Callable[..., SimOrder]


def mark(engine: Engine, price: str, minutes: int = 1, **other: object) -> None:
    engine.set_mark("one", "USD", Decimal(price), NOW + minutes * MINUTE, **other)  # type: ignore[arg-type]


def sale(limit: str, **other: object) -> dict[str, object]:
    return {"side": Side.SELL, "limit": limit, **other}


def stop(price: str, **other: object) -> dict[str, object]:
    kind = {"side": Side.SELL, "limit": None, "order_type": OrderType.STOP, "stop_price": Decimal(price)}
    return kind | other


def seen(engine: Engine, *order_ids: int) -> list[tuple[str, str, str]]:
    """(state, quantity, filled) of orders."""
    found = [engine.orders[order_id] for order_id in order_ids]
    return [(str(order.state.value), str(order.quantity), str(order.filled_quantity)) for order in found]
