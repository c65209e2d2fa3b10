"""A broker in memory that behaves: it keeps an order book, fills, refuses, loses answers, and can be told to be away.

`FakeVenue` is the broker's side and survives a crash of the caller; `FakeBroker` is one connection to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import pyarrow as pa

from include.brokers.base import Broker, BrokerContext, Capabilities, ResendClass
from include.domain.account import Account, AccountSnapshot, Environment, Position
from include.domain.contract import Contract, to_table
from include.domain.instrument import Instrument
from include.domain.order import Fill, Order, OrderReport, OrderState
from include.domain.quote import Quote
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    DuplicateOrder,
    InsufficientFunds,
    OrderRejected,
    OutcomeUnknown,
    PolybrokerError,
)

VENUE_TIME = datetime(2026, 1, 6, 15, 0, tzinfo=UTC)


class Crash(BaseException):
    """The caller's process dies; nothing catches it but the test."""


class Fault(StrEnum):
    """What the venue does with the next order."""

    REJECT = "reject"
    NO_FUNDS = "no_funds"
    NOT_ARRIVED = "not_arrived"  # proven: Transient
    LOST_REQUEST = "lost_request"  # OutcomeUnknown, and it never arrived
    LOST_ANSWER = "lost_answer"  # OutcomeUnknown, and it stands
    CRASH_BEFORE = "crash_before"
    CRASH_AFTER = "crash_after"


@dataclass
class Standing:
    """One order in the venue's book."""

    order: Order
    number: int
    state: OrderState = OrderState.ACCEPTED
    fills: list[Fill] = field(default_factory=list)

    def report(self) -> OrderReport:
        filled = sum((fill.quantity for fill in self.fills), Decimal(0))
        value = sum((fill.quantity * fill.price for fill in self.fills), Decimal(0))
        return OrderReport(
            client_order_id=self.order.client_order_id,
            broker_order_id=f"V{self.number}",
            native_id=self.order.contract.native_id,
            side=self.order.side,
            quantity=self.order.quantity,
            state=self.state,
            filled_quantity=filled,
            average_price=value / filled if filled else None,
            fills=tuple(self.fills),
            updated_at=VENUE_TIME,
        )


class FakeVenue:
    """The broker's side.

    Attributes:
        book: Every order that ever arrived, in order of arrival.
        faults: What to do with the next orders, first first; empty: behave.
        fill_share: Share of an order filled at once (0: it rests, 1: it fills).
        away: True while nobody answers.
        away_for_lookups: Number of `find_order` calls that fail before one works again.
        lookup_error: What every `find_order` raises, or None.
        forgets: True when the venue has forgotten orders that are over or gone (they still count in positions).
        unproven: True when the environment cannot be proven.
        clock_skew: How far its clock is ahead; None: it does not tell its time.
        prices: Native id to price; a contract without one has no quote.
    """

    def __init__(self, resend: ResendClass = ResendClass.DUPLICATE_REFUSED, fill_share: Decimal = Decimal(1)) -> None:
        self.resend = resend
        self.fill_share = fill_share
        self.book: list[Standing] = []
        self.faults: list[Fault] = []
        self.away = False
        self.away_for_lookups = 0
        self.lookup_error: PolybrokerError | None = None
        self.forgets = False
        self.unproven = False
        self.prices: dict[str, Decimal] = {}
        self.opening: dict[str, Decimal] = {}
        self.submits = 0
        self.clock_skew: timedelta | None = None

    def arrive(self, order: Order) -> OrderReport:
        """An order arrives: accepted and filled by `fill_share`, or refused as a duplicate."""
        same = [standing for standing in self.book if standing.order.client_order_id == order.client_order_id]
        if same and self.resend is ResendClass.REPLAY_RETURNS_ORIGINAL:
            return same[0].report()
        if same and self.resend is ResendClass.DUPLICATE_REFUSED:
            raise DuplicateOrder(f"client order id {order.client_order_id} is known")
        if self.resend is ResendClass.UNIQUE_AMONG_OPEN and any(not standing.state.is_final for standing in same):
            raise DuplicateOrder(f"client order id {order.client_order_id} is open")
        standing = Standing(order, len(self.book) + 1)
        self.book.append(standing)
        self.fill(standing, order.quantity * self.fill_share)
        return standing.report()

    def lose(self, order: Order) -> None:
        """A request is lost on its way; a venue that gets it late after all keeps it here."""

    def fill(self, standing: Standing, quantity: Decimal) -> None:
        """Execute a part of an order at its quote price; 0 does nothing."""
        if quantity > 0:
            number = len(standing.fills) + 1
            fill = Fill(
                fill_id=f"V{standing.number}.{number}",
                quantity=quantity,
                price=standing.order.quote_price,
                time=VENUE_TIME,
                commission=Decimal("0.35"),
                commission_currency=standing.order.contract.currency,
            )
            standing.fills.append(fill)
        done = sum((fill.quantity for fill in standing.fills), Decimal(0))
        if done >= standing.order.quantity:
            standing.state = OrderState.FILLED
        elif done:
            standing.state = OrderState.PARTIALLY_FILLED

    def positions(self) -> dict[str, Decimal]:
        """Native id to signed quantity, out of opening positions and every execution."""
        held = dict(self.opening)
        for standing in self.book:
            key = standing.order.contract.native_id
            for fill in standing.fills:
                held[key] = held.get(key, Decimal(0)) + standing.order.side.sign * fill.quantity
        return {key: quantity for key, quantity in held.items() if quantity}

    def standing(self, client_order_id: str) -> list[Standing]:
        """Every order that arrived under an id: more than one is the accident this project must never have."""
        return [standing for standing in self.book if standing.order.client_order_id == client_order_id]


class FakeBroker(Broker):
    """One connection to a `FakeVenue`."""

    name = "fake"

    def __init__(self, venue: FakeVenue, account: Account, contracts: Sequence[Contract] = ()) -> None:
        super().__init__(account, BrokerContext())
        self.venue = venue
        self.listed = list(contracts)
        self.capabilities = Capabilities(
            lists_all=True,
            knows_isin=True,
            resend=venue.resend,
            order_types=frozenset({"limit", "market"}),
            times_in_force=frozenset({"day"}),
            asset_classes=frozenset({"stock"}),
        )

    def connect(self) -> None:
        self._reach()

    def close(self) -> None:
        pass

    def prove_environment(self) -> None:
        self._reach()
        if self.venue.unproven or self.account.environment is Environment.LIVE:
            raise AuthenticationFailed(f"{self.account.account_id}: {self.account.environment.value} is claimed without proof")

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        self._reach()
        yield from to_table(self.listed).to_batches()

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        self._reach()
        positions = tuple(
            Position(native_id=key, symbol=f"S{key}", currency="USD", quantity=quantity, market_price=self.venue.prices.get(key))
            for key, quantity in sorted(self.venue.positions().items())
        )
        return AccountSnapshot(
            account_id=self.account.account_id,
            broker=self.account.broker,
            environment=self.account.environment,
            currency="USD",
            equity=Decimal(100_000),
            settled_cash={"USD": Decimal(100_000)},
            positions=positions,
            open_orders=tuple(s.report() for s in self.venue.book if not s.state.is_final),
            taken_at=taken_at,
            session=session,
        )

    def clock_skew(self) -> timedelta | None:
        return self.venue.clock_skew

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        self._reach()
        known = {c.native_id: c for c in contracts if c.native_id in self.venue.prices}
        return {
            key: Quote(native_id=key, currency=contract.currency, last=self.venue.prices[key], time=VENUE_TIME)
            for key, contract in known.items()
        }

    def submit(self, order: Order) -> OrderReport:
        self._reach()
        self.venue.submits += 1
        fault = self.venue.faults.pop(0) if self.venue.faults else None
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if fault is Fault.REJECT:
            raise OrderRejected("price outside of the band")
        if fault is Fault.NO_FUNDS:
            raise InsufficientFunds("not enough settled cash")
        if fault is Fault.NOT_ARRIVED:
            raise BrokerUnavailable("connection refused")
        if fault is Fault.LOST_REQUEST:
            self.venue.lose(order)
            raise OutcomeUnknown("timed out")
        report = self.venue.arrive(order)
        if fault is Fault.LOST_ANSWER:
            raise OutcomeUnknown("timed out")
        if fault is Fault.CRASH_AFTER:
            raise Crash
        return report

    def find_order(self, client_order_id: str) -> OrderReport | None:
        self._reach()
        if self.venue.away_for_lookups:
            self.venue.away_for_lookups -= 1
            raise BrokerUnavailable("timed out")
        if self.venue.lookup_error:
            raise self.venue.lookup_error
        found = self.venue.standing(client_order_id)
        return None if not found or self.venue.forgets else found[0].report()

    def cancel(self, client_order_id: str) -> OrderReport:
        self._reach()
        found = self.venue.standing(client_order_id)
        if not found:
            raise OrderRejected(f"no order {client_order_id}")
        if not found[0].state.is_final:
            found[0].state = OrderState.CANCELLED
        return found[0].report()

    def _reach(self) -> None:
        if self.venue.away:
            raise BrokerUnavailable("connection refused")
