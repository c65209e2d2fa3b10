"""8xx: every common fault of a venue (include/sandbox/faults.py), and what is true afterwards."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from include.domain.order import OrderState
from include.errors import AuthenticationFailed, OutcomeUnknown, PolybrokerError, RateLimited, Terminal, Transient
from include.sandbox.faults import Fault
from tests.conformance.base import AWAY, ID, UNITS, Cases, raised
from tests.conformance.cases import needs, over
from tests.conformance.harness import Ability

UPDATES = (Fault.DUPLICATE_UPDATE, Fault.REORDERED_UPDATES, Fault.LATE_UPDATE)
ELSEWHERE = (  # these cannot strike an order while it is sent, but have a case of their own
    Fault.FILL_AFTER_CANCEL,  # strikes one that is cancelled: 717
    Fault.ORDER_ID_ROLLED_BACK,  # strikes where numbers are handed out, which is at connecting: 612
)
AT_AN_ORDER = tuple(fault for fault in Fault if fault not in ELSEWHERE)
TRIES = 3
T = TypeVar("T")
PATIENCE_SECONDS, PAUSE_SECONDS = 20.0, 0.05


class FaultCases(Cases):
    def sent_under(self, fault: Fault) -> PolybrokerError | None:
        """Send an order while the venue misbehaves; gives the error, None for a report.

        Where the words on an order come on a stream only, one is open.
        """
        if fault in UPDATES and self.column.tells_on_stream:
            asyncio.run(asyncio.wait_for(self.followed(fault), 30))
            assert self.venue.happened(fault)
            return None
        with self.misbehaving(fault) as broker:
            error = raised(lambda: broker.submit(self.order()))
        if fault is Fault.CONNECTIVITY_LOST:
            self.venue.line_is_back()
            self.once_it_answers(lambda: self.broker.quotes([self.stock]))
        return error

    def once_it_answers(self, look: Callable[[], T]) -> T:
        """What a look gives after the line is back: the broker says so at some time, until then nothing is known."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return look()
            except Transient:
                assert time.monotonic() < patience
                time.sleep(PAUSE_SECONDS)

    @over("order_fault", AT_AN_ORDER)
    def test_c801_no_error_lies(self, order_fault: Fault) -> None:
        """Under every fault at an order: after a refusal or a failure nothing stands, after a report it does; never twice."""
        error = self.sent_under(order_fault)
        standing = len(self.venue.standing(ID))
        assert standing <= 1
        if isinstance(error, Terminal | Transient):
            assert standing == 0
        elif error is None:
            assert standing == 1 or self.found().state is OrderState.REJECTED
        else:
            assert isinstance(error, OutcomeUnknown)

    @over("order_fault", AT_AN_ORDER)
    def test_c802_both_sides_agree_afterwards(self, order_fault: Fault) -> None:
        """After every fault at an order a new connection finds exactly what the venue has, and the account holds what filled."""
        self.sent_under(order_fault)
        self.reopened()
        report = self.agrees_with_the_venue()
        filled = report.filled_quantity if report else 0
        assert self.broker.snapshot("2025-09-18", self.venue.clock()).held(self.stock.native_id) == filled

    @over("order_fault", AT_AN_ORDER)
    def test_c803_works_again(self, order_fault: Fault) -> None:
        """After every fault at an order the same open broker works again, after a few errors at most."""
        self.sent_under(order_fault)
        for attempt in range(TRIES):
            try:
                assert self.broker.quotes([self.stock])
                self.again(2)
                break
            except (Transient, OutcomeUnknown):
                assert attempt < TRIES - 1
        assert self.found(2).state is OrderState.FILLED

    @over("order_fault", UPDATES)
    def test_c804_odd_updates_count_once(self, order_fault: Fault) -> None:
        """Words said twice, late or in the wrong order change neither state nor totals."""
        self.sent_under(order_fault)
        report = self.agrees_with_the_venue()
        assert report is not None
        assert (report.state, report.filled_quantity) == (OrderState.FILLED, UNITS)
        assert sum(fill.quantity for fill in report.fills) in (0, UNITS)
        assert len({fill.fill_id for fill in report.fills}) == len(report.fills)

    @needs(verb="fills")
    @over("order_fault", UPDATES)
    def test_c805_executions_count_once(self, order_fault: Fault) -> None:
        """The list of executions has each once, whatever was said how often."""
        self.sent_under(order_fault)
        fills = [fill for _, fill in self.broker.fills(self.venue.clock().replace(hour=0))]
        assert sum(fill.quantity for fill in fills) == UNITS
        assert len({fill.fill_id for fill in fills}) == len(fills)

    @needs(fault=Fault.CONNECTIVITY_LOST)
    def test_c806_fills_while_the_line_is_down(self) -> None:
        """What fills while the venue has lost the market is found once the line is back."""
        self.send(limit_price=AWAY)
        self.venue.misbehave(Fault.CONNECTIVITY_LOST)
        with contextlib.suppress(Transient):
            self.broker.quotes([self.stock])
        self.venue.mark(AWAY - 1)
        self.venue.line_is_back()
        self.once_it_answers(lambda: self.broker.quotes([self.stock]))
        assert self.once_it_answers(self.found).state is OrderState.FILLED

    @needs(order_fault=Fault.TOO_MANY_REQUESTS)
    def test_c807_too_many_requests(self) -> None:
        """Being told off for too many requests is `RateLimited`, or leaves the outcome open."""
        error = self.sent_under(Fault.TOO_MANY_REQUESTS)
        assert isinstance(error, RateLimited | OutcomeUnknown)
        assert error.code in ("RATE_LIMITED", "OUTCOME_UNKNOWN", "UNKNOWN")

    @needs(fault=Fault.EXPIRED_TOKEN)
    def test_c808_an_expired_token(self) -> None:
        """What it is authenticated with runs out: it is renewed, or a person is asked for; nothing is taken for empty."""
        self._broker = self.venue.open(credentials=self.venue.token_login())
        self.bought()
        with self.misbehaving(Fault.EXPIRED_TOKEN) as broker, contextlib.suppress(AuthenticationFailed, Transient):
            assert broker.snapshot("2025-09-18", self.venue.clock()).held(self.stock.native_id) == UNITS
        self.reopened()
        assert self.broker.snapshot("2025-09-18", self.venue.clock()).held(self.stock.native_id) == UNITS

    @needs(fault=Fault.CLOCK_SKEW)
    def test_c809_a_clock_that_is_off(self) -> None:
        """Minutes between the venue's clock and ours lose no order and no execution."""
        self.broker.prove_environment()
        self.venue.misbehave(Fault.CLOCK_SKEW, -1)
        self.send()
        assert self.found().state is OrderState.FILLED
        assert self.broker.snapshot("2025-09-18", self.venue.clock()).held(self.stock.native_id) == UNITS

    @needs(ability=Ability.REQUEST_LOG)
    @over("read_fault", (Fault.SERVER_ERROR, Fault.TOO_MANY_REQUESTS, Fault.DROP_CONNECTION, Fault.MALFORMED_BODY))
    def test_c810_no_endless_retries(self, read_fault: Fault) -> None:
        """A venue that stays broken is asked a few times at most before it is said."""
        self.bought()  # an account in process asks nobody while it holds nothing
        before = len(self.venue.requests())
        with self.misbehaving(read_fault, -1) as broker, pytest.raises(Transient):
            broker.snapshot("2025-09-18", self.venue.clock())
        assert len(self.venue.requests()) - before <= 10
