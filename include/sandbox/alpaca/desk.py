"""The venue's order desk: Alpaca's orders over the engine's, which matches every one of them from its submission on.

It knows what only Alpaca has: its numbers and words, replacements, the events of the stream, and faults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace as with_fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.domain.order import Fill, OrderChange, OrderState, OrderType
from include.errors import OrderRejected
from include.sandbox.alpaca.desk_order import DeskOrder, Event
from include.sandbox.alpaca.routing import request_of, status_of
from include.sandbox.book import VenueBook
from include.sandbox.faults import Fault
from include.simulation.engine import Rules, SimOrder, SimRequest
from include.simulation.orders import ChildStart

RULES = Rules(children_start=ChildStart.WHOLE, cancel_ends_group=True, open_by_clock=True)
_ENGINE_NAMES = {"trail_price": "trail_amount", "trail_percent": "trail_pct"}


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
        self._numbers: dict[int, int] = {}  # engine's order -> the number it has here by now
        self._placing: DeskOrder | None = None
        self._unsaved = False
        book.engine.rules = RULES
        book.engine.listen = self._heard
        self._catch_up()

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
        if partly and wanted.order_type in (OrderType.MARKET, OrderType.LIMIT) and not wanted.release_at:
            self._fill_half(wanted, now)
        elif (taken := self._place(wanted, self._request(wanted), now)).state is OrderState.REJECTED:
            raise Refusal(taken.reject_code)
        for leg in legs:
            code = self._place(leg, self._request(leg), now).reject_code
            if leg.number not in self.orders:  # the entry may be over already
                self._put(leg.changed(now, status="canceled" if code == "parent_over" else "rejected"))
        self.advance()
        return wanted

    def cancel(self, number: int) -> None:
        """Cancel what is left of an open order, and of its group."""
        late = self.book.misbehaves(Fault.FILL_AFTER_CANCEL)
        engine_id = self.orders[number].engine_id
        assert engine_id is not None
        self.book.engine.cancel(engine_id, self.book.clock())
        if late:
            self._put(self.orders[number].model_copy(update={"told_late": 1}))
        self.advance()

    def replace(self, number: int, changes: Mapping[str, Any]) -> DeskOrder:
        """Put another order in the place of an open one; what that has filled stays with it.

        Raises:
            Refusal: The engine does not take it; the old one stands as before.
        """
        now, old = self.book.clock(), self.orders[number]
        assert old.engine_id is not None
        values = {"quantity": old.remaining, **changes, "number": self.next_number(), "replaces": number, "created_at": now}
        fresh = old.changed(now, **values, fills=(), earlier_fills=old.earlier_fills + len(old.fills), status="new")
        filled = self.book.engine.orders[old.engine_id].filled_quantity
        told = {_ENGINE_NAMES.get(name, name): value for name, value in changes.items()}
        told |= {"quantity": filled + fresh.quantity, "limit_price": self._request(fresh).limit_price}
        change = OrderChange(**{name: value for name, value in told.items() if name in OrderChange.model_fields})
        self._placing = fresh
        try:
            self.book.engine.modify(old.engine_id, change, now, expires_at=fresh.expires_at)
        except OrderRejected as error:
            raise Refusal(error.broker_code or str(error)) from error
        finally:
            self._placing = None
        for leg in self.legs(fresh.number):
            if leg.status == "held" and leg.engine_id is not None:
                self.book.engine.modify(leg.engine_id, OrderChange(quantity=fresh.quantity), now)
        self.advance()
        return fresh

    def next_number(self) -> int:
        """The number of the next order."""
        return len(self.orders) + 1

    def advance(self) -> None:
        """Let the book's time pass, and save where something changed."""
        self.book.engine.expire(self.book.clock())
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
        late = order.model_copy(update={"told_late": None, "status": "partially_filled", "earlier_fills": -len(order.fills)})
        request = with_fields(self._request(late), order_type=OrderType.MARKET, limit_price=None, parent_id=None, group=None)
        self._place(late, request, self.book.clock())
        self.advance()

    def _put(self, order: DeskOrder) -> DeskOrder:
        if self.orders.get(order.number) != order:
            self.orders[order.number] = order
            self._unsaved = True
        return order

    def _tell(self, name: str, order: DeskOrder, now: datetime, fill: Fill | None = None) -> None:
        held = self.book.engine.positions.get(order.native_id)
        self.events.append(Event(name, order, now, held.quantity if held else Decimal(0), fill))

    # --- to the engine and back -------------------------------------------------------------------------------------------

    def _place(self, order: DeskOrder, request: SimRequest, now: datetime) -> SimOrder:
        self._placing = order
        try:
            return self.book.engine.submit(request, now)
        finally:
            self._placing = None

    def _request(self, order: DeskOrder) -> SimRequest:
        return request_of(order, None if order.parent is None else self.orders[order.parent].engine_id)

    def _fill_half(self, order: DeskOrder, now: datetime) -> None:
        """Place an order in a market that holds half of it, and cancel the rest (a fault)."""
        engine, mark = self.book.engine, self.book.engine.marks.get(order.native_id)
        if mark is not None:
            engine.marks[order.native_id] = mark.model_copy(update={"volume": order.quantity / 2})
        try:
            taken = self._place(order, self._request(order), now)
        finally:
            if mark is not None:
                engine.marks[order.native_id] = mark
        if taken.state is OrderState.REJECTED:
            raise Refusal(taken.reject_code)
        engine.cancel(taken.order_id, now)

    def _heard(self, before: SimOrder | None, taken: SimOrder) -> None:
        """The engine put an order down: one that is being placed, or one that stands here."""
        placing = self._placing
        if placing is not None and taken.is_open and (before is None or taken.order_id == placing.engine_id):
            self._placing = None
            self._tie(placing, taken)
        if taken.order_id in self._numbers:
            self._follow(self.orders[self._numbers[taken.order_id]], taken)

    def _tie(self, order: DeskOrder, taken: SimOrder) -> None:
        """Know an order as the engine's; one that replaces another takes its place."""
        now = taken.updated_at
        self._numbers[taken.order_id] = order.number
        if order.replaces is not None and order.number not in self.orders:
            old = self._put(self.orders[order.replaces].changed(now, status="replaced", replaced_by=order.number))
            for leg in self.legs(old.number):
                self._put(leg.model_copy(update={"parent": order.number}))
            self._tell("replaced", old, now)
        order = self._put(order.model_copy(update={"engine_id": taken.order_id}))
        if order.status == "new":
            self._tell("new", order, now)

    def _follow(self, order: DeskOrder, taken: SimOrder) -> None:
        """Take over what the engine did to an order; nothing where it has been taken over before."""
        now = taken.updated_at
        for fill in taken.fills[order.earlier_fills + len(order.fills) :]:
            done = order.remaining <= fill.quantity
            status = "filled" if done else "partially_filled"
            order = self._put(order.changed(now, fills=(*order.fills, fill), status=status))
            self._tell("fill" if done else "partial_fill", order, now, fill)
        if not order.is_open:
            return
        if order.order_type is OrderType.TRAILING_STOP:
            order = self._put(order.model_copy(update={"stop_price": taken.stop_price, "hwm": taken.best_price}))
        if taken.is_open and order.remaining != taken.remaining:
            order = self._put(order.changed(now, quantity=order.filled_quantity + taken.remaining))
        if (status := status_of(order, taken)) != order.status:
            self._tell(status, self._put(order.changed(now, status=status)), now)

    def _catch_up(self) -> None:
        """Go on with what was saved: the engine may have been saved later than this desk."""
        for order in list(self.orders.values()):
            if order.engine_id is not None and order.status != "replaced":
                self._numbers[order.engine_id] = order.number
                self._follow(order, self.book.engine.orders[order.engine_id])
        if any(order.engine_id is None for order in self.open_orders()):
            self._adopt()

    def _adopt(self) -> None:
        """Give the engine what an earlier version of this desk kept back itself: stops, auctions, closing orders as a group."""
        now = self.book.clock()
        for order in [order for order in self.open_orders() if order.engine_id is None or order.parent is not None]:
            if order.engine_id is not None:
                del self._numbers[order.engine_id]
                self.book.engine.cancel(order.engine_id, now)
            kept = order.model_copy(update={"engine_id": None, "earlier_fills": -len(order.fills)})
            if self._place(kept, self._request(kept), now).state is OrderState.REJECTED:
                self._put(kept.changed(now, status="rejected"))
