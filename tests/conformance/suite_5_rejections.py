"""5xx: what is refused, and that refused, unknown and unavailable are told apart."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest

from include.domain.instrument import AssetClass
from include.domain.order import OrderChange, OrderState, Side
from include.errors import (
    BrokerUnavailable,
    InsufficientFunds,
    InvalidQuantity,
    InvalidSymbol,
    MarketClosed,
    NotPermitted,
    OrderRejected,
    OutcomeUnknown,
    PolybrokerError,
    Terminal,
    Transient,
    Unsupported,
)
from include.sandbox.faults import Fault
from tests.conformance.base import AWAY, ID, OTHER, Cases
from tests.conformance.cases import needs, over
from tests.conformance.harness import Ability

REFUSALS = (InsufficientFunds, InvalidSymbol, InvalidQuantity, NotPermitted, MarketClosed, OrderRejected)


class Rejections(Cases):
    def nothing_stands(self) -> None:
        """The venue has no order, and the broker says so, or that it refused one."""
        assert self.agrees_with_the_venue() is None

    @over("refusal", REFUSALS)
    def test_c501_refused_with_its_code(self, refusal: type[PolybrokerError]) -> None:
        """A refusal has the standard code that fits, the broker's name, and words for people; nothing stands."""
        with pytest.raises(refusal) as caught:
            self.send(**self.venue.refusals[refusal])
        assert (type(caught.value), caught.value.code) == (refusal, refusal.code)
        assert str(caught.value)
        self.nothing_stands()

    @over("refusal", REFUSALS)
    def test_c502_the_brokers_own_code(self, refusal: type[PolybrokerError]) -> None:
        """The broker's own code is kept beside the standard one, with the broker's name."""
        with pytest.raises(refusal) as caught:
            self.send(**self.venue.refusals[refusal])
        assert caught.value.broker == self.broker.name
        assert caught.value.broker_code

    def test_c503_an_unknown_contract(self) -> None:
        """An order for a contract that the broker does not have is refused, not lost; nothing stands."""
        with pytest.raises((Terminal, Transient)):
            self.send(contract=self.venue.unknown)
        self.nothing_stands()

    def test_c504_a_dead_contract(self) -> None:
        """An order for a delisted contract is refused for good."""
        with pytest.raises(Terminal):
            self.send(contract=self.venue.dead)
        self.nothing_stands()

    def test_c505_nothing_is_sold_short(self) -> None:
        """A cash account does not sell what it does not have."""
        with pytest.raises(Terminal):
            self.send(side=Side.SELL, limit_price=AWAY)
        self.nothing_stands()

    @needs(order_fault=Fault.REJECT_ORDER)
    def test_c506_refused_without_a_reason(self) -> None:
        """A refusal without a reason is `OrderRejected`, or found as rejected after the broker's first word."""
        with self.misbehaving(Fault.REJECT_ORDER) as broker, suppress(OrderRejected):
            broker.submit(self.order())
            assert self.found().state is OrderState.REJECTED
        self.nothing_stands()

    def test_c507_a_refused_id_leaves_the_account_alone(self) -> None:
        """After a refusal the next order goes through, and cash and positions are as if nothing had been."""
        with pytest.raises(Terminal):
            self.send(1, quantity=Decimal(1000))
        self.send(2)
        assert self.found(2).state is OrderState.FILLED
        assert self.broker.snapshot("2025-09-18", self.venue.clock()).held(self.stock.native_id) == 10

    def test_c508_an_undeclared_kind(self) -> None:
        """A kind of contract that is not declared is `Unsupported`, and nothing is sent."""
        missing = next(kind for kind in AssetClass if kind not in self.broker.capabilities.asset_classes)
        contract = self.stock.model_copy(update={"asset_class": missing})
        with pytest.raises(Unsupported):
            self.send(contract=contract)
        assert self.venue.standing(ID) == []

    def test_c509_a_contract_of_another_broker(self) -> None:
        """A contract of another broker is never sent to this one."""
        foreign = self.stock.model_copy(update={"broker": "somebody"})
        with pytest.raises(Terminal):
            self.broker.submit(self.order(contract=foreign))
        assert self.venue.standing(ID) == []

    def test_c510_nobody_by_that_id(self) -> None:
        """An id that was never used is found as nothing."""
        self.send(1)
        assert self.broker.find_order(OTHER) is None

    @over("read_fault", (Fault.SERVER_ERROR, Fault.TOO_MANY_REQUESTS, Fault.DROP_CONNECTION, Fault.MALFORMED_BODY))
    def test_c511_unreadable_is_not_nobody(self, read_fault: Fault) -> None:
        """An order that cannot be looked up is an error that may be tried again, or it is found; never nothing."""
        self.send(1, limit_price=AWAY)
        with self.misbehaving(read_fault) as broker, suppress(Transient):
            assert broker.find_order(ID) is not None

    @needs(ability=Ability.STOP)
    @over("look", ("find_order", "snapshot", "quotes"))
    def test_c512_a_venue_that_is_gone(self, look: str) -> None:
        """While the venue is away, a look is an error that may be tried again (`BrokerUnavailable`), never empty."""
        self.send(1)
        broker = self.broker
        self.venue.stop()
        looks: dict[str, Callable[[], object]] = {
            "find_order": lambda: broker.find_order(ID),
            "snapshot": lambda: broker.snapshot("2025-09-18", self.venue.clock()),
            "quotes": lambda: broker.quotes([self.stock]),
        }
        with pytest.raises(self.venue.gone):
            looks[look]()

    @needs(verb="modify")
    def test_c513_changing_nobody(self) -> None:
        """Changing an order that does not exist is `OrderRejected`."""
        with pytest.raises(OrderRejected):
            self.broker.modify(OTHER, OrderChange(quantity=Decimal(5)))

    def test_c514_cancelling_nobody(self) -> None:
        """Cancelling an order that does not exist is `OrderRejected`."""
        with pytest.raises(OrderRejected):
            self.broker.cancel(OTHER)

    @over("order_fault", (Fault.SERVER_ERROR, Fault.MALFORMED_BODY))
    def test_c515_unknown_is_no_refusal(self, order_fault: Fault) -> None:
        """An answer to an order that nobody can read leaves the outcome open, or says that nothing arrived; it is no refusal."""
        with self.misbehaving(order_fault) as broker, pytest.raises((OutcomeUnknown, BrokerUnavailable)):
            broker.submit(self.order())
        self.agrees_with_the_venue()
