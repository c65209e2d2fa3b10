"""Orders at the local TWS: what is refused and with which code, what the engine fills, what is told to the client."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from include.domain.instrument import AssetClass
from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.contracts import ContractQuery, Directory
from include.sandbox.ibkr.order_messages import VenueOrder, completed_order, executions, open_order, order_status
from include.sandbox.ibkr.wire import Field
from include.sandbox.sessions import Closings
from include.simulation.engine import SimOrder, SimRequest

Message = Sequence[Field]
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
TYPES = {"MKT": OrderType.MARKET, "LMT": OrderType.LIMIT}
TIMES_IN_FORCE = {"": TimeInForce.DAY, **{value.value.upper(): value for value in TimeInForce}}
MAX_ORDER_ID = 2**31 - 1
MAX_MAGNITUDE = 15  # of a price or quantity, as a power of ten: beyond it nothing can be counted in steps
REASONS = {
    "not_tradable": "this contract is not open for trading",
    "no_quote": "no market data for this contract",
    "no_rate": "no exchange rate for this currency",
    "insufficient_funds": "insufficient settled cash for this order",
    "no_short": "short selling is not allowed in a cash account",
}


class Refusal(Exception):
    """An order, or a cancellation, that leaves nothing behind at the venue; `code` is TWS's own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class OrderDesk:
    """The orders of one venue; every method is called under the book's lock.

    Args:
        closings: End DAY orders; where a market's are not known, an order stands for 24 hours.
    """

    def __init__(self, book: VenueBook, directory: Directory, closings: Closings) -> None:
        self._book = book
        self._directory = directory
        self._closings = closings

    def next_id(self, client_id: int) -> int:
        """The lowest order id a client may use: higher than any it used before, also before a restart."""
        return int(self._book.meta.get("next_ids", {}).get(str(client_id), 1))

    def place(self, client_id: int, fields: Sequence[str]) -> list[Message]:
        """Take message 3 (split into fields) and say what to answer; the order is saved first.

        Raises:
            Refusal: Nothing was taken.
        """
        api_id = int(fields[1])
        if api_id > MAX_ORDER_ID:
            raise Refusal(320, f"Error reading request. Unable to parse data: '{api_id}'")
        if api_id < self.next_id(client_id):
            raise Refusal(103, "Duplicate order id")
        found = self._directory.find(ContractQuery.read(fields[2:14], (fields[14], fields[15])))
        if len(found) != 1:
            raise Refusal(200, "No security definition has been found for the request" if not found else "Ambiguous contract")
        request = self._request(found[0], fields)
        if self._book.misbehaves("reject_order"):
            raise Refusal(201, "Order rejected - reason:rejected on demand")
        order = self._book.engine.submit(request, self._book.clock())
        text = f"Order rejected - reason:{REASONS.get(order.reject_code or '', order.reject_code)}"
        rejected = order.state is OrderState.REJECTED
        placed = VenueOrder(order, found[0], self._book.account_code, client_id, api_id, text if rejected else "")
        self._book.extra[order.order_id] = placed.extra
        self._book.meta.setdefault("next_ids", {})[str(client_id)] = api_id + 1
        self._book.save()
        messages: list[Message] = [open_order(placed), order_status(placed), *executions(placed)]
        if rejected:
            messages.append(error(api_id, 201, text))
        elif order.state is OrderState.CANCELLED:
            messages.append(error(api_id, 202, "Order Canceled - reason:not filled at once"))
        return messages

    def cancel(self, client_id: int, api_id: int) -> list[Message]:
        """Cancel a client's own order.

        Raises:
            Refusal: It has no such order, or one that is final.
        """
        self.expire()
        for placed in self.all():
            if (placed.client_id, placed.api_id) == (client_id, api_id):
                if not placed.order.is_open:
                    state = order_status(placed)[2]
                    raise Refusal(10148, f"OrderId {api_id} that needs to be cancelled can not be cancelled, state: {state}.")
                return self._cancelled(placed)
        raise Refusal(10147, f"OrderId {api_id} that needs to be cancelled is not found.")

    def cancel_all(self) -> list[Message]:
        """Cancel every open order of the account, whoever sent it."""
        self.expire()
        return [message for placed in self.all() if placed.order.is_open for message in self._cancelled(placed)]

    def open_orders(self, client_id: int | None) -> list[Message]:
        """Open orders with their states: of one client, or of all (None)."""
        self.expire()
        return [
            message
            for placed in self.all()
            if placed.order.is_open and client_id in (None, placed.client_id)
            for message in (open_order(placed), order_status(placed))
        ]

    def completed_orders(self) -> list[Message]:
        """Every order that is final."""
        self.expire()
        return [completed_order(placed) for placed in self.all() if not placed.order.is_open]

    def executions(self, request_id: str, client_id: int, account: str) -> list[Message]:
        """Executions with their commissions, filtered by client (0: all) and account ("": all)."""
        return [
            message
            for placed in self.all()
            if client_id in (0, placed.client_id) and account in ("", placed.account)
            for message in executions(placed, request_id)
        ]

    def expire(self) -> None:
        """End the DAY orders whose time has come by the venue's clock."""
        if self._book.engine.expire(self._book.clock()):
            self._book.save()

    def all(self) -> Iterator[VenueOrder]:
        """Every order ever taken, oldest first."""
        for order_id, extra in list(self._book.extra.items()):
            order = self._book.engine.orders[order_id]
            yield VenueOrder.restore(order, self._listing(order), self._book.account_code, extra)

    def _listing(self, order: SimOrder) -> Listing:
        """The listing of an order; one that left the catalogue is shown with what the order knows."""
        known = self._book.by_native_id.get(order.native_id)
        return known or Listing(venue="ibkr", native_id=order.native_id, symbol=order.symbol, currency=order.currency)

    def _cancelled(self, placed: VenueOrder) -> list[Message]:
        order = self._book.engine.cancel(placed.order.order_id, self._book.clock())
        self._book.save()
        now = VenueOrder.restore(order, placed.listing, placed.account, placed.extra)
        return [order_status(now), error(placed.api_id, 202, "Order Canceled - reason:")]

    def _request(self, listing: Listing, fields: Sequence[str]) -> SimRequest:
        action, quantity, kind, limit, tif, account = *fields[16:20], fields[21], fields[23]
        if listing.asset_class is AssetClass.FX:
            raise Refusal(201, "Order rejected - reason:currency pairs are quoted here, not traded")
        if account not in ("", self._book.account_code):
            raise Refusal(321, f"Error validating request.-'bN' : cause - Invalid account code '{account}'.")
        if action not in SIDES or kind not in TYPES:
            raise Refusal(387, f"Unsupported order type for this exchange and security type.{kind} {action}")
        if tif not in TIMES_IN_FORCE:
            raise Refusal(201, f"Order rejected - reason:Invalid time in force:{tif}")
        units = _number(quantity)
        if units <= 0 or units % listing.lot_size:
            raise Refusal(388, f"Order size {quantity} does not conform to the size increment of {listing.lot_size}.")
        price = _number(limit) / listing.price_magnifier if TYPES[kind] is OrderType.LIMIT else None
        if price is not None and (price <= 0 or price % listing.tick_size):
            raise Refusal(110, "The price does not conform to the minimum price variation for this contract.")
        return SimRequest(
            client_order_id=fields[26],
            native_id=listing.native_id,
            symbol=listing.symbol,
            currency=listing.currency,
            side=SIDES[action],
            order_type=TYPES[kind],
            time_in_force=TIMES_IN_FORCE[tif],
            quantity=units,
            limit_price=price,
            expires_at=self._closings.after(listing.exchange, self._book.clock()),
        )


def error(request_id: str | int, code: int, text: str) -> Message:
    """Message 4; request id -1 belongs to no request."""
    return (4, 2, request_id, code, text, "")


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text or "0")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value.adjusted()) > MAX_MAGNITUDE:
        raise Refusal(320, f"Error reading request. Unable to parse data: '{text}'")
    return value
