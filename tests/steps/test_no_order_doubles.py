"""Promise 2 under fire: whatever crashes, times out, is cleared or retried, an intent stands at the broker at most once, and no
order that stands there is lost. One machine per class of broker."""

import contextlib
import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from include.brokers.base import ResendClass
from include.domain.order import Order, OrderState, Side
from include.errors import DuplicateOrder, OutcomeUnknown, PolybrokerError
from include.steps.settle_orders import settle_orders
from include.storage.database import Database, open_database
from tests.fakes.broker import Crash, FakeVenue, Fault
from tests.fakes.execution import Execution, make_execution, take_snapshots, write_plan
from tests.fakes.orders import NEXT_MORNING, Clock, make_order

SAFE = (ResendClass.DUPLICATE_REFUSED, ResendClass.REPLAY_RETURNS_ORIGINAL)
ORDERS = [make_order("AAA", "101"), make_order("BBB", "102", Side.SELL, "4"), make_order("CCC", "103", quantity="6")]


class SlowVenue(FakeVenue):
    """A request that timed out may still be on its way, and arrive later."""

    def __init__(self, resend: ResendClass) -> None:
        super().__init__(resend, Decimal("0.5"))
        self.on_its_way: list[Order] = []
        self.is_slow = False

    def lose(self, order: Order) -> None:
        if self.is_slow:
            self.on_its_way.append(order)

    def deliver(self) -> None:
        """What was on its way arrives; where the id is known already it is refused."""
        while self.on_its_way:
            with contextlib.suppress(DuplicateOrder):
                self.arrive(self.on_its_way.pop())


class NeverTwice(RuleBasedStateMachine):
    resend = ResendClass.TAG_ONLY

    @initialize()
    def plan(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.execution = make_execution(Path(self.folder.name), resend=self.resend)
        self.venue = SlowVenue(self.resend)
        self.venue.prices = self.execution.venues["fake-main"].prices
        self.venue.opening = {"102": Decimal(4)}
        self.execution.venues["fake-main"] = self.venue
        take_snapshots(self.execution)
        self.execution.run = self.execution.run.model_copy(
            update={"options": {"reconcile_timeout_seconds": 2, "reconcile_poll_seconds": 1}}
        )
        write_plan(self.execution, ORDERS)
        self.next_day = False

    @rule(
        faults=st.lists(st.none() | st.sampled_from(list(Fault)), max_size=4),
        lookups_away=st.integers(0, 2),
        kill_switch=st.booleans(),
        late=st.booleans(),
    )
    def submit(self, faults: list[Fault | None], lookups_away: int, kill_switch: bool, late: bool) -> None:
        """Send, or send again; a crash takes the process and its database connections with it."""
        self.venue.faults = [fault for fault in faults if fault]
        self.venue.away_for_lookups = lookups_away
        self.execution.kill_switch = kill_switch
        self.venue.is_slow = late and not self.next_day
        try:
            self.execution.submit()
        except Crash:
            self.execution.database.close()
            self.execution.database = reopen(self.execution)
        except PolybrokerError:
            pass
        self.venue.faults, self.venue.away_for_lookups, self.execution.kill_switch = [], 0, False

    @precondition(lambda self: not self.next_day)
    @rule()
    def what_was_on_its_way_arrives(self) -> None:
        self.venue.deliver()

    @rule(number=st.integers(0, 2), share=st.sampled_from([Decimal("0.5"), Decimal(1)]), cancel=st.booleans())
    def the_market_moves(self, number: int, share: Decimal, cancel: bool) -> None:
        open_orders = [standing for standing in self.venue.book if not standing.state.is_final]
        if number < len(open_orders):
            standing = open_orders[number]
            done = sum((fill.quantity for fill in standing.fills), Decimal(0))
            if cancel:
                standing.state = OrderState.CANCELLED
            else:
                self.venue.fill(standing, (standing.order.quantity - done) * share)

    @rule()
    def reconcile(self) -> None:
        with contextlib.suppress(PolybrokerError):
            self.execution.reconcile()

    @rule()
    def plan_again(self) -> None:
        """plan_orders is cleared: the same plan, registered again."""
        write_plan(self.execution, ORDERS)

    @rule()
    def the_next_run_settles(self) -> None:
        settle_orders(["fake-main"], self.execution.open, self.execution.database, self.execution.clock.now())

    @precondition(lambda self: not self.next_day)
    @rule()
    def the_day_ends(self) -> None:
        """DAY orders are over; what was on its way is too late."""
        self.next_day = True
        self.venue.on_its_way = []
        for standing in self.venue.book:
            if not standing.state.is_final:
                standing.state = OrderState.EXPIRED
        self.execution.clock = Clock(max(NEXT_MORNING, self.execution.clock.now() + timedelta(hours=1)))

    @invariant()
    def no_intent_stands_twice(self) -> None:
        for order in ORDERS if hasattr(self, "venue") else []:
            assert len(self.venue.standing(order.client_order_id)) <= 1

    @invariant()
    def nothing_that_stands_is_lost(self) -> None:
        impossible = (OrderState.PLANNED, OrderState.HELD, OrderState.REJECTED, OrderState.NOT_SENT)
        for standing in self.venue.book if hasattr(self, "venue") else []:
            assert self.state(standing.order) not in impossible

    def teardown(self) -> None:
        """The trouble ends: one more try, then the next morning."""
        if not hasattr(self, "venue"):
            return
        try:
            if not self.next_day:
                self.venue.deliver()
            with contextlib.suppress(OutcomeUnknown):
                self.execution.submit()
            self.no_intent_stands_twice()
            for order in ORDERS:
                if self.resend in SAFE and not self.next_day:
                    assert self.state(order) not in (OrderState.PLANNED, OrderState.SENDING, OrderState.UNKNOWN)
            if not self.next_day:
                self.the_day_ends()
            self.the_next_run_settles()
            with contextlib.suppress(OutcomeUnknown):
                self.execution.submit()
            self.no_intent_stands_twice()
            states = {order.ticker: self.state(order) for order in ORDERS}
            assert all(state is not None and state.is_final for state in states.values()), states
            managed = {p.contract.native_id: p.quantity for p in self.execution.journal.managed("main")}
            bought = {key: quantity - self.venue.opening.get(key, Decimal(0)) for key, quantity in self.positions().items()}
            assert managed == {key: quantity for key, quantity in bought.items() if quantity}
        finally:
            self.execution.database.close()
            self.folder.cleanup()

    def positions(self) -> dict[str, Decimal]:
        found = self.venue.positions()
        return {key: found.get(key, Decimal(0)) for key in {*found, *self.venue.opening}}

    def state(self, order: Order) -> OrderState | None:
        return self.execution.journal.state(order.client_order_id)


def reopen(execution: Execution) -> Database:
    return open_database(execution.database.name)


@pytest.mark.parametrize("resend", list(ResendClass))
def test_never_twice_and_never_lost(resend: ResendClass) -> None:
    machine = type(f"NeverTwice_{resend.value}", (NeverTwice,), {"resend": resend})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=12,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_the_machine_would_notice_a_second_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test: a sender that sends again at a broker that only keeps a tag is caught."""
    monkeypatch.setattr("include.steps.submit_orders._RESEND_IS_SAFE", tuple(ResendClass))
    machine = NeverTwice()
    machine.plan()
    try:
        machine.submit(faults=[Fault.LOST_REQUEST], lookups_away=0, kill_switch=False, late=True)
        machine.no_intent_stands_twice()
        machine.what_was_on_its_way_arrives()
        with pytest.raises(AssertionError):
            machine.no_intent_stands_twice()
    finally:
        machine.execution.database.close()
        machine.folder.cleanup()
