"""The order desk of the local TWS: what is refused, what waits, what the engine fills, what the clients are told of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from pydantic import ValidationError

from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.errors import InputError
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.faults import Fault
from include.sandbox.ibkr import currencies, waiting
from include.sandbox.ibkr.contracts import ContractQuery, Directory
from include.sandbox.ibkr.order_messages import VenueOrder, completed_order, executions, open_order, order_status
from include.sandbox.ibkr.tickets import AT_ONCE, LIMITED, MAX_ORDER_ID, REDUCE, Refusal, Ticket, read_ticket
from include.sandbox.ibkr.wire import Field
from include.sandbox.sessions import Closings
from include.simulation.engine import SimRequest

__all__ = ["Event", "Message", "OrderDesk", "Refusal", "error"]

Message = Sequence[Field]
ZERO = Decimal(0)
REASONS = {
    "not_tradable": "this contract is not open for trading",
    "no_quote": "no market data for this contract",
    "no_rate": "no exchange rate for this currency",
    "insufficient_funds": "insufficient settled cash for this order",
    "no_short": "short selling is not allowed in a cash account",
}


@dataclass(frozen=True)
class Event:
    """What the client of an order is told of it, when it happens."""

    client_id: int
    number: int
    messages: tuple[Message, ...]


class OrderDesk:
    """The orders of one venue; every method is called under the book's lock.

    Args:
        closings: End DAY orders and tell when auctions are; where a market's are not known, an order stands for 24 hours.

    Attributes:
        events: Everything told so far, oldest first; connections read on from where they stopped.

    Raises:
        InputError: The saved orders are none.
    """

    def __init__(self, book: VenueBook, directory: Directory, closings: Closings) -> None:
        self._book = book
        self._directory = directory
        self._closings = closings
        self.events: list[Event] = []
        try:
            self._orders = {number: VenueOrder.model_validate(saved) for number, saved in book.extra.items()}
        except ValidationError as error:
            raise InputError(
                "expected orders as this version saves them; remove the file to start afresh", source=book.state_path
            ) from error
        self._told = {number: len(order.fills) for number, order in self._orders.items()}
        self._open = {number: None for number, order in self._orders.items() if order.ended is None}

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
        for order in reversed(self._orders.values()):
            if (order.ticket.client_id, order.ticket.api_id) == (client_id, api_id):
                if order.ended is not None:
                    raise Refusal(
                        10148, f"OrderId {api_id} that needs to be cancelled can not be cancelled, state: {order.status}."
                    )
                self._cancel(order, "")
                self.tick()
                self._book.save()
                return
        raise Refusal(10147, f"OrderId {api_id} that needs to be cancelled is not found.")

    def cancel_all(self) -> None:
        """Cancel every open order of the account, whoever sent it."""
        self.tick()
        for number in list(self._open):
            if number in self._open:
                self._cancel(self._orders[number], "")
        self._book.save()

    def open_orders(self, client_id: int | None) -> list[Message]:
        """Open orders with their states: of one client, or of all (None)."""
        self.tick()
        return [
            message(order, self._listing(order))
            for order in (self._orders[number] for number in self._open)
            if client_id in (None, order.ticket.client_id) and order.ticket.transmit
            for message in (open_order, order_status)
        ]

    def completed_orders(self) -> list[Message]:
        """Every order that is final."""
        self.tick()
        return [completed_order(order, self._listing(order)) for order in self._orders.values() if order.ended is not None]

    def executions(self, request_id: str, client_id: int, account: str) -> list[Message]:
        """Executions with their commissions, filtered by client (0: all) and account ("": all)."""
        self.tick()
        return [
            message
            for order in self._orders.values()
            if client_id in (0, order.ticket.client_id) and account in ("", order.account)
            for message in executions(order, self._listing(order), request_id)
        ]

    def tick(self) -> None:
        """Let happen what prices and the clock have made due since the last time."""
        now = self._book.clock()
        self._book.engine.expire(now)
        happened, changed = False, True
        while changed:
            changed = False
            for number in list(self._open):
                before = self._orders[number]
                after = self._advanced(before, now)
                if after is not before:
                    self._put(after)
                    changed = happened = True
        currencies.settle(self._book)
        if happened:
            self._book.save()

    def _take(self, ticket: Ticket, listing: Listing) -> int:
        now = self._book.clock()
        parent = self._of_client(ticket.client_id, ticket.parent_id) if ticket.parent_id else None
        if ticket.parent_id and parent is None:
            raise Refusal(10006, "Missing parent order")
        auction = waiting.waits_for_auction(ticket)
        calendar = self._closings.opening_after if auction == "open" else self._closings.after
        auction_at = calendar(listing.exchange, now) if auction else None
        if auction and auction_at is None:
            raise Refusal(387, f"Unsupported order type for this exchange and security type.{ticket.kind}")
        order = VenueOrder(
            number=len(self._orders) + 1,
            ticket=self._sized(ticket, listing),
            account=self._book.account_code,
            auction_at=auction_at,
            expires_at=self._closings.after(listing.exchange, now) if ticket.time_in_force == "DAY" and not auction else None,
            updated_at=now,
        )
        short = self._is_short(order.ticket)
        if short:
            order = _over(order, OrderState.REJECTED, now, f"Order rejected - reason:{REASONS['no_short']}")
        self._orders[order.number] = order
        if order.ended is None:
            self._open[order.number] = None
            after = self._advanced(order, now)
            self._orders[order.number] = order  # nothing has been told of it yet
            self._put(after, new=True)
        else:
            self._put(order, new=True)
        return order.number

    def _is_short(self, ticket: Ticket) -> bool:
        """Whether a sale that is kept back could not be delivered; what goes to the engine is judged there."""
        kept = ticket.kind in waiting.STOPS or bool(waiting.waits_for_auction(ticket))
        held = self._book.engine.positions.get(ticket.native_id)
        return (
            kept and not ticket.parent_id and ticket.side is Side.SELL and ticket.quantity > (held.quantity if held else ZERO)
        ) and not currencies.is_pair(self._book, ticket.native_id)

    def _sized(self, ticket: Ticket, listing: Listing) -> Ticket:
        """With the quantity that an amount of money buys."""
        if ticket.cash_amount is None:
            return ticket
        quote = self._book.engine.quote(ticket.native_id)
        if ticket.limit_price is None and quote is None:
            raise Refusal(201, f"Order rejected - reason:{REASONS['no_quote']}")
        market = None if quote is None else quote.ask if ticket.side is Side.BUY else quote.bid
        price = ticket.limit_price or market
        assert price is not None
        lots = (ticket.cash_amount / price / listing.lot_size).to_integral_value(ROUND_DOWN)
        if not lots:
            raise Refusal(388, f"Order size 0 does not conform to the size increment of {listing.lot_size}.")
        return ticket.model_copy(update={"quantity": lots * listing.lot_size})

    def _change(self, order: VenueOrder, ticket: Ticket) -> int:
        old, now = order.ticket, self._book.clock()
        if (old.native_id, old.side, old.parent_id) != (ticket.native_id, ticket.side, ticket.parent_id):
            raise Refusal(105, "Order being modified does not match original order")
        if old.kind != ticket.kind:
            raise Refusal(329, "Order modify failed. Cannot change to the new order type.")
        if ticket.quantity <= order.filled:
            raise Refusal(201, "Order rejected - reason:the new quantity is below what has been filled")
        order = withdrawn = self._withdrawn(order, now)
        changed = ticket.model_copy(update={"transmit": old.transmit or ticket.transmit})
        expires_at = order.expires_at if ticket.time_in_force == "DAY" else None
        if ticket.time_in_force == "DAY" and old.time_in_force != "DAY":
            expires_at = self._closings.after(self._listing(order).exchange, now)
        order = order.model_copy(update={"ticket": changed, "expires_at": expires_at, "updated_at": now})
        after = self._advanced(order, now)
        if after.ended is OrderState.REJECTED:
            self._put(self._advanced(withdrawn, now), new=True)  # it stands as it did
            raise Refusal(201, after.text)
        self._put(after, new=True)
        return order.number

    def _transmit(self, ticket: Ticket) -> None:
        """What is transmitted takes its family along."""
        if not ticket.transmit:
            return
        for number in list(self._open):
            order = self._orders[number]
            if order.ticket.transmit or order.ticket.client_id != ticket.client_id:
                continue
            if ticket.parent_id and ticket.parent_id in (order.ticket.api_id, order.ticket.parent_id):
                sent = order.model_copy(update={"ticket": order.ticket.model_copy(update={"transmit": True})})
                self._put(self._advanced(sent, self._book.clock()), new=True)

    def _advanced(self, order: VenueOrder, now: datetime) -> VenueOrder:
        """The order as far as it gets now; the same object where nothing happened to it."""
        if order.ended is not None or not order.ticket.transmit:
            return order
        if order.working:
            return self._followed(order, now)
        if order.expires_at is not None and order.expires_at <= now:
            return _over(order, OrderState.EXPIRED, now)
        if order.ticket.parent_id:
            parent = self._parent(order)
            if parent.ended is None:
                return order
            if not parent.filled:
                return _over(order, OrderState.CANCELLED, now, "the parent order has ended")
            if parent.filled < order.ticket.quantity:
                order = _resized(order, parent.filled, now)
        ticket, quote = order.ticket, self._book.engine.quote(order.ticket.native_id)
        reached = waiting.best_price(ticket, order.reached, quote)
        if reached != order.reached:
            order = order.model_copy(update={"reached": reached})
        if order.triggered or waiting.is_due(ticket, waiting.stop_of(ticket, reached), quote, order.auction_at, now):
            return self._released(order, now)
        return order

    def _released(self, order: VenueOrder, now: datetime) -> VenueOrder:
        """In the engine, after it has taken the place of whoever of its group stood there."""
        for sibling in self._group(order):
            if sibling.working and sibling.triggered:
                return order
            if sibling.working:
                self._keep(self._withdrawn(sibling, now))
        ticket = order.ticket
        auction = bool(waiting.waits_for_auction(ticket))
        cut = self._book.misbehaves(Fault.PARTIAL_THEN_CANCEL)
        request = SimRequest(
            client_order_id=ticket.reference,
            native_id=ticket.native_id,
            symbol=ticket.symbol,
            currency=ticket.currency,
            side=ticket.side,
            order_type=OrderType.LIMIT if ticket.kind in LIMITED else OrderType.MARKET,
            time_in_force=TimeInForce.IOC if auction else TimeInForce(ticket.time_in_force.lower()),
            quantity=self._half(order) if cut else order.remaining,
            limit_price=ticket.limit_price,
            expires_at=order.expires_at,
        )
        currencies.lend(self._book, request)
        sent = self._book.engine.submit(request, now)
        update = {"engine_ids": (*order.engine_ids, sent.order_id), "working": True, "updated_at": now}
        if ticket.kind in waiting.STOPS:
            update["triggered"] = True
        released = self._followed(order.model_copy(update=update), now)
        return (
            _over(released, OrderState.CANCELLED, now, "cancelled by the venue") if cut and released.ended is None else released
        )

    def _followed(self, order: VenueOrder, now: datetime) -> VenueOrder:
        """With what the engine has made of it."""
        last = self._book.engine.orders[order.engine_ids[-1]]
        earlier = tuple(fill for fill in order.fills if not fill.fill_id.startswith(f"{last.order_id}."))
        fills = (*earlier, *last.fills)
        if fills != order.fills:
            order = order.model_copy(update={"fills": fills, "updated_at": now})
        if last.is_open:
            return order
        if not order.remaining:
            return _over(order, OrderState.FILLED, now)
        if last.state is OrderState.FILLED:  # a part of it only was sent
            return order.model_copy(update={"working": False})
        if last.state is OrderState.REJECTED and not order.fills:
            return _over(
                order, last.state, now, f"Order rejected - reason:{REASONS.get(last.reject_code or '', last.reject_code)}"
            )
        ended = OrderState.CANCELLED if last.state is OrderState.REJECTED else last.state
        at_once = order.ticket.time_in_force in AT_ONCE or waiting.waits_for_auction(order.ticket)
        return _over(order, ended, now, "not filled at once" if at_once and ended is OrderState.CANCELLED else "")

    def _withdrawn(self, order: VenueOrder, now: datetime) -> VenueOrder:
        """Out of the engine again, waiting."""
        if not order.working:
            return order
        self._book.engine.cancel(order.engine_ids[-1], now)
        fills = tuple(fill for key in order.engine_ids for fill in self._book.engine.orders[key].fills)
        return order.model_copy(update={"working": False, "fills": fills})

    def _cancel(self, order: VenueOrder, why: str) -> None:
        now = self._book.clock()
        fills_later = self._book.misbehaves(Fault.FILL_AFTER_CANCEL)
        waits = self._withdrawn(order, now)
        self._put(_over(waits, OrderState.CANCELLED, now, why))
        if fills_later and (price := waits.ticket.limit_price) is not None:  # the market got there first
            self._book.engine.set_mark(waits.ticket.native_id, waits.ticket.currency, price, now, bid=price, ask=price)
            self._open[order.number] = None
            self._put(self._released(waits, now))

    def _put(self, order: VenueOrder, *, new: bool = False) -> None:
        """Keep an order and tell its client what changed; the rest of its group hears of its fills."""
        before = self._orders[order.number]
        self._keep(order)
        if order.ended is not None:
            self._open.pop(order.number, None)
        if order.ticket.transmit:
            self._tell(order, None if new else before)
        if order.ticket.oca_group and order.filled > order.shared:
            self._share(order)

    def _keep(self, order: VenueOrder) -> None:
        self._orders[order.number] = order
        self._book.extra[order.number] = order.model_dump(mode="json")

    def _tell(self, order: VenueOrder, before: VenueOrder | None) -> None:
        if before is not None and (before.status, before.fills, before.ticket) == (order.status, order.fills, order.ticket):
            return
        listing = self._listing(order)
        known, self._told[order.number] = self._told.get(order.number, 0), len(order.fills)
        messages: list[Message] = [open_order(order, listing)] if before is None or before.ticket != order.ticket else []
        messages += [order_status(order, listing), *executions(order, listing, known=known)]
        api_id = order.ticket.api_id
        if order.ended is OrderState.REJECTED:
            messages.append(error(api_id, 201, order.text))
        elif order.ended in (OrderState.CANCELLED, OrderState.EXPIRED):
            messages.append(error(api_id, 202, f"Order Canceled - reason:{order.text}"))
        self.events.append(Event(order.ticket.client_id, order.number, tuple(messages)))

    def _share(self, order: VenueOrder) -> None:
        news = order.filled - order.shared
        self._keep(order.model_copy(update={"shared": order.filled}))
        now = self._book.clock()
        for sibling in self._group(order):
            left = sibling.remaining - news
            if order.ticket.oca_type < REDUCE or left <= 0:
                self._cancel(sibling, "another order of its group was filled")
            else:
                smaller = _resized(self._withdrawn(sibling, now), sibling.ticket.quantity - news, now)
                self._put(smaller)

    def _group(self, order: VenueOrder) -> Iterable[VenueOrder]:
        """The others of its group that are not over."""
        if not order.ticket.oca_group:
            return []
        others = [self._orders[number] for number in self._open if number != order.number]
        return [each for each in others if each.ticket.oca_group == order.ticket.oca_group]

    def _half(self, order: VenueOrder) -> Decimal:
        lot = self._listing(order).lot_size
        return max((order.remaining / 2 / lot).to_integral_value(ROUND_DOWN) * lot, lot)

    def _of_client(self, client_id: int, api_id: int) -> VenueOrder | None:
        """A client's open order under its own id."""
        orders: Iterator[VenueOrder] = (self._orders[number] for number in self._open)
        wanted = (client_id, api_id)
        return next((each for each in orders if (each.ticket.client_id, each.ticket.api_id) == wanted), None)

    def _parent(self, order: VenueOrder) -> VenueOrder:
        wanted = (order.ticket.client_id, order.ticket.parent_id)
        return next(each for each in reversed(self._orders.values()) if (each.ticket.client_id, each.ticket.api_id) == wanted)

    def _listing(self, order: VenueOrder) -> Listing:
        """The listing of an order; one that left the catalogue is shown with what the order knows."""
        ticket = order.ticket
        known = self._book.by_native_id.get(ticket.native_id)
        return known or Listing(venue="ibkr", native_id=ticket.native_id, symbol=ticket.symbol, currency=ticket.currency)


def error(request_id: str | int, code: int, text: str) -> Message:
    """Message 4; request id -1 belongs to no request."""
    return (4, 2, request_id, code, text, "")


def _over(order: VenueOrder, state: OrderState, now: datetime, text: str = "") -> VenueOrder:
    update: dict[str, Any] = {"ended": state, "working": False, "text": text, "updated_at": now}
    return order.model_copy(update=update)


def _resized(order: VenueOrder, quantity: Decimal, now: datetime) -> VenueOrder:
    ticket = order.ticket.model_copy(update={"quantity": quantity})
    return order.model_copy(update={"ticket": ticket, "updated_at": now})
