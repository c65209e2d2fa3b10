from decimal import Decimal

import pytest

from include.simulation.engine import Engine, SimOrder
from tests.simulation.conftest import NOW, Request
from tests.simulation.families.build import FREE, Submit


@pytest.fixture
def engine() -> Engine:
    """10,000 USD and a mark of 100, no spread."""
    made = Engine({"USD": Decimal(10000)}, FREE)
    made.set_mark("one", "USD", Decimal(100), NOW)
    return made


@pytest.fixture
def submit(engine: Engine, request_for: Request) -> Submit:
    """Sends a request of `request_for` to `engine`."""

    def send(**asked: object) -> SimOrder:
        return engine.submit(request_for(**asked), NOW)

    return send


@pytest.fixture
def hold(submit: Submit) -> None:
    """10 of `one` are held, 9,000 USD left."""
    submit(client_order_id="START", limit="100")
