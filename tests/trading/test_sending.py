from dataclasses import dataclass, field
from datetime import datetime

import pytest

from include.brokers.base import ResendClass
from include.domain.order import Order, OrderReport, OrderState, Side
from include.errors import AuthenticationFailed, BrokerUnavailable, DuplicateOrder, InputError, OutcomeUnknown, RateLimited
from include.trading.sending import Sender
from tests.fakes.broker import FakeBroker, FakeVenue, Fault
from tests.fakes.orders import NOON, make_account, make_order

BUY = make_order("AAA", "101")


SELL = make_order("BBB", "102", Side.SELL, "4")


OTHER = make_order("CCC", "103", quantity="6")


@dataclass
class MemoryJournal:
    """A journal in memory, as strict as the real one about who may be sent."""

    states: dict[str, OrderState]
    reasons: dict[str, str | None] = field(default_factory=dict)
    reports: list[OrderReport] = field(default_factory=list)

    def state(self, client_order_id: str) -> OrderState | None:
        return self.states.get(client_order_id)

    def mark_sending(self, client_order_id: str, at: datetime | None = None) -> bool:
        return self._move(client_order_id, OrderState.PLANNED, OrderState.SENDING, None)

    def mark_planned(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        return self._move(client_order_id, OrderState.SENDING, OrderState.PLANNED, reason)

    def hold(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        return self._move(client_order_id, OrderState.PLANNED, OrderState.HELD, reason)

    def close_unsent(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        return self._move(client_order_id, OrderState.PLANNED, OrderState.NOT_SENT, reason)

    def record(self, client_order_id: str, report: OrderReport, at: datetime, reason: str | None = None) -> OrderState:
        self.reports.append(report)
        self.states[client_order_id], self.reasons[client_order_id] = report.state, reason
        return report.state

    def _move(self, client_order_id: str, old: OrderState, new: OrderState, reason: str | None) -> bool:
        if self.states[client_order_id] is not old:
            return False
        self.states[client_order_id], self.reasons[client_order_id] = new, reason
        return True


@dataclass
class Setup:
    venue: FakeVenue
    journal: MemoryJournal
    refused: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def send(self, *orders: Order, broker: FakeBroker | None = None):  # type: ignore[no-untyped-def]
        def permission(order: Order) -> str | None:
            self.asked.append(order.ticker)
            return self.refused.get(order.ticker)

        sender = Sender(
            broker=broker or FakeBroker(self.venue, make_account()),
            journal=self.journal,
            resend_is_safe=self.venue.resend in (ResendClass.DUPLICATE_REFUSED, ResendClass.REPLAY_RETURNS_ORIGINAL),
            permission=permission,
            recheck=lambda order: self.moved.get(order.ticker),
            now=lambda: NOON,
        )
        return sender.send_all(orders)

    def states(self) -> list[str]:
        return [state.value for state in self.journal.states.values()]


def setup(*orders: Order, resend: ResendClass = ResendClass.DUPLICATE_REFUSED, state: OrderState = OrderState.PLANNED) -> Setup:
    return Setup(FakeVenue(resend), MemoryJournal({order.client_order_id: state for order in orders}))


def test_no_orders() -> None:
    assert setup().send() == ([], None)


def test_sells_first_each_in_the_given_order() -> None:
    made = setup(OTHER, BUY, SELL)
    attempts, error = made.send(OTHER, BUY, SELL)
    assert [attempt.order.ticker for attempt in attempts] == ["BBB", "CCC", "AAA"]
    assert [standing.order.ticker for standing in made.venue.book] == ["BBB", "CCC", "AAA"]
    assert {(attempt.state, attempt.reason) for attempt in attempts} == {(OrderState.FILLED, None)}
    assert error is None


@pytest.mark.parametrize(
    "state", [s for s in OrderState if s not in (OrderState.PLANNED, OrderState.SENDING, OrderState.UNKNOWN)]
)
def test_what_is_over_or_stands_is_left_alone(state: OrderState) -> None:
    made = setup(BUY, state=state)
    attempts, _ = made.send(BUY)
    assert [(attempt.state, attempt.reason) for attempt in attempts] == [(state, None)]
    assert (made.venue.submits, made.asked) == (0, [])


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("kill_switch", OrderState.PLANNED),
        ("plan_only: x", OrderState.PLANNED),
        ("past_valid_until", OrderState.NOT_SENT),
        ("do_not_trade", OrderState.HELD),
        ("risk: over 5 %", OrderState.HELD),
    ],
)
def test_a_refused_order_is_closed_only_where_nothing_lifts_the_refusal(reason: str, state: OrderState) -> None:
    made = setup(BUY, OTHER)
    made.refused = {"AAA": reason}
    attempts, error = made.send(BUY, OTHER)
    assert [(attempt.state, attempt.reason) for attempt in attempts] == [(state, reason), (OrderState.FILLED, None)]
    assert error is None


def test_a_price_that_moved_holds() -> None:
    made = setup(BUY)
    made.moved = {"AAA": "price_moved"}
    attempts, _ = made.send(BUY)
    assert (attempts[0].state, attempts[0].reason, made.venue.submits) == (OrderState.HELD, "price_moved", 0)


def test_an_order_another_process_took_is_not_sent() -> None:
    class Taken(MemoryJournal):
        def mark_sending(self, client_order_id: str, at: datetime | None = None) -> bool:
            self.states[client_order_id] = OrderState.SENDING
            return False

    made = setup(BUY)
    made.journal = Taken(made.journal.states)
    attempts, _ = made.send(BUY)
    assert (attempts[0].state, attempts[0].reason) == (OrderState.SENDING, "another process is sending it")
    assert made.venue.submits == 0


def test_an_order_that_was_never_registered_is_an_error() -> None:
    with pytest.raises(InputError, match="expected the order in the journal before it is sent"):
        setup().send(BUY)


@pytest.mark.parametrize("state", [OrderState.SENDING, OrderState.UNKNOWN])
@pytest.mark.parametrize("resend", list(ResendClass))
def test_what_may_stand_is_looked_up_before_anything_else(state: OrderState, resend: ResendClass) -> None:
    made = setup(BUY, resend=resend, state=state)
    made.venue.arrive(BUY)
    attempts, _ = made.send(BUY)
    assert (attempts[0].state, made.venue.submits) == (OrderState.FILLED, 0)


@pytest.mark.parametrize(
    ("resend", "state", "submits"),
    [
        (ResendClass.DUPLICATE_REFUSED, OrderState.FILLED, 1),
        (ResendClass.REPLAY_RETURNS_ORIGINAL, OrderState.FILLED, 1),
        (ResendClass.UNIQUE_AMONG_OPEN, OrderState.UNKNOWN, 0),
        (ResendClass.TAG_ONLY, OrderState.UNKNOWN, 0),
    ],
)
def test_what_is_not_found_is_sent_again_only_where_that_is_safe(resend: ResendClass, state: OrderState, submits: int) -> None:
    made = setup(BUY, resend=resend, state=OrderState.SENDING)
    attempts, _ = made.send(BUY)
    assert (attempts[0].state, made.venue.submits) == (state, submits)
    assert len(made.venue.book) == submits


def test_permission_is_asked_again_before_sending_again() -> None:
    made = setup(BUY, state=OrderState.UNKNOWN)
    made.refused = {"AAA": "kill_switch"}
    attempts, _ = made.send(BUY)
    assert attempts[0].state is OrderState.UNKNOWN
    assert "not sent again: kill_switch" in str(attempts[0].reason)
    assert made.venue.submits == 0


def test_a_look_up_that_fails_proves_nothing() -> None:
    made = setup(BUY, OTHER)
    made.venue.faults = [Fault.LOST_ANSWER]
    made.venue.away_for_lookups = 1
    attempts, error = made.send(BUY, OTHER)
    assert [attempt.state for attempt in attempts] == [OrderState.UNKNOWN, OrderState.FILLED]
    assert "looking it up failed: timed out" in str(attempts[0].reason)
    assert error is None
    attempts, _ = made.send(BUY, OTHER)
    assert [attempt.state for attempt in attempts] == [OrderState.FILLED, OrderState.FILLED]
    assert made.venue.submits == 2


@pytest.mark.parametrize("second", [Fault.LOST_REQUEST, Fault.NOT_ARRIVED, Fault.REJECT])
def test_whatever_the_second_send_says_the_first_may_be_on_its_way(second: Fault) -> None:
    made = setup(BUY)
    made.venue.faults = [Fault.LOST_REQUEST, second]
    attempts, _ = made.send(BUY)
    assert attempts[0].state is OrderState.UNKNOWN
    assert made.venue.submits == 2


def test_a_second_send_that_lost_its_answer_is_found() -> None:
    made = setup(BUY)
    made.venue.faults = [Fault.LOST_REQUEST, Fault.LOST_ANSWER]
    attempts, _ = made.send(BUY)
    assert (attempts[0].state, len(made.venue.book)) == (OrderState.FILLED, 1)


def test_a_duplicate_is_found_and_recorded_never_rejected() -> None:
    class LateVisible(FakeBroker):
        """The order arrived, but a look-up shows it only after a while."""

        blind = 1

        def find_order(self, client_order_id: str) -> OrderReport | None:
            self.blind -= 1
            return None if self.blind >= 0 else super().find_order(client_order_id)

    made = setup(BUY)
    made.venue.faults = [Fault.LOST_ANSWER]
    attempts, _ = made.send(BUY, broker=LateVisible(made.venue, make_account()))
    assert (attempts[0].state, len(made.venue.book), made.venue.submits) == (OrderState.FILLED, 1, 2)


def test_a_duplicate_that_cannot_be_found_stays_unknown() -> None:
    class Forgetful(FakeBroker):
        def submit(self, order: Order) -> OrderReport:
            raise DuplicateOrder("known")

    made = setup(BUY)
    attempts, _ = made.send(BUY, broker=Forgetful(made.venue, make_account()))
    assert (attempts[0].state, attempts[0].reason) == (OrderState.UNKNOWN, "known; not found at the broker")


def test_after_three_that_did_not_arrive_the_rest_waits() -> None:
    orders = [make_order(f"T{n}", str(n)) for n in range(5)]
    made = setup(*orders)
    made.venue.faults = [Fault.NOT_ARRIVED] * 5
    attempts, error = made.send(*orders)
    assert isinstance(error, BrokerUnavailable)
    assert made.venue.submits == 3
    assert made.states() == ["planned"] * 5
    assert [attempt.reason for attempt in attempts] == ["connection refused"] * 3 + ["account stopped: connection refused"] * 2


def test_misses_in_between_do_not_stop_the_others_but_are_told() -> None:
    orders = [make_order(f"T{n}", str(n)) for n in range(4)]
    made = setup(*orders)
    made.venue.faults = [Fault.NOT_ARRIVED, Fault.NOT_ARRIVED, Fault.REJECT]
    _, error = made.send(*orders)
    assert isinstance(error, BrokerUnavailable)
    assert made.states() == ["planned", "planned", "rejected", "filled"]


def test_refused_credentials_stop_the_account_at_once() -> None:
    class Locked(FakeBroker):
        def submit(self, order: Order) -> OrderReport:
            self.venue.submits += 1
            raise AuthenticationFailed("key revoked")

    made = setup(BUY, OTHER)
    attempts, error = made.send(BUY, OTHER, broker=Locked(made.venue, make_account()))
    assert isinstance(error, AuthenticationFailed)
    assert made.venue.submits == 1
    assert made.states() == ["planned", "planned"]
    assert attempts[1].reason == "account stopped: key revoked"


def test_a_rejection_names_the_brokers_code_where_it_gave_one() -> None:
    class Coded(FakeBroker):
        def submit(self, order: Order) -> OrderReport:
            error = RateLimited("slow down") if order.ticker == "CCC" else OutcomeUnknown("?")
            if order.ticker == "AAA":
                from include.errors import OrderRejected

                raise OrderRejected("margin", broker_code="201")
            raise error

    made = setup(BUY, OTHER)
    made.send(BUY, OTHER, broker=Coded(made.venue, make_account()))
    assert [(report.state, report.code, report.message) for report in made.journal.reports] == [
        (OrderState.REJECTED, "201", "margin")
    ]
    assert made.states() == ["rejected", "planned"]
