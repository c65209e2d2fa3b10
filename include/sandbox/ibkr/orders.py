"""The order desk of the local TWS: client and order numbers, families, what the clients are told. The engine does the rest."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_DOWN

from pydantic import ValidationError

from include.domain.model import Value
from include.domain.order import OrderState, TimeInForce
from include.errors import InputError, OrderRejected
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.faults import Fault
from include.sandbox.ibkr import currencies
from include.sandbox.ibkr.admission import Admission, change
from include.sandbox.ibkr.contracts import ContractQuery, Directory
from include.sandbox.ibkr.news import Event, Message, News
from include.sandbox.ibkr.order_messages import Placed, completed_order, executions, open_order, order_status
from include.sandbox.ibkr.tickets import MAX_ORDER_ID, Refusal, Ticket, read_ticket
from include.sandbox.sessions import Closings
from include.simulation.engine import Rules, SimOrder, SimRequest

RULES = Rules(open_by_clock=True)  # a sandbox's marks stand still over an opening


class Kept(Value):
    """What the desk keeps of an order beside the engine.

    Attributes:
        ticket: As it was written, or last changed.
        opens_at: The opening it waits for; None: for none.
    """

    ticket: Ticket
    opens_at: datetime | None = None


class OrderDesk:
    """The orders of one venue; every method is called under the book's lock. An order's number is the engine's.

    Args:
        closings: When markets open and close.

    Raises:
        InputError: The saved orders are none.
    """

    def __init__(self, book: VenueBook, directory: Directory, closings: Closings) -> None:
        self._book = book
        self._engine = book.engine
        self._directory = directory
        self._admission = Admission(book, closings)
        self._news = News(self._placed, self._listing)
        try:
            self._kept = {number: Kept.model_validate(saved) for number, saved in book.extra.items()}
            self._latest = {each.ticket.key: number for number, each in self._kept.items() if number in self._engine.orders}
        except ValidationError as error:
            raise InputError(
                "expected orders as this version saves them; remove the file to start afresh", source=book.state_path
            ) from error
        self._waiting = {number for number, each in self._kept.items() if each.opens_at is not None}
        self._engine.rules = RULES
        self._engine.listen = self._hear

    @property
    def events(self) -> list[Event]:
        """Everything told so far, oldest first; connections read on from where they stopped."""
        return self._news.events

    def next_id(self, client_id: int) -> int:
        """The lowest order id a client may use: higher than any it used before, also before a restart."""
        return int(self._book.meta.get("next_ids", {}).get(str(client_id), 1))

    def place(self, client_id: int, fields: Sequence[str]) -> int:
        """Take message 3 (split into fields), a new order or the change of a standing one; gives the order's number.

        Raises:
            Refusal: Nothing was taken, nothing changed.
        """
        api_id = int(fields[1])
        if api_id > MAX_ORDER_ID:
            raise Refusal(320, f"Error reading request. Unable to parse data: '{api_id}'")
        self.tick()
        standing = self._of_client(client_id, api_id)
        if standing is None and api_id < self.next_id(client_id):
            raise Refusal(103, "Duplicate order id")
        found = self._directory.find(ContractQuery.read(fields[2:14], (fields[14], fields[15])))
        if len(found) != 1:
            raise Refusal(200, "No security definition has been found for the request" if not found else "Ambiguous contract")
        ticket = read_ticket(client_id, fields, found[0], self._book.account_code)
        if self._book.misbehaves(Fault.REJECT_ORDER):
            raise Refusal(201, "Order rejected - reason:rejected on demand")
        if standing is not None:
            number = self._change(standing, ticket)
        else:
            number = self._take(ticket, found[0])
            self._book.meta.setdefault("next_ids", {})[str(client_id)] = api_id + 1
        self._transmit(ticket)
        self.tick()
        self._book.save()
        return number

    def cancel(self, client_id: int, api_id: int) -> None:
        """Cancel a client's own order.

        Raises:
            Refusal: It has no such order, or one that is final.
        """
        self.tick()
        number = self._latest.get((client_id, api_id))
        if number is None:
            raise Refusal(10147, f"OrderId {api_id} that needs to be cancelled is not found.")
        if not self._engine.orders[number].is_open:
            status = self._placed(number).status
            raise Refusal(10148, f"OrderId {api_id} that needs to be cancelled can not be cancelled, state: {status}.")
        self._cancel(number)
        self.tick()
        self._book.save()

    def cancel_all(self) -> None:
        """Cancel every open order of the account, whoever sent it."""
        self.tick()
        for order in self._engine.open_orders():
            if self._engine.orders[order.order_id].is_open:
                self._cancel(order.order_id)
        self.tick()
        self._book.save()

    def open_orders(self, client_id: int | None) -> list[Message]:
        """Open orders with their states: of one client, or of all (None)."""
        self.tick()
        placed = [self._placed(order.order_id) for order in self._engine.open_orders()]
        return [
            message(each, self._listing(each.ticket))
            for each in placed
            if client_id in (None, each.ticket.client_id) and each.ticket.transmit
            for message in (open_order, order_status)
        ]

    def completed_orders(self) -> list[Message]:
        """Every order that is final."""
        self.tick()
        ended = [self._placed(number) for number, order in self._engine.orders.items() if not order.is_open]
        return [completed_order(each, self._listing(each.ticket)) for each in ended]

    def executions(self, request_id: str, client_id: int, account: str) -> list[Message]:
        """Executions with their commissions, filtered by client (0: all) and account ("": all)."""
        self.tick()
        return [
            message
            for each in (self._placed(number) for number, order in self._engine.orders.items() if order.fills)
            if client_id in (0, each.ticket.client_id) and account in ("", each.account)
            for message in executions(each, self._listing(each.ticket), request_id)
        ]

    def tick(self) -> None:
        """Let happen what prices and the clock have made due since the last time, and tell it."""
        now = self._book.clock()
        self._engine.expire(now)
        for number in sorted(self._waiting):
            self._let_go(number, now)
        happened = self._news.tell()
        currencies.settle(self._book)
        if happened:
            self._book.save()

    def _take(self, ticket: Ticket, listing: Listing) -> int:
        now = self._book.clock()
        self._admission.check(listing)
        parent = self._of_client(ticket.client_id, ticket.parent_id) if ticket.parent_id else None
        if ticket.parent_id and parent is None:
            raise Refusal(10006, "Missing parent order")
        request = self._admission.request(ticket, listing, parent, now)
        rejection = self._admission.rejection(ticket, listing, now)
        too_late = rejection is None and self._admission.comes_too_late(ticket, listing, now)
        opens_at = None if rejection else self._admission.waits_until(ticket, listing, now)
        number = len(self._engine.orders) + 1
        self._keep(number, ticket, opens_at)
        self._latest[ticket.key] = number
        if rejection is not None or too_late or opens_at is not None:
            order = self._engine.submit(replace(request, transmit=False), now)
            if rejection is not None and order.is_open:
                self._engine.put(order.changed(now, state=OrderState.REJECTED, reject_code=rejection))
            elif too_late:
                self._engine.cancel(number, now)
        else:
            if not ticket.parent_id:  # what a closing order sells, its entry has bought
                currencies.lend(self._book, request)
            self._submit(request, now)
        return number

    def _submit(self, request: SimRequest, now: datetime) -> None:
        mark = self._engine.marks.get(request.native_id)
        cut = mark is not None and self._book.misbehaves(Fault.PARTIAL_THEN_CANCEL)
        if mark is None or not cut:
            self._engine.submit(request, now)
            return
        lot = self._book.by_native_id[request.native_id].lot_size
        half = max((request.quantity / 2 / lot).to_integral_value(ROUND_DOWN) * lot, lot)
        self._engine.marks[request.native_id] = mark.model_copy(update={"volume": half})
        order = self._engine.submit(request, now)
        self._engine.cancel(order.order_id, now)
        self._engine.marks[request.native_id] = mark

    def _change(self, number: int, ticket: Ticket) -> int:
        kept, now = self._kept[number], self._book.clock()
        before, wanted = self._engine.orders[number], change(kept.ticket, ticket)
        self._news.note(number, before if kept.ticket.transmit else None, None)
        if wanted is not None:
            if ticket.kind == "TRAIL":  # an amount may become a percentage
                self._engine.put(before.changed(now, trail_amount=ticket.trail_amount, trail_pct=ticket.trail_pct))
            try:
                order = self._engine.modify(number, wanted, now)
            except OrderRejected as error:
                self._engine.put(before)
                self._news.forget(number)
                raise Refusal(201, f"Order rejected - reason:{error}") from error
            if wanted.time_in_force is TimeInForce.DAY and order.is_open:
                request = self._admission.request(ticket, self._listing(ticket), None, now)
                self._engine.watch(self._engine.put(order.changed(now, expires_at=request.expires_at or order.expires_at)))
        transmit = kept.ticket.transmit or ticket.transmit
        self._keep(number, ticket.model_copy(update={"transmit": transmit}), kept.opens_at)
        self._let_go(number, now)
        return number

    def _transmit(self, ticket: Ticket) -> None:
        """What is transmitted takes its family along."""
        if not ticket.transmit or not ticket.parent_id:
            return
        for order in self._engine.open_orders():
            number = order.order_id
            other = self._kept[number].ticket
            family = ticket.parent_id in (other.api_id, other.parent_id)
            if family and not other.transmit and other.client_id == ticket.client_id:
                self._news.note(number, None, None)
                self._keep(number, other.model_copy(update={"transmit": True}), self._kept[number].opens_at)
                self._let_go(number, self._book.clock())

    def _let_go(self, number: int, now: datetime) -> None:
        """To the market with an order, where nothing keeps it back any more."""
        kept = self._kept[number]
        if kept.ticket.transmit and (kept.opens_at is None or kept.opens_at <= now):
            self._keep(number, kept.ticket)
            self._engine.release(number, now)

    def _cancel(self, number: int) -> None:
        now = self._book.clock()
        fills_later = self._book.misbehaves(Fault.FILL_AFTER_CANCEL)
        waiting = self._engine.orders[number]
        self._engine.cancel(number, now)
        if fills_later and waiting.limit_price is not None:  # the market got there first
            self._news.tell()
            price = waiting.limit_price
            self._engine.put(waiting)
            self._engine.set_mark(waiting.native_id, waiting.currency, price, now, bid=price, ask=price)

    def _keep(self, number: int, ticket: Ticket, opens_at: datetime | None = None) -> None:
        kept = self._kept[number] = Kept(ticket=ticket, opens_at=opens_at)
        self._book.extra[number] = kept.model_dump(mode="json")
        (self._waiting.discard if opens_at is None else self._waiting.add)(number)

    def _hear(self, before: SimOrder | None, order: SimOrder) -> None:
        kept = self._kept.get(order.order_id)
        self._news.note(order.order_id, before, kept.ticket if kept is not None else None)

    def _of_client(self, client_id: int, api_id: int) -> int | None:
        """The number of a client's open order under its own id."""
        number = self._latest.get((client_id, api_id))
        return number if number is not None and self._engine.orders[number].is_open else None

    def _placed(self, number: int) -> Placed:
        kept = self._kept[number]
        warning = self._admission.warning(kept.ticket, self._listing(kept.ticket), kept.opens_at) if kept.opens_at else ""
        return Placed(kept.ticket, self._engine.orders[number], self._book.account_code, warning)

    def _listing(self, ticket: Ticket) -> Listing:
        """The listing of an order; one that left the catalogue is shown with what the order knows."""
        known = self._book.by_native_id.get(ticket.native_id)
        return known or Listing(venue="ibkr", native_id=ticket.native_id, symbol=ticket.symbol, currency=ticket.currency)
