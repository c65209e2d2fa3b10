"""Sending one account's orders so that no intent is ever sent twice (docs/architecture.md, "An order's life").

`sending` is committed before the call; whatever may have arrived is looked up before anything else; only a broker that
refuses duplicates for ever is sent the same id again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from include.domain.account import AccountSnapshot
from include.domain.order import Order, OrderReport, OrderState, Side
from include.domain.portfolio import Limits
from include.domain.quote import Quote
from include.errors import AuthenticationFailed, DuplicateOrder, InputError, OutcomeUnknown, PolybrokerError, Terminal, Transient
from include.trading.permission import PAST_VALID_UNTIL, is_final
from include.trading.ports import BrokerPort, SendJournal

MAX_TRANSIENT = 3  # sends in a row that did not arrive: the broker is not there, the rest waits for a retry
PRICE_MOVED = "price_moved"
NO_QUOTE = "no_quote"
POSITION_GONE = "position_gone"

Check = Callable[[Order], str | None]


@dataclass(frozen=True)
class Attempt:
    """What became of one order in this call.

    Attributes:
        state: The journal's state afterwards.
        reason: Why it did not go, or what went wrong; None when it went.
    """

    order: Order
    state: OrderState
    reason: str | None = None


@dataclass(frozen=True)
class Sender:
    """Sends the orders of one account.

    Attributes:
        broker: The open account.
        journal: Where every step is committed.
        resend_is_safe: True where the broker refuses (or replays) a repeated id for ever.
        permission: Says why an order may not go now; asked at the last moment before every single send.
        recheck: Says why the price or position it was planned on does not hold any more; asked once, before the first send.
        now: Clock, aware UTC.
    """

    broker: BrokerPort
    journal: SendJournal
    resend_is_safe: bool
    permission: Check
    recheck: Check
    now: Callable[[], datetime]

    def send_all(self, orders: Iterable[Order]) -> tuple[list[Attempt], PolybrokerError | None]:
        """Sells first, then buys, each in the given order. A refusal of one order does not stop the others.

        Returns:
            What became of every order, and the last error that kept one from arriving (a retry may send it), or None. After
            `MAX_TRANSIENT` of them in a row, or refused credentials, the rest is not tried.
        """
        attempts: list[Attempt] = []
        failures = 0
        failed: PolybrokerError | None = None
        for order in sorted(orders, key=lambda order: order.side is Side.BUY):
            if failures >= MAX_TRANSIENT or isinstance(failed, AuthenticationFailed):
                attempts.append(Attempt(order, self._state(order), f"account stopped: {failed}"))
                continue
            try:
                attempts.append(self._send(order))
                failures = 0
            except (Transient, AuthenticationFailed) as error:
                failures += 1
                failed = error
                attempts.append(Attempt(order, self._state(order), str(error)))
        return attempts, failed

    def _send(self, order: Order) -> Attempt:
        state = self._state(order)
        if state in (OrderState.SENDING, OrderState.UNKNOWN):
            return self._resolve(order, may_resend=True, words=f"found {state.value} from an earlier try")
        if state is not OrderState.PLANNED:
            return Attempt(order, state)
        if reason := self.permission(order):
            return self._refused(order, reason)
        if reason := self.recheck(order):
            self.journal.hold(order.client_order_id, reason, self.now())
            return Attempt(order, self._state(order), reason)
        if not self.journal.mark_sending(order.client_order_id, self.now()):
            return Attempt(order, self._state(order), "another process is sending it")
        return self._submit(order)

    def _refused(self, order: Order, reason: str) -> Attempt:
        if reason == PAST_VALID_UNTIL:
            self.journal.close_unsent(order.client_order_id, reason, self.now())
        elif is_final(reason):
            self.journal.hold(order.client_order_id, reason, self.now())
        return Attempt(order, self._state(order), reason)

    def _submit(self, order: Order) -> Attempt:
        """The first send, after `sending` is committed."""
        try:
            report = self.broker.submit(order)
        except (Transient, AuthenticationFailed) as error:
            self.journal.mark_planned(order.client_order_id, f"did not arrive: {error}", self.now())
            raise
        except DuplicateOrder as error:
            return self._resolve(order, may_resend=False, words=str(error))
        except Terminal as error:
            return self._rejected(order, error)
        except OutcomeUnknown as error:
            return self._resolve(order, may_resend=True, words=str(error))
        return self._record(order, report)

    def _resolve(self, order: Order, *, may_resend: bool, words: str) -> Attempt:
        """Look up an order that may have arrived; where that is safe, send the same id once more."""
        try:
            found = self.broker.find_order(order.client_order_id)
        except PolybrokerError as error:
            return self._unknown(order, f"{words}; looking it up failed: {error}")
        if found is not None:
            return self._record(order, found)
        if not (may_resend and self.resend_is_safe):
            return self._unknown(order, f"{words}; not found at the broker")
        if reason := self.permission(order):
            return self._unknown(order, f"{words}; not found at the broker, not sent again: {reason}")
        try:
            report = self.broker.submit(order)
        except PolybrokerError as error:
            # Whatever this says, the first one may still be on its way: only finding it proves anything.
            return self._resolve(order, may_resend=False, words=f"{words}; sent again under the same id: {error}")
        return self._record(order, report)

    def _record(self, order: Order, report: OrderReport) -> Attempt:
        state = self.journal.record(order.client_order_id, report, self.now())
        return Attempt(order, state, report.message if state is OrderState.REJECTED else None)

    def _rejected(self, order: Order, error: Terminal) -> Attempt:
        code = error.broker_code or error.code
        report = OrderReport(client_order_id=order.client_order_id, state=OrderState.REJECTED, code=code, message=str(error))
        return Attempt(order, self.journal.record(order.client_order_id, report, self.now()), str(error))

    def _unknown(self, order: Order, reason: str) -> Attempt:
        report = OrderReport(client_order_id=order.client_order_id, state=OrderState.UNKNOWN)
        return Attempt(order, self.journal.record(order.client_order_id, report, self.now(), reason), reason)

    def _state(self, order: Order) -> OrderState:
        state = self.journal.state(order.client_order_id)
        if state is None:
            words = "expected the order in the journal before it is sent"
            raise InputError(words, field="client_order_id", value=order.client_order_id)
        return state


def recheck(order: Order, quote: Quote | None, limits: Limits) -> str | None:
    """Why the quote an order was planned on does not hold any more, or None.

    `price_moved: ...` when the fresh middle price is further than `limits.max_quote_move_pct` from the planned one, in either
    direction; `no_quote` without a fresh positive price in the contract's currency.
    """
    mid = None if quote is None or quote.currency != order.contract.currency else quote.mid
    if mid is None or mid <= 0:
        return NO_QUOTE
    moved_pct = (mid / order.quote_price - 1) * 100
    if abs(moved_pct) <= limits.max_quote_move_pct:
        return None
    return f"{PRICE_MOVED}: {moved_pct.quantize(Decimal('0.01')):+f} % since planning, {limits.max_quote_move_pct} % allowed"


def recheck_position(order: Order, account: AccountSnapshot | None) -> str | None:
    """Why a sale would sell more than the account holds now and nobody else is selling, or None; a purchase is always fine.

    Args:
        order: The order.
        account: As it is now; None where only purchases are sent.
    """
    if order.side is Side.BUY:
        return None
    native_id = order.contract.native_id
    free = account.held(native_id) - account.being_sold(native_id) if account else Decimal(0)
    if free >= order.quantity:
        return None
    return (
        f"{POSITION_GONE}: {order.account} shows {free.normalize():f} free, less than the {order.quantity.normalize():f} to sell"
    )
