"""7xx: cancelling, changing, partial fills, and what happens at the same time."""

import asyncio
import contextlib
from decimal import Decimal

import pytest

from include.domain.order import OrderChange, OrderState, OrderType, TimeInForce
from include.errors import OrderRejected, OutcomeUnknown, Terminal, Transient
from include.sandbox.faults import Fault
from tests.conformance.base import AWAY, ID, UNITS, Cases
from tests.conformance.cases import needs, over
from tests.conformance.harness import PRICE, Ability

SOME = Decimal(4)


class Changes(Cases):
    def held(self) -> Decimal:
        """Shares in the account."""
        return self.broker.snapshot("2025-09-18", self.venue.clock()).held(self.stock.native_id)

    def open_quantities(self) -> list[Decimal | None]:
        """Quantities of the open orders, as the account tells them."""
        return [report.quantity for report in self.broker.snapshot("2025-09-18", self.venue.clock()).open_orders]

    def test_c701_cancels(self) -> None:
        """A resting order is cancelled, found as such, and not open any more; again changes nothing."""
        self.send(limit_price=AWAY)
        assert (self.broker.cancel(ID).state, self.broker.cancel(ID).state) == (OrderState.CANCELLED, OrderState.CANCELLED)
        report = self.agrees_with_the_venue()
        assert report is not None
        assert (report.state, report.filled_quantity) == (OrderState.CANCELLED, 0)
        assert self.open_quantities() == []

    def test_c702_too_late_to_cancel(self) -> None:
        """Cancelling what has filled is no error: the report says that it filled."""
        self.send()
        assert self.found().state is OrderState.FILLED
        report = self.broker.cancel(ID)
        assert (report.state, report.filled_quantity) == (OrderState.FILLED, UNITS)

    def test_c703_fills_before_the_cancel_arrives(self) -> None:
        """An order that fills before the request arrives is reported as filled, and held."""
        self.send(limit_price=AWAY)
        assert self.found().state is OrderState.ACCEPTED
        self.venue.mark(AWAY - 1)
        assert self.broker.cancel(ID).state is OrderState.FILLED
        assert self.held() == UNITS

    def test_c704_cancels_after_a_crash(self) -> None:
        """An order of a process that ended can be cancelled by the next."""
        self.send(limit_price=AWAY)
        self.reopened()
        assert self.broker.cancel(ID).state is OrderState.CANCELLED
        assert self.open_quantities() == []

    @over("read_fault", (Fault.SERVER_ERROR, Fault.DROP_CONNECTION, Fault.HALF_RESPONSE, Fault.MALFORMED_BODY))
    def test_c705_a_cancel_that_breaks(self, read_fault: Fault) -> None:
        """A cancel that breaks on the way is an error, never a false word; a second one ends the order."""
        self.send(limit_price=AWAY)
        with self.misbehaving(read_fault) as broker, contextlib.suppress(Transient, OutcomeUnknown):
            assert broker.cancel(ID).state is OrderState.CANCELLED
        self.agrees_with_the_venue()
        assert self.broker.cancel(ID).state is OrderState.CANCELLED

    @needs(verb="modify", flag="modifies")
    def test_c706_changes_the_price(self) -> None:
        """A new limit holds: the order is found under its id, and fills at it."""
        self.send(limit_price=AWAY)
        self.broker.modify(ID, OrderChange(limit_price=AWAY + 10))
        assert self.found().state is OrderState.ACCEPTED
        self.venue.mark(AWAY + 9)
        report = self.found()
        assert (report.state, report.filled_quantity) == (OrderState.FILLED, UNITS)
        assert self.held() == UNITS

    @needs(verb="modify", flag="modifies")
    def test_c707_changes_the_quantity(self) -> None:
        """A new quantity holds, and there is one order still."""
        self.send(limit_price=AWAY)
        assert self.broker.modify(ID, OrderChange(quantity=Decimal(7))).client_order_id == ID
        assert self.found().quantity == 7
        assert self.open_quantities() == [7]

    @needs(verb="modify", flag="modifies")
    @over("order_type", (OrderType.STOP, OrderType.STOP_LIMIT))
    def test_c708_changes_the_stop(self, order_type: OrderType) -> None:
        """A new stop holds."""
        limit = {"limit_price": PRICE + 40} if order_type is OrderType.STOP_LIMIT else {}
        self.send(order_type=order_type, stop_price=PRICE + 10, **limit)
        self.broker.modify(ID, OrderChange(stop_price=PRICE + 20))
        self.venue.mark(PRICE + 15)
        assert self.found().state is OrderState.ACCEPTED
        self.venue.mark(PRICE + 21)
        assert self.found().state is OrderState.FILLED

    @needs(verb="modify", flag="modifies")
    def test_c709_too_late_to_change(self) -> None:
        """Changing what has filled is `OrderRejected`, and changes nothing."""
        self.send()
        with pytest.raises(OrderRejected):
            self.broker.modify(ID, OrderChange(quantity=Decimal(20)))
        assert (self.found().state, self.held()) == (OrderState.FILLED, UNITS)

    @needs(verb="modify", flag="modifies")
    def test_c710_changes_twice_and_cancels(self) -> None:
        """After two changes and a crash the order is found and cancelled under its first id."""
        self.send(limit_price=AWAY)
        self.broker.modify(ID, OrderChange(quantity=Decimal(7)))
        self.broker.modify(ID, OrderChange(quantity=Decimal(5)))
        self.reopened()
        assert self.found().quantity == 5
        assert self.broker.cancel(ID).state is OrderState.CANCELLED
        assert self.open_quantities() == []

    @needs(verb="modify", flag="modifies")
    def test_c711_a_refused_change(self) -> None:
        """A change that the broker refuses leaves the order as it was."""
        self.send(limit_price=AWAY)
        with pytest.raises(Terminal):
            self.broker.modify(ID, OrderChange(quantity=Decimal(100_000)))
        assert (self.found().state, self.found().quantity) == (OrderState.ACCEPTED, UNITS)
        assert self.open_quantities() == [UNITS]

    @needs(verb="modify", flag="modifies")
    @over("read_fault", (Fault.SERVER_ERROR, Fault.DROP_CONNECTION, Fault.HALF_RESPONSE, Fault.MALFORMED_BODY))
    def test_c712_a_change_that_breaks(self, read_fault: Fault) -> None:
        """A change that breaks on the way is an error; the order stands once, changed or not."""
        self.send(limit_price=AWAY)
        with self.misbehaving(read_fault) as broker, contextlib.suppress(Transient, OutcomeUnknown):
            broker.modify(ID, OrderChange(quantity=Decimal(7)))
        assert self.found().quantity in (7, UNITS)
        assert self.open_quantities() == [self.found().quantity]

    @needs(ability=Ability.LIMITED_VOLUME)
    def test_c713_fills_in_parts(self) -> None:
        """What the market has not enough for fills in parts; totals and executions agree, and it is filled in the end."""
        self.venue.mark(PRICE, volume=SOME)
        self.send()
        report = self.agrees_with_the_venue()
        assert report is not None
        assert (report.state, report.filled_quantity) == (OrderState.PARTIALLY_FILLED, SOME)
        assert (self.held(), self.open_quantities()) == (SOME, [UNITS])
        self.venue.mark(PRICE - 1, volume=SOME)
        assert self.found().filled_quantity == 2 * SOME
        self.venue.mark(PRICE - 2, volume=SOME)
        report = self.found()
        assert (report.state, report.filled_quantity, self.held()) == (OrderState.FILLED, UNITS, UNITS)
        assert sum(fill.quantity for fill in report.fills) in (0, UNITS)

    @needs(ability=Ability.LIMITED_VOLUME)
    def test_c714_cancels_the_rest(self) -> None:
        """Cancelling an order that filled in part keeps the part."""
        self.venue.mark(PRICE, volume=SOME)
        self.send()
        report = self.broker.cancel(ID)
        assert (report.state, report.filled_quantity, self.held()) == (OrderState.CANCELLED, SOME, SOME)

    @needs(ability=Ability.LIMITED_VOLUME)
    @over("time_in_force", (TimeInForce.IOC, TimeInForce.FOK))
    def test_c715_what_is_there_or_nothing(self, time_in_force: TimeInForce) -> None:
        """Where less is there, `ioc` takes it and ends; `fok` takes nothing."""
        self.venue.mark(PRICE, volume=SOME)
        self.send(time_in_force=time_in_force)
        report, part = self.found(), SOME if time_in_force is TimeInForce.IOC else Decimal(0)
        assert (report.state, report.filled_quantity, self.held()) == (OrderState.CANCELLED, part, part)

    @needs(order_fault=Fault.PARTIAL_THEN_CANCEL)
    def test_c716_the_venue_cancels_the_rest(self) -> None:
        """A part fills and the venue ends the rest: what filled is told and held."""
        with self.misbehaving(Fault.PARTIAL_THEN_CANCEL) as broker, contextlib.suppress(OutcomeUnknown):
            broker.submit(self.order())
        report = self.agrees_with_the_venue()
        assert report is not None
        assert report.state is OrderState.CANCELLED
        assert 0 < report.filled_quantity < UNITS
        assert self.held() == report.filled_quantity

    @needs(fault=Fault.FILL_AFTER_CANCEL)
    def test_c717_fills_after_it_was_cancelled(self) -> None:
        """A cancelled order that turns out to have filled is found as filled, and held."""
        self.send(limit_price=AWAY)
        with self.misbehaving(Fault.FILL_AFTER_CANCEL) as broker, contextlib.suppress(OutcomeUnknown):
            broker.cancel(ID)
        self.reopened()
        report = self.agrees_with_the_venue()
        assert report is not None
        assert (report.state, report.filled_quantity, self.held()) == (OrderState.FILLED, UNITS, UNITS)

    def test_c718_fills_while_we_are_away(self) -> None:
        """What filled while nobody was connected is found as filled afterwards, with its price."""
        self.send(limit_price=AWAY)
        self.broker.close()
        self.venue.mark(AWAY - 1)
        self.reopened()
        report = self.found()
        assert (report.state, report.filled_quantity) == (OrderState.FILLED, UNITS)
        assert report.average_price is not None
        assert report.average_price <= AWAY

    @needs(verb="stream_orders", flag="order_stream")
    def test_c719_streams_orders(self) -> None:
        """A stream tells what becomes of an order, every change once, up to its fill."""
        told = asyncio.run(asyncio.wait_for(self.followed(), 30))
        assert told[-1].state is OrderState.FILLED
        assert told[-1].filled_quantity == UNITS
        changes = [(report.state, report.filled_quantity, report.fills) for report in told]
        assert len(changes) == len(set(changes))

    @needs(verb="stream_orders", flag="order_stream")
    @over("stream_fault", (Fault.DUPLICATE_UPDATE, Fault.REORDERED_UPDATES, Fault.LATE_UPDATE))
    def test_c720_streams_nothing_twice(self, stream_fault: Fault) -> None:
        """What the venue says twice, late or in the wrong order the stream tells once, and the fill last."""
        told = asyncio.run(asyncio.wait_for(self.followed(stream_fault), 30))
        assert self.venue.happened(stream_fault)
        changes = [(report.state, report.filled_quantity, report.fills) for report in told]
        assert len(changes) == len(set(changes))
