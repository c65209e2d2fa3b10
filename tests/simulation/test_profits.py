from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.domain.order import Side
from include.errors import InputError
from include.simulation.costs import CommissionTier, Costs
from include.simulation.engine import Engine
from include.simulation.profits import total
from tests.simulation.conftest import NOW, Request

COSTS = Costs(half_spread_bp=Decimal(0), commission_minimum=Decimal(2))


def traded(request_for: Request) -> Engine:
    """10 bought at 100, 4 sold at 110; now at 105."""
    engine = Engine({"USD": Decimal(10000)}, COSTS)
    engine.set_mark("one", "USD", Decimal(100), NOW)
    engine.submit(request_for(), NOW)
    engine.set_mark("one", "USD", Decimal(110), NOW)
    engine.submit(request_for(side=Side.SELL, quantity="4", limit=None), NOW)
    engine.set_mark("one", "USD", Decimal(105), NOW)
    return engine


def test_realized_unrealized_and_commission_of_a_position(request_for: Request) -> None:
    (row,) = traded(request_for).profits()
    assert (row.native_id, row.currency, row.quantity, row.average_cost) == ("one", "USD", 6, 100)
    assert (row.realized, row.unrealized, row.commission, row.net) == (40, 30, 4, 66)


def test_a_closed_position_keeps_what_it_brought(request_for: Request) -> None:
    engine = traded(request_for)
    engine.submit(request_for(side=Side.SELL, quantity="6", limit=None), NOW)
    (row,) = engine.profits()
    assert (row.quantity, row.realized, row.unrealized, row.commission) == (0, 70, 0, 6)


def test_the_account_in_one_currency(request_for: Request) -> None:
    engine = traded(request_for)
    whole = total(engine.profits(), {"USD": Decimal("1.25")}, "EUR")
    assert (whole.currency, whole.realized, whole.unrealized, whole.commission) == ("EUR", 32, 24, Decimal("3.2"))
    assert total([], {}, "EUR").net == 0
    with pytest.raises(InputError, match="USD per EUR"):
        total(engine.profits(), {}, "EUR")


def test_executions_since_a_time_oldest_first(request_for: Request) -> None:
    engine = traded(request_for)
    assert [(order.order_id, fill.price) for order, fill in engine.fills(NOW)] == [(1, 100), (2, 110)]
    assert engine.fills(NOW.replace(hour=16)) == []


def test_the_month_s_volume_starts_anew(request_for: Request) -> None:
    tiers = (CommissionTier(above_units=Decimal(5), commission_bp=Decimal(1)),)
    engine = Engine({"USD": Decimal(100000)}, Costs(half_spread_bp=Decimal(0), commission_bp=Decimal(10), commission_tiers=tiers))
    paid = []
    for moment in (NOW, NOW, datetime(2026, 4, 1, tzinfo=UTC)):
        engine.set_mark("one", "USD", Decimal(100), moment)
        paid.append(engine.submit(request_for(), moment).commission)
    assert paid == [1, Decimal("0.1"), 1]
    assert engine.volumes == {"2026-03": 20, "2026-04": 10}
