"""The venue's order desk: Alpaca's orders over the engine's.

It knows what only Alpaca has: orders that wait for a price, an auction or their entry, groups of which one cancels the other, and
replacements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.domain.order import Fill, OrderState, OrderType, Side, TimeInForce
from include.sandbox.alpaca.desk_order import DeskOrder
from include.sandbox.alpaca.triggers import STOPS, is_hit, routed_as, trailed
from include.sandbox.book import VenueBook
from include.sandbox.faults import Fault
from include.simulation.engine import SimRequest

AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
ZERO = Decimal(0)


@dataclass(frozen=True)
class Event:
    """What happened to an order, as `trade_updates` tells it.

    Attributes:
        name: `new`, `fill`, `partial_fill`, `canceled`, `expired`, `replaced` or `rejected`.
        order: The order as it was then.
        position: Units held afterwards.
    """

    name: str
    order: DeskOrder
    at: datetime
    position: Decimal
    fill: Fill | None = None


class Refusal(Exception):
    """The engine does not take an order; the message is its code."""


class Desk:
    """All orders of one book. Callers hold the book's lock.

    Attributes:
        orders: Number -> order, every one that ever stood.
        events: Everything that happened since this process began, oldest first.
        tape: Native id -> marks that were seen since then.
    """

    def __init__(self, book: VenueBook) -> None:
        self.book = book
        rows = [DeskOrder.model_validate(row) for row in book.meta.get("orders", [])]
        self.orders: dict[int, DeskOrder] = {order.number: order for order in rows}
        self.events: list[Event] = []
        self.tape: dict[str, list[tuple[datetime, Decimal]]] = {}
        self._unsaved = False

    def tape_of(self, native_id: str) -> list[tuple[datetime, Decimal]]:
        """(time, price) of a contract's marks, as far as somebody was here to see them, oldest first."""
        seen, mark = self.tape.setdefault(native_id, []), self.book.engine.marks.get(native_id)
        if mark is not None and (not seen or seen[-1][0] < mark.time):
            seen.append((mark.time, mark.price))
        return seen

    def find(self, client_order_id: str) -> DeskOrder | None:
        """The order under a client order id."""
        return next((order for order in self.orders.values() if order.client_order_id == client_order_id), None)

    def open_orders(self) -> list[DeskOrder]:
        """Orders that can still fill, oldest first."""
        return [order for order in self.orders.values() if order.is_open]

    def legs(self, number: int) -> list[DeskOrder]:
        """Closing orders of an entry, those that were replaced left out."""
        return [order for order in self.orders.values() if order.parent == number and order.replaced_by is None]

    def submit(self, wanted: DeskOrder, legs: Sequence[DeskOrder] = ()) -> DeskOrder:
        """Take an order with its closing orders; gives it as it stood before anything filled.

        Raises:
            Refusal: The engine does not take it; nothing stands.
        """
        now = self.book.clock()
        if self.book.misbehaves(Fault.REJECT_ORDER):
            order = self._put(wanted.changed(now, status="rejected"))
            self._tell("rejected", order, now)
            return order
        partly = self.book.misbehaves(Fault.PARTIAL_THEN_CANCEL)
        order = wanted
        if not wanted.release_at and wanted.order_type in (OrderType.MARKET, OrderType.LIMIT):
            order = self._fill_half(wanted, now) if partly else self._route(wanted, now)
        self._put(order)
        for leg in legs:
            self._put(leg)
        self._tell("new", wanted, now)
        self.advance()
        return wanted

    def cancel(self, number: int) -> None:
        """Cancel what is left of an open order, and of its group."""
        now, order = self.book.clock(), self.orders[number]
        late = self.book.misbehaves(Fault.FILL_AFTER_CANCEL)
        self._end(order, "canceled", now)
        if late:
            self._put(self.orders[number].model_copy(update={"told_late": 1}))
        self.advance()

    def replace(self, number: int, changes: Mapping[str, Any]) -> DeskOrder:
        """Put another order in the place of an open one.

        Raises:
            Refusal: The engine does not take it; the old one stands as before.
        """
        now, old = self.book.clock(), self.orders[number]
        fresh = old.changed(
            now, **changes, number=self.next_number(), replaces=number, created_at=now, fills=(), engine_id=None, status="new"
        )
        if old.engine_id is not None:
            self.book.engine.cancel(old.engine_id, now)
            try:
                fresh = self._route(fresh, now)
            except Refusal:
                self._put(self._route(old.model_copy(update={"quantity": old.remaining}), now))
                raise
        self._put(fresh)
        self._put(old.changed(now, status="replaced", replaced_by=fresh.number))
        for leg in self.legs(number):
            self._put(leg.model_copy(update={"parent": fresh.number}))
        self._tell("replaced", self.orders[number], now)
        self._tell("new", fresh, now)
        self.advance()
        return fresh

    def next_number(self) -> int:
        """The number of the next order."""
        return len(self.orders) + 1

    def advance(self) -> None:
        """Bring everything up to the book's time and marks, and save where something changed."""
        now = self.book.clock()
        self.book.engine.expire(now)
        while self._pull(now) | self._settle_groups(now) | self._watch(now):
            pass
        if self._unsaved:
            self.save()

    def save(self) -> None:
        """Write everything down."""
        self._unsaved = False
        self.book.meta["orders"] = [order.model_dump(mode="json") for order in self.orders.values()]
        self.book.save()

    def told(self, order: DeskOrder) -> None:
        """A client has seen the order; a cancelled one may turn out to have filled after that."""
        if order.told_late is None:
            return
        now = self.book.clock()
        left = order.model_copy(update={"told_late": None, "limit_price": None, "order_type": OrderType.MARKET})
        routed = self._route(left, now)
        self._put(order.model_copy(update={"told_late": None, "engine_id": routed.engine_id, "status": "partially_filled"}))
        self.advance()

    def _put(self, order: DeskOrder) -> DeskOrder:
        if self.orders.get(order.number) != order:
            self.orders[order.number] = order
            self._unsaved = True
        return order

    def _tell(self, name: str, order: DeskOrder, now: datetime, fill: Fill | None = None) -> None:
        held = self.book.engine.positions.get(order.native_id)
        self.events.append(Event(name, order, now, held.quantity if held else ZERO, fill))

    def _route(self, order: DeskOrder, now: datetime) -> DeskOrder:
        """The order with what the engine makes of it."""
        order_type, limit = routed_as(order)
        request = SimRequest(
            client_order_id=order.client_order_id,
            native_id=order.native_id,
            symbol=order.symbol,
            currency=order.currency,
            side=order.side,
            order_type=order_type,
            time_in_force=TimeInForce.IOC if order.time_in_force in AUCTIONS else order.time_in_force,
            quantity=order.remaining,
            limit_price=limit,
            expires_at=order.expires_at,
        )
        taken = self.book.engine.submit(request, now)
        if taken.state is OrderState.REJECTED:
            raise Refusal(taken.reject_code)
        return order.model_copy(update={"engine_id": taken.order_id})

    def _fill_half(self, order: DeskOrder, now: datetime) -> DeskOrder:
        """Route an order into a market that holds half of it, and cancel the rest (a fault)."""
        engine, mark = self.book.engine, self.book.engine.marks.get(order.native_id)
        if mark is not None:
            engine.marks[order.native_id] = mark.model_copy(update={"volume": order.quantity / 2})
        try:
            routed = self._route(order, now)
        finally:
            if mark is not None:
                engine.marks[order.native_id] = mark
        assert routed.engine_id is not None
        engine.cancel(routed.engine_id, now)
        return routed

    def _pull(self, now: datetime) -> bool:
        """Take over what the engine did; True where something changed."""
        before = len(self.events)
        for number, engine_id in [(order.number, order.engine_id) for order in self.open_orders() if order.engine_id]:
            taken = self.book.engine.orders[engine_id]
            known = {fill.fill_id for fill in self.orders[number].fills}
            for fill in taken.fills:
                if fill.fill_id not in known:
                    self._take_fill(self.orders[number], fill, now)
            if self.orders[number].is_open and taken.state in (OrderState.CANCELLED, OrderState.EXPIRED):
                self._end(self.orders[number], "canceled" if taken.state is OrderState.CANCELLED else "expired", now)
        return len(self.events) > before

    def _take_fill(self, order: DeskOrder, fill: Fill, now: datetime) -> None:
        done = order.remaining <= fill.quantity
        status = "filled" if done else "partially_filled"
        order = self._put(order.changed(now, fills=(*order.fills, fill), status=status))
        self._tell("fill" if done else "partial_fill", order, now, fill)

    def _end(self, order: DeskOrder, status: str, now: datetime) -> None:
        if order.engine_id is not None:
            self.book.engine.cancel(order.engine_id, now)
        self._tell(status, self._put(order.changed(now, status=status)), now)

    def _settle_groups(self, now: datetime) -> bool:
        """Closing orders begin when their entry has filled, end when it ends, and end each other."""
        changed = False
        for leg in [order for order in self.open_orders() if order.parent is not None]:
            assert leg.parent is not None
            entry = self.orders[leg.parent]
            others = [other for other in self.legs(leg.parent) if other.number != leg.number]
            if not entry.is_open and entry.status != "filled":
                self._end(leg, "canceled", now)
            elif any(not other.is_open for other in others) and not (leg.order_type in STOPS and leg.engine_id):
                self._end(leg, "canceled", now)  # a stop that was hit has ended the other itself, and goes on
            elif leg.status == "held" and entry.status == "filled":
                self._begin(leg, now)
            elif (
                leg.engine_id is None and (left := entry.quantity - sum((o.filled_quantity for o in others), ZERO)) < leg.quantity
            ):
                self._put(leg.changed(now, quantity=left))
            else:
                continue
            changed = True
        return changed

    def _begin(self, leg: DeskOrder, now: datetime) -> None:
        leg = leg.changed(now, status="new")
        if leg.order_type is OrderType.LIMIT:
            try:
                leg = self._route(leg, now)
            except Refusal:
                leg = leg.changed(now, status="rejected")
        self._tell(leg.status, self._put(leg), now)

    def _watch(self, now: datetime) -> bool:
        """Send what was waiting and is due now."""
        changed = False
        for waiting in [order for order in self.open_orders() if order.waits]:
            quote = self.book.engine.quote(waiting.native_id)
            order = self._put(trailed(waiting, quote)) if quote else waiting
            due = order.release_at <= now if order.release_at else quote is not None and is_hit(order, quote)
            if due:
                self._send(order, now)
            elif order.expires_at is not None and order.expires_at <= now:
                self._end(order, "expired", now)
            else:
                continue
            changed = True
        return changed

    def _send(self, order: DeskOrder, now: datetime) -> None:
        for other in self.legs(order.parent) if order.parent is not None else ():
            if other.number != order.number and other.is_open:
                self._end(other, "canceled", now)  # it holds the position that this one sells
        try:
            self._put(self._route(order, now))
        except Refusal:
            self._tell("rejected", self._put(order.changed(now, status="rejected")), now)


def reserved_cash(desk: Desk, but: int | None = None) -> Decimal:
    """What open purchases have set aside.

    Args:
        but: Number of an order that does not count: it is about to be replaced.
    """
    total = ZERO
    for order in desk.open_orders():
        price = price_for(desk.book, order)
        if order.side is Side.BUY and order.status != "held" and order.number != but and price is not None:
            total += order.remaining * price
    return total


def held_for_orders(desk: Desk, native_id: str, but: int | None = None) -> Decimal:
    """What open sales have set aside of one holding; of closing orders that cancel each other the largest counts."""
    groups: dict[int, Decimal] = {}
    for order in desk.open_orders():
        if order.native_id == native_id and order.side is Side.SELL and order.status != "held" and order.number != but:
            group = order.parent or order.number
            groups[group] = max(groups.get(group, ZERO), order.remaining)
    return sum(groups.values(), ZERO)


def price_for(book: VenueBook, order: DeskOrder) -> Decimal | None:
    """The price an order is reckoned with: its limit, else its stop, else the market's far side; None without a quote."""
    quote = book.engine.quote(order.native_id)
    far = (quote.ask if order.side is Side.BUY else quote.bid) if quote else None
    return order.limit_price or order.stop_price or far
