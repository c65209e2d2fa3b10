"""To its user it is the adapter."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D

import pytest

from include.brokers.base import Broker, ConnectionState
from include.brokers.guarded import Guarded
from include.domain.bar import BarSize
from include.domain.order import OrderChange
from include.errors import (
    AuthenticationFailed,
    Unsupported,
)
from tests.brokers.guarded.fakes import NOON, Counted, Flaky, Time, watched
from tests.fakes.broker import FakeBroker
from tests.fakes.orders import make_contract, make_order
from tests.fakes.shared_state import MemoryState


def test_it_looks_like_the_adapter(broker: Guarded, flaky: Flaky) -> None:
    assert (broker.name, broker.capabilities, broker.source) == (flaky.name, flaky.capabilities, flaky.source)
    assert (broker.account, broker.context, broker.state) == (flaky.account, flaky.context, ConnectionState.CONNECTED)
    broker.prove_environment()
    flaky.venue.unproven = True
    with pytest.raises(AuthenticationFailed):
        broker.prove_environment()


def test_every_method_of_the_port_is_passed_on() -> None:
    """A method that is added to the port and forgotten here would silently be the port's own default."""
    public = {name for name in vars(Broker) if not name.startswith("_")}
    assert public <= set(vars(Guarded))


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda broker: broker.modify("any", OrderChange(quantity=D(1))), "fake changes no standing orders"),
        (lambda broker: broker.bars(make_contract(), BarSize.DAY, NOON, NOON), "fake tells no bars"),
        (lambda broker: broker.stream_quotes([make_contract()]), "fake streams no quotes"),
        (lambda broker: broker.stream_orders(), "fake streams no orders"),
    ],
)
def test_what_is_not_declared_is_not_asked(broker: Guarded, flaky: Flaky, use: Callable[[Guarded], object], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        use(broker)
    assert flaky.asked == []


def test_a_clock_is_asked_for_only_where_the_broker_tells_its_time(
    flaky: Flaky, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted()
    flaky.venue.clock_skew = timedelta(seconds=1)
    with watched(flaky, time, MemoryState(), counted) as broker:
        assert broker.clock_skew() == timedelta(seconds=1)
        monkeypatch.setattr(FakeBroker, "clock_skew", Broker.clock_skew)
        assert broker.clock_skew() is None
    assert counted.rows == ["connect answered 1 0", "clock_skew answered 1 0"]


def test_what_an_account_cannot_do_is_refused_before_it_is_sent(
    flaky: Flaky, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted()
    with watched(flaky, time, MemoryState(), counted) as broker:
        assert broker.discover() == broker.able == flaky.capabilities  # it asked nobody anything
        less = flaky.capabilities.without({"stock": "blocked"})
        monkeypatch.setattr(Flaky, "able", property(lambda self: less))
        monkeypatch.setattr(Flaky, "discover", lambda self: less)
        assert broker.discover() == broker.able == less
        with pytest.raises(Unsupported, match="trades no stock in this account: blocked"):
            broker.submit(make_order())
    assert flaky.venue.submits == 0
    assert counted.rows == ["connect answered 1 0", "discover answered 1 0"]  # `check_order` is no call
