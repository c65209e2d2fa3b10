from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.domain.order import OrderType, Side, TimeInForce
from include.simulation.engine import Engine, SimRequest

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

Request = Callable[..., SimRequest]


@pytest.fixture
def request_for() -> Request:
    """Makes a request: buy 10 of `one` at a limit of 101 USD for the day, but for what is said otherwise."""

    def make(quantity: str = "10", limit: str | None = "101", **other: object) -> SimRequest:
        values: dict[str, object] = {
            "client_order_id": "ORDER1",
            "native_id": "one",
            "symbol": "ONE",
            "currency": "USD",
            "side": Side.BUY,
            "order_type": OrderType.LIMIT if limit else OrderType.MARKET,
            "time_in_force": TimeInForce.DAY,
            "quantity": Decimal(quantity),
            "limit_price": Decimal(limit) if limit else None,
        }
        return SimRequest(**(values | other))  # type: ignore[arg-type]

    return make


@pytest.fixture
def engine() -> Engine:
    """10,000 USD, and a mark of 100 for the contract `one`; bid 99.99, ask 100.01."""
    made = Engine({"USD": Decimal(10000)})
    made.set_mark("one", "USD", Decimal(100), NOW)
    return made
