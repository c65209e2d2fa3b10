"""The matching engine: orders against marks, deterministic under a seed.

A mark is the last known price of a contract. Bid and ask stand half a spread around it. Market orders and limits that cross
fill at once at the far side plus slippage (a limit is never violated), as far as the mark's volume goes; other limits rest
until a mark crosses them, stops until a mark's price reaches them. Auction orders fill at the mark's price itself: `opg` at the
first mark of the session that opens, `cls` at the last one of the session that closes. Without a mark nothing fills. A
purchase needs settled cash that no other open order has reserved, a sale needs an unreserved position.

Time passes only by what callers say (`now`): an order reaches the market `latency` after it was submitted.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from include.domain.order import Fill, OrderChange, OrderState, Side, TimeInForce
from include.errors import OrderRejected
from include.simulation import changing, checks, families, funds, state
from include.simulation.costs import Costs
from include.simulation.ledger import ZERO, SimPosition, worth
from include.simulation.matching import Matching
from include.simulation.orders import Mark, Rules, SimContract, SimOrder, SimQuote, SimRequest
from include.simulation.profits import Profit, profits

__all__ = ["Costs", "Engine", "Profit", "Rules", "SimContract", "SimOrder", "SimPosition", "SimQuote", "SimRequest"]

DAY = timedelta(hours=24)
FRACTION = Decimal("0.000000001")  # what money is turned into where a contract has no lots


class Engine(Matching):
    """One account: what a venue or the paper broker asks of it. Not thread-safe.

    Args and attributes are those of `Matching`.
    """

    def add_contract(self, contract: SimContract) -> None:
        """Make a contract known; without a mark its limit orders rest and its market orders are rejected."""
        if self.contracts.get(contract.native_id) != contract:
            self.contracts[contract.native_id] = contract
            self.reserved.all_changed()

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
        daily_volume: Decimal | None = None,
        now: datetime | None = None,
    ) -> None:
        """Take a new last price and fill what it crosses; what was due before it happens before it, at the mark before.

        Args:
            price: Positive, in currency units.
            time: When the price held; the same prices and time again are no new mark and bring no new volume.
            multiplier: Contract multiplier, for a contract that `add_contract` did not make known.
            bid / ask: Both sides where the caller knows them; else half a spread from the price.
            volume: Units that can be traded at it; None: any number.
            daily_volume: Units traded in a day, for the market impact; None: none is computed.
            now: Time of the fills it causes; None: `time`, but not before the order's last change.
        """
        if native_id not in self.contracts:
            self.contracts[native_id] = SimContract(native_id=native_id, currency=currency, multiplier=Decimal(multiplier))
        known = self.marks.get(native_id)
        if known is not None and (known.price, known.time, known.bid, known.ask) == (price, time, bid, ask):
            return
        moment = now or time
        self.pass_until(min(time, moment), inclusive=False)
        self.marks[native_id] = Mark(price=price, time=time, bid=bid, ask=ask, volume=volume, daily_volume=daily_volume)
        self.expire(moment)
        for order_id in sorted(self._open.get(native_id, ())):
            if self.orders[order_id].is_open:
                self.match(order_id, max(moment, self.orders[order_id].updated_at))

    def set_rate(self, currency: str, rate: Decimal) -> None:
        """Units of `currency` for one unit of `settle_in`, positive; used for the next trades in that currency."""
        self.ledger.rates[currency] = rate

    def quote(self, native_id: str) -> SimQuote | None:
        """Bid, ask and last of a contract, None without a mark."""
        mark = self.marks.get(native_id)
        if mark is None:
            return None
        bid, ask = self.sides(mark)
        return SimQuote(bid=bid, ask=ask, last=mark.price, time=mark.time)

    def submit(self, request: SimRequest, now: datetime) -> SimOrder:
        """Take an order and fill what can be filled at once; orders whose time is over end first.

        Never raises for a bad order: that one is recorded as `rejected` with its code. The same client order id twice is two
        orders; whether that is allowed is the venue's rule (`find`).
        """
        self.expire(now)
        order = self._sized(self._new_order(request, now))
        code = checks.refusal(self, order)
        if code is not None:
            return self.put(order.changed(now, state=OrderState.REJECTED, reject_code=code))
        self.put(order)
        if order.parent_id is not None and self.rules.starts_children(self.orders[order.parent_id]):
            order = families.start(self, order, now)
        if not self.latency and order.is_open:
            self.arrive(order, now)
        return self.orders[order.order_id]

    def release(self, order_id: int, now: datetime) -> SimOrder:
        """Let an order go that was submitted with `transmit=False`; one that waits for its parent goes on waiting for that.

        Where the account cannot cover it now it becomes `rejected`. Any other order stays as it is.

        Raises:
            OrderRejected: There is no such order.
        """
        self.expire(now)
        order = self._known(order_id)
        if order.transmit or not order.is_open:
            return order
        order = order.changed(now, transmit=True, active_at=now + self.latency if self.latency else None)
        code = checks.refusal(self, order)
        if code is not None:
            return self.put(order.changed(now, state=OrderState.REJECTED, reject_code=code))
        self.watch(self.put(order))
        self.arrive(order, now)
        return self.orders[order_id]

    def modify(self, order_id: int, change: OrderChange, now: datetime) -> SimOrder:
        """Change an open order and fill what can be filled then; it keeps its place among the others.

        Raises:
            OrderRejected: There is no such order, it is final, or it would not be taken like that: it stands as before.
        """
        self.expire(now)
        changed = changing.changed(self, order_id, change, now)
        self.watch(self.put(changed))
        self.match(order_id, now)
        return self.orders[order_id]

    def cancel(self, order_id: int, now: datetime) -> SimOrder:
        """Cancel what is left of an order, after what was due before; a final one stays as it is.

        Children that wait for it end with it, and the others of its group where the rules say so. Closing orders of a bracket
        that has filled are orders of their own.

        Raises:
            OrderRejected: There is no such order.
        """
        self.expire(now)
        order = self._known(order_id)
        if not order.is_open:
            return order
        self.put(order.changed(now, state=OrderState.CANCELLED))
        if self.rules.cancel_ends_group:
            families.end_group(self, order, now)
        return self.orders[order_id]

    def expire(self, now: datetime) -> list[SimOrder]:
        """Let time pass: orders reach the market, closing auctions are held, DAY orders end.

        Gives the orders that this changed, oldest first; possibly none.
        """
        return self.pass_until(now, inclusive=True)

    def fills(self, since: datetime) -> list[tuple[SimOrder, Fill]]:
        """Every execution at or after `since` with its order, oldest first."""
        found = [(order, fill) for order in self.orders.values() for fill in order.fills if fill.time >= since]
        return sorted(found, key=lambda row: row[1].time)  # stable: one order's fills, and orders, keep their order

    def profits(self) -> list[Profit]:
        """Profit and cost of every contract ever traded, by native id."""
        return profits(self)

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
        """The engine of a `to_state` document, of this version or an older one.

        Raises:
            InputError: The document is not one.
        """
        engine = cls({})
        state.load(engine, document)
        engine.index(engine.orders)
        return engine

    def _known(self, order_id: int) -> SimOrder:
        order = self.orders.get(order_id)
        if order is None:
            raise OrderRejected(f"there is no order {order_id}")
        return order

    def _new_order(self, request: SimRequest, now: datetime) -> SimOrder:
        fields = {key: value for key, value in vars(request).items() if key != "expires_at"}
        expires_at = None
        if request.time_in_force is TimeInForce.DAY:
            expires_at = request.expires_at or now + DAY
        elif request.time_in_force is TimeInForce.OPG:
            expires_at = request.expires_at or request.closes_at or (request.opens_at or now) + DAY
        return SimOrder(
            order_id=len(self.orders) + 1,
            state=OrderState.ACCEPTED,
            created_at=now,
            updated_at=now,
            expires_at=expires_at,
            active_at=now + self.latency if self.latency else None,
            started=request.parent_id is None,
            **fields,
        )

    def _sized(self, order: SimOrder) -> SimOrder:
        """An order for money with the quantity that buys: whole lots, 0 where nobody knows a price."""
        if order.cash_amount is None:
            return order
        none = order.model_copy(update={"quantity": ZERO})
        contract = self.contracts.get(order.native_id)
        price = funds.reserve_price(self, none) if contract is not None else None
        if contract is None or not price or order.cash_amount <= 0:
            return none
        step = contract.lot_size or FRACTION
        quantity = order.cash_amount / (price * contract.multiplier) // step * step
        if not order.is_limited and order.native_id in self.marks and quantity > 0:  # its own impact makes it dearer
            dearer = max(self.taker_price(order, quantity), price) if order.side is Side.BUY else price
            quantity = order.cash_amount / (dearer * contract.multiplier) // step * step
        return order.model_copy(update={"quantity": quantity})
