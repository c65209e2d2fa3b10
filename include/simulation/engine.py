"""The matching engine: orders against marks, deterministic under a seed.

A mark is the last known price of a contract. Bid and ask stand half a spread around it. Market orders and limits that cross
fill at once at the far side plus slippage (a limit is never violated), as far as the mark's volume goes; other limits rest
until a mark crosses them. Without a mark nothing fills. A purchase needs settled cash that no other open order has reserved,
a sale needs an unreserved position.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from include.domain.order import Fill, OrderState, OrderType, Side, TimeInForce
from include.errors import OrderRejected
from include.simulation import state
from include.simulation.costs import Costs
from include.simulation.ledger import ZERO, Ledger, SimPosition, worth
from include.simulation.orders import Mark, SimContract, SimOrder, SimQuote, SimRequest

__all__ = ["Costs", "Engine", "SimContract", "SimOrder", "SimPosition", "SimQuote", "SimRequest"]

DAY = timedelta(hours=24)


class Engine:
    """Orders, cash and positions of one account. Not thread-safe.

    Args:
        cash: Currency -> settled starting cash.
        costs: Spread, slippage and commission.
        seed: Decides the random part of the slippage.
        settle_in: None: purchases are paid in their own currency. A currency: see `Ledger`.

    Attributes:
        orders: Order id -> order, every one ever submitted, rejected ones included.
    """

    def __init__(
        self, cash: Mapping[str, Decimal], costs: Costs | None = None, seed: int = 0, settle_in: str | None = None
    ) -> None:
        self.costs = costs or Costs()
        self.seed = seed
        self.ledger = Ledger(cash, settle_in)
        self.orders: dict[int, SimOrder] = {}
        self.contracts: dict[str, SimContract] = {}
        self.marks: dict[str, Mark] = {}
        self._by_client: dict[str, list[int]] = {}
        self._open: dict[int, None] = {}  # ordered set: first come, first served

    @property
    def cash(self) -> dict[str, Decimal]:
        """Currency -> settled cash."""
        return self.ledger.cash

    @property
    def positions(self) -> dict[str, SimPosition]:
        """Native id -> open position (never short, never zero)."""
        return self.ledger.positions

    def add_contract(self, contract: SimContract) -> None:
        """Make a contract known; without a mark its limit orders rest and its market orders are rejected."""
        self.contracts[contract.native_id] = contract

    def set_mark(
        self,
        native_id: str,
        currency: str,
        price: Decimal,
        time: datetime,
        multiplier: Decimal | int = 1,
        *,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
        volume: Decimal | None = None,
        now: datetime | None = None,
    ) -> None:
        """Take a new last price and fill what it crosses; orders whose time is over end first.

        Args:
            price: Positive, in currency units.
            time: When the price held; the same prices and time again are no new mark and bring no new volume.
            multiplier: Contract multiplier, for a contract that `add_contract` did not make known.
            bid / ask: Both sides where the caller knows them; else half a spread from the price.
            volume: Units that can be traded at it; None: any number.
            now: Time of the fills it causes; None: `time`, but not before the order's last change.
        """
        if native_id not in self.contracts:
            self.contracts[native_id] = SimContract(native_id=native_id, currency=currency, multiplier=Decimal(multiplier))
        known = self.marks.get(native_id)
        if known is not None and (known.price, known.time, known.bid, known.ask) == (price, time, bid, ask):
            return
        self.marks[native_id] = Mark(price=price, time=time, bid=bid, ask=ask, volume=volume)
        resting = [key for key in self._open if self.orders[key].native_id == native_id]
        if resting:
            self.expire(now or time)
        for order_id in resting:
            if self.orders[order_id].is_open:
                self._match(order_id, max(now or time, self.orders[order_id].updated_at))

    def set_rate(self, currency: str, rate: Decimal) -> None:
        """Units of `currency` for one unit of `settle_in`, positive; used for the next trades in that currency."""
        self.ledger.rates[currency] = rate

    def quote(self, native_id: str) -> SimQuote | None:
        """Bid, ask and last of a contract, None without a mark."""
        mark = self.marks.get(native_id)
        if mark is None:
            return None
        bid, ask = self._sides(mark)
        return SimQuote(bid=bid, ask=ask, last=mark.price, time=mark.time)

    def submit(self, request: SimRequest, now: datetime) -> SimOrder:
        """Take an order and fill what can be filled at once; orders whose time is over end first.

        Never raises for a bad order: that one is recorded as `rejected` with its code. The same client order id twice is two
        orders; whether that is allowed is the venue's rule (`find`).
        """
        self.expire(now)
        order_id = len(self.orders) + 1
        fields = {key: value for key, value in vars(request).items() if key != "expires_at"}
        expires_at = (request.expires_at or now + DAY) if request.time_in_force is TimeInForce.DAY else None
        order = SimOrder(
            order_id=order_id, state=OrderState.ACCEPTED, created_at=now, updated_at=now, expires_at=expires_at, **fields
        )
        self.orders[order_id] = order
        self._by_client.setdefault(order.client_order_id, []).append(order_id)
        code = self._refusal(order)
        if code is not None:
            return self._put(order.changed(now, state=OrderState.REJECTED, reject_code=code))
        self._put(order)
        self._match(order_id, now)
        order = self.orders[order_id]
        if order.is_open and order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            self._put(order.changed(now, state=OrderState.CANCELLED))
        return self.orders[order_id]

    def cancel(self, order_id: int, now: datetime) -> SimOrder:
        """Cancel what is left of an order; a final one stays as it is.

        Raises:
            OrderRejected: There is no such order.
        """
        order = self.orders.get(order_id)
        if order is None:
            raise OrderRejected(f"there is no order {order_id}")
        return self._put(order.changed(now, state=OrderState.CANCELLED)) if order.is_open else order

    def expire(self, now: datetime) -> list[SimOrder]:
        """End DAY orders whose time has come; gives those that ended, possibly none."""
        due = [self.orders[key] for key in self._open]
        return [
            self._put(order.changed(now, state=OrderState.EXPIRED))
            for order in due
            if order.expires_at is not None and order.expires_at <= now
        ]

    def find(self, client_order_id: str) -> list[SimOrder]:
        """All orders under a client order id, oldest first; [] where there is none."""
        return [self.orders[key] for key in self._by_client.get(client_order_id, [])]

    def open_orders(self) -> list[SimOrder]:
        """Orders that can still fill, oldest first."""
        return [self.orders[key] for key in self._open]

    def equity(self, rates: Mapping[str, Decimal], base: str) -> Decimal:
        """Cash and positions at their marks (at cost where there is no mark), in `base`.

        Args:
            rates: Units of a currency for one unit of `base`.

        Raises:
            InputError: A currency that is held has no rate.
        """
        total = dict(self.cash)
        for native_id, position in self.positions.items():
            mark = self.marks.get(native_id)
            price = mark.price if mark else position.average_cost
            value = position.quantity * price * self.contracts[native_id].multiplier
            total[position.currency] = total.get(position.currency, ZERO) + value
        return worth(total, rates, base)

    def to_state(self, whole: bool = True) -> dict[str, Any]:
        """The state as plain JSON types; `from_state` gives an equal engine.

        Args:
            whole: False leaves out contracts and marks that no order and no position refers to, for owners that hold the list.
        """
        return state.dump(self, whole)

    @classmethod
    def from_state(cls, document: Mapping[str, Any]) -> "Engine":
        """The engine of a `to_state` document.

        Raises:
            InputError: The document is not one.
        """
        engine = cls({})
        state.load(engine, document)
        for order_id, order in engine.orders.items():
            engine._by_client.setdefault(order.client_order_id, []).append(order_id)
            if order.is_open:
                engine._open[order_id] = None
        return engine

    def _put(self, order: SimOrder) -> SimOrder:
        self.orders[order.order_id] = order
        if order.is_open:
            self._open.setdefault(order.order_id)
        else:
            self._open.pop(order.order_id, None)
        return order

    def _refusal(self, order: SimOrder) -> str | None:
        contract = self.contracts.get(order.native_id)
        if contract is None:
            return "unknown_contract"
        if order.currency != contract.currency:
            return "wrong_currency"
        if not contract.tradable:
            return "not_tradable"
        if order.quantity <= 0 or (contract.lot_size and order.quantity % contract.lot_size):
            return "invalid_quantity"
        if order.order_type is OrderType.LIMIT and (order.limit_price is None or order.limit_price <= 0):
            return "invalid_price"
        if order.order_type is OrderType.MARKET and order.native_id not in self.marks:
            return "no_quote"
        if not self.ledger.can_settle(order.currency):
            return "no_rate"
        if order.side is Side.SELL:
            return "no_short" if order.quantity > self._unreserved(order) else None
        return None if self._affordable(order, order.quantity, self._worst_price(order)) else "insufficient_funds"

    def _worst_price(self, order: SimOrder) -> Decimal:
        if order.limit_price is not None and order.order_type is OrderType.LIMIT:
            return order.limit_price
        return self._price(order)

    def _unreserved(self, order: SimOrder) -> Decimal:
        position = self.positions.get(order.native_id)
        others = (self.orders[key] for key in self._open if key != order.order_id)
        reserved = sum((o.remaining for o in others if o.native_id == order.native_id and o.side is Side.SELL), ZERO)
        return (position.quantity if position else ZERO) - reserved

    def _affordable(self, order: SimOrder, quantity: Decimal, price: Decimal) -> bool:
        needed = {order.currency: self._cost(order, quantity, price)}
        for key in self._open:
            other = self.orders[key]
            if key != order.order_id and other.side is Side.BUY and other.native_id in self.contracts:
                priced = other.order_type is OrderType.LIMIT or other.native_id in self.marks
                cost = self._cost(other, other.remaining, self._worst_price(other)) if priced else ZERO
                needed[other.currency] = needed.get(other.currency, ZERO) + cost
        return self.ledger.can_pay(needed)

    def _cost(self, order: SimOrder, quantity: Decimal, price: Decimal) -> Decimal:
        value = quantity * price * self.contracts[order.native_id].multiplier
        return value + self._commission(order, quantity, price)

    def _commission(self, order: SimOrder, quantity: Decimal, price: Decimal) -> Decimal:
        total = (order.filled_value + quantity * price) * self.contracts[order.native_id].multiplier
        return max(self.costs.commission(total) - order.commission, ZERO)

    def _sides(self, mark: Mark) -> tuple[Decimal, Decimal]:
        bid, ask = self.costs.bid_ask(mark.price)
        return (bid if mark.bid is None else mark.bid), (ask if mark.ask is None else mark.ask)

    def _price(self, order: SimOrder) -> Decimal:
        bid, ask = self._sides(self.marks[order.native_id])
        draw = random.Random(f"{self.seed}:{order.order_id}:{len(order.fills)}")
        price = self.costs.taken_price(ask if order.side is Side.BUY else bid, order.side, draw)
        if order.order_type is OrderType.LIMIT and order.limit_price is not None:
            return min(price, order.limit_price) if order.side is Side.BUY else max(price, order.limit_price)
        return price

    def _crosses(self, order: SimOrder, mark: Mark) -> bool:
        if order.order_type is OrderType.MARKET or order.limit_price is None:
            return True
        bid, ask = self._sides(mark)
        return ask <= order.limit_price if order.side is Side.BUY else bid >= order.limit_price

    def _match(self, order_id: int, now: datetime) -> None:
        order = self.orders[order_id]
        mark = self.marks.get(order.native_id)
        if mark is None or not self._crosses(order, mark) or not self.ledger.can_settle(order.currency):
            return
        quantity = order.remaining if mark.volume is None else min(order.remaining, self._whole_lots(order, mark.volume))
        if quantity <= 0 or (order.time_in_force is TimeInForce.FOK and quantity < order.remaining):
            return
        price = self._price(order)
        if order.side is Side.BUY and not self._affordable(order, quantity, price):
            self._put(order.changed(now, state=OrderState.CANCELLED, reject_code="insufficient_funds"))
            return
        if mark.volume is not None:
            self.marks[order.native_id] = mark.model_copy(update={"volume": mark.volume - quantity})
        self._fill(order, quantity, price, now)

    def _whole_lots(self, order: SimOrder, volume: Decimal) -> Decimal:
        lot = self.contracts[order.native_id].lot_size
        return volume // lot * lot if lot else volume

    def _fill(self, order: SimOrder, quantity: Decimal, price: Decimal, now: datetime) -> None:
        contract = self.contracts[order.native_id]
        commission = self._commission(order, quantity, price)
        traded = SimPosition(
            native_id=order.native_id, symbol=order.symbol, currency=order.currency, quantity=quantity, average_cost=price
        )
        self.ledger.apply(order.side, traded, price, contract.multiplier, commission)
        fill = Fill(
            fill_id=f"{order.order_id}.{len(order.fills) + 1}",
            quantity=quantity,
            price=price,
            time=now,
            commission=commission,
            commission_currency=order.currency,
        )
        filled = order.filled_quantity + quantity
        self._put(
            order.changed(
                now,
                fills=(*order.fills, fill),
                filled_quantity=filled,
                average_price=(order.filled_value + quantity * price) / filled,
                state=OrderState.FILLED if filled == order.quantity else OrderState.PARTIALLY_FILLED,
            )
        )
