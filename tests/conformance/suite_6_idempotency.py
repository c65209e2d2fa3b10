"""6xx: the same intent is sent once, whatever happens to its answer, to us or to the venue."""

import contextlib
import threading

import pytest

from include.brokers.base import ResendClass
from include.domain.order import OrderState
from include.errors import DuplicateOrder, OutcomeUnknown, PolybrokerError, Transient
from include.sandbox.faults import Fault
from tests.conformance.base import AWAY, CROSSING, ID, UNITS, Cases
from tests.conformance.cases import needs, over
from tests.conformance.harness import Ability

LOST = (Fault.ACCEPT_THEN_SILENT, Fault.ACCEPT_THEN_DROP, Fault.ACCEPT_THEN_SERVER_ERROR)
NEVER_TAKEN = (Fault.SERVER_ERROR, Fault.TOO_MANY_REQUESTS, Fault.DROP_CONNECTION)
STATES = ("filled", "resting", "cancelled")


class Idempotency(Cases):
    def stands(self, state: str) -> None:
        """An order in that state."""
        self.send(limit_price=CROSSING if state == "filled" else AWAY)
        if state == "cancelled":
            self.broker.cancel(ID)

    def stands_once(self) -> None:
        """The venue has the order once, the broker finds it, and no more than that was bought."""
        report = self.agrees_with_the_venue()
        assert report is not None
        assert report.state is OrderState.FILLED
        assert self.broker.snapshot("2025-09-18", self.venue.clock()).held(self.stock.native_id) == UNITS

    @needs(resend=ResendClass.DUPLICATE_REFUSED)
    @over("state", STATES)
    def test_c601_a_used_id_is_refused(self, state: str) -> None:
        """A broker that refuses a used id says `DuplicateOrder`, whatever became of the first order."""
        self.stands(state)
        with pytest.raises(DuplicateOrder) as caught:
            self.send(limit_price=AWAY)
        assert caught.value.code == "DUPLICATE_ORDER"
        assert len(self.venue.standing(ID)) == 1

    @needs(resend=ResendClass.REPLAY_RETURNS_ORIGINAL)
    @over("state", STATES)
    def test_c602_a_replay_gives_the_original(self, state: str) -> None:
        """A broker that answers a repeated id with the original places nothing new."""
        self.stands(state)
        first = self.found()
        assert self.send(limit_price=AWAY).broker_order_id == first.broker_order_id
        assert len(self.venue.standing(ID)) == 1

    @over("state", STATES)
    def test_c603_a_retry_sends_nothing_new(self, state: str) -> None:
        """A retry by the rule of the broker's class leaves one order, in the state it had."""
        self.stands(state)
        before = self.found()
        after = self.again(limit_price=AWAY)
        assert (after.state, after.broker_order_id) == (before.state, before.broker_order_id)
        assert len(self.venue.standing(ID)) == 1

    @over("order_fault", LOST)
    def test_c604_accepted_and_the_answer_lost(self, order_fault: Fault) -> None:
        """Accepted, but the answer never came: the outcome is unknown, the order is found, a retry sends nothing new."""
        with self.misbehaving(order_fault) as broker, pytest.raises(OutcomeUnknown):
            broker.submit(self.order())
        self.stands_once()
        self.again()
        self.stands_once()

    @over("order_fault", LOST)
    def test_c605_and_then_we_crash(self, order_fault: Fault) -> None:
        """The same, and our process ends: one that starts anew finds the order, and its retry sends nothing new."""
        with self.misbehaving(order_fault) as broker, pytest.raises(OutcomeUnknown):
            broker.submit(self.order())
        self.reopened()
        self.stands_once()
        self.again()
        self.stands_once()

    @needs(ability=Ability.RESTART)
    @over("order_fault", LOST)
    def test_c606_and_then_the_venue_restarts(self, order_fault: Fault) -> None:
        """The same, and the venue ends and comes back: the order is found, and a retry sends nothing new."""
        with self.misbehaving(order_fault) as broker, pytest.raises(OutcomeUnknown):
            broker.submit(self.order())
        self.venue.restart()
        self.reopened()
        self.stands_once()
        self.again()
        self.stands_once()

    @over("order_fault", NEVER_TAKEN)
    def test_c607_never_taken(self, order_fault: Fault) -> None:
        """Not accepted: nothing stands, the broker says so, and a retry places it once."""
        with self.misbehaving(order_fault) as broker, pytest.raises((Transient, OutcomeUnknown)):
            broker.submit(self.order())
        assert self.agrees_with_the_venue() is None
        self.again()
        self.stands_once()

    @needs(ability=Ability.ORDER_LOG)
    @over("order_fault", (*LOST, *NEVER_TAKEN, Fault.HALF_RESPONSE, Fault.MALFORMED_BODY))
    def test_c608_the_library_sends_once(self, order_fault: Fault) -> None:
        """Whatever the answer, one submission is one request: neither adapter nor client library sends it again."""
        with self.misbehaving(order_fault) as broker, contextlib.suppress(PolybrokerError):
            broker.submit(self.order())
        assert self.venue.orders_sent() == 1

    def test_c609_found_from_another_connection(self) -> None:
        """An order is found by our id over a connection that only reads and never saw it."""
        self.send()
        reader = self.venue.open(for_orders=False)
        found = reader.find_order(ID)
        assert found is not None
        assert (found.state, found.filled_quantity) == (OrderState.FILLED, UNITS)

    @needs(resend=ResendClass.DUPLICATE_REFUSED)
    def test_c610_two_at_once(self) -> None:
        """Two processes that send the same id at once place one order."""
        brokers = [self.venue.open(), self.venue.open()]
        for broker in brokers:
            broker.prove_environment()
        order, together = self.order(), threading.Barrier(2)
        outcomes: list[object] = []

        def send(which: int) -> None:
            together.wait()
            try:
                outcomes.append(brokers[which].submit(order))
            except (DuplicateOrder, OutcomeUnknown) as error:
                outcomes.append(error)

        threads = [threading.Thread(target=send, args=(which,)) for which in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 2
        self.stands_once()

    @needs(ability=Ability.RESTART)
    def test_c611_orders_outlive_the_venue(self) -> None:
        """After a restart of the venue what filled is found as filled, and what rested can be cancelled."""
        self.send(1)
        self.send(2, limit_price=AWAY)
        self.venue.restart()
        self.reopened()
        assert self.found(1).state is OrderState.FILLED
        assert self.broker.cancel(self.found(2).client_order_id).state is OrderState.CANCELLED

    @needs(fault=Fault.ORDER_ID_ROLLED_BACK)
    def test_c612_numbers_handed_out_twice(self) -> None:
        """A venue that hands out used numbers changes no standing order, and the new one stands once or was not placed."""
        self.send(1, limit_price=AWAY)
        self.venue.misbehave(Fault.ORDER_ID_ROLLED_BACK)
        self.reopened()
        with contextlib.suppress(Transient, OutcomeUnknown):
            self.send(2)
        self.agrees_with_the_venue(2)
        self.again(2)
        assert self.found(2).state is OrderState.FILLED
        assert (self.found(1).state, self.found(1).quantity) == (OrderState.ACCEPTED, UNITS)
        assert len(self.venue.standing(ID)) == 1
