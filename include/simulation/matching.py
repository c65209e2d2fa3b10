"""How orders fill: the book of one account, matched against marks and moved by time."""

import heapq
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from include.domain.order import Fill, OrderState, Side, TimeInForce
from include.simulation import families, funds
from include.simulation.costs import Costs
from include.simulation.ledger import ZERO, Ledger, SimPosition
from include.simulation.orders import Mark, Rules, SimContract, SimOrder
from include.simulation.tracked import Tracked
from include.simulation.triggers import crosses, followed

K = TypeVar("K")


class Matching:
    """Orders, cash and positions of one account, and what marks and time do to them. See `Engine` for what callers use.

    Args:
        cash: Currency -> settled starting cash.
        costs: Spread, slippage and commission.
        seed: Decides the random part of the slippage.
        settle_in: None: purchases are paid in their own currency. A currency: see `Ledger`.
        latency: How long a new order is on its way to the market; not negative.
        rules: What this venue does otherwise than another.

    Attributes:
        reserved: Cash that open purchases reserve.
        orders: Order id -> order, every one ever submitted, rejected ones included.
        volumes: Month (`2026-03`, UTC) -> units traded in it.
        now: The time it was last told.
        listen: Called with (order before, order now) each time one is put down, in the order in which it happens; None before a
            new one. Positions and cash are those after it. It must not change the engine.
    """

    def __init__(
        self,
        cash: Mapping[str, Decimal],
        costs: Costs | None = None,
        seed: int = 0,
        settle_in: str | None = None,
        latency: timedelta = timedelta(),
        rules: Rules | None = None,
    ) -> None:
        self.reserved = funds.Reserved()
        self._costs = costs or Costs()
        self.seed = seed
        self.latency = latency
        self.rules = rules or Rules()
        self.listen: Callable[[SimOrder | None, SimOrder], None] | None = None
        self.ledger = Ledger(cash, settle_in)
        self.orders: Tracked[int, SimOrder] = Tracked()
        self.contracts: Tracked[str, SimContract] = Tracked()
        self.marks: Tracked[str, Mark] = Tracked()
        self.volumes: Tracked[str, Decimal] = Tracked()
        self.now: datetime | None = None
        self._by_client: dict[str, list[int]] = {}
        self._open: dict[str, set[int]] = {}  # native id -> orders that are not over
        self._children: dict[int, list[int]] = {}
        self._groups: dict[str, list[int]] = {}
        self._timers: list[tuple[datetime, int]] = []  # when an order arrives or ends; those of final orders do nothing

    @property
    def costs(self) -> Costs:
        """Spread, slippage and commission; new ones hold for the next fills."""
        return self._costs

    @costs.setter
    def costs(self, costs: Costs) -> None:
        self._costs = costs
        self.reserved.all_changed()

    @property
    def cash(self) -> dict[str, Decimal]:
        """Currency -> settled cash."""
        return self.ledger.cash

    @property
    def positions(self) -> dict[str, SimPosition]:
        """Native id -> open position (never short, never zero)."""
        return self.ledger.positions

    def find(self, client_order_id: str) -> list[SimOrder]:
        """All orders under a client order id, oldest first; [] where there is none."""
        return [self.orders[key] for key in self._by_client.get(client_order_id, [])]

    def open_orders(self, native_id: str | None = None) -> list[SimOrder]:
        """Orders that are not over, held ones among them, oldest first; of one contract, or all."""
        keys = self._open.get(native_id, set()) if native_id is not None else set().union(*self._open.values())
        return [self.orders[key] for key in sorted(keys)]

    def legs(self, order: SimOrder) -> list[SimOrder]:
        """The closing orders of a bracket's entry; [] for other orders, and before anything of it filled."""
        return [child for child in self.children(order) if child.leg is not None]

    def children(self, order: SimOrder) -> list[SimOrder]:
        """Every order whose parent this one is or was, oldest first."""
        return [self.orders[order_id] for order_id in self._children.get(order.order_id, ())]

    def group(self, order: SimOrder) -> list[SimOrder]:
        """The other orders of its group that are not over, oldest first; [] for an order of no group."""
        others = [self.orders[order_id] for order_id in self._groups.get(order.group or "", ()) if order_id != order.order_id]
        return [other for other in others if other.is_open]

    def month_units(self, now: datetime | None) -> Decimal:
        """Units traded in the month of a time."""
        return self.volumes.get(_month(now), ZERO) if now is not None else ZERO

    def index(self, order_ids: Iterable[int]) -> None:
        """Look at orders again that were put into `orders` from outside."""
        for order_id in order_ids:
            if order_id in self.orders:
                self._know(self.orders[order_id])
                self.watch(self.orders[order_id])

    def forget(self, gone: list[SimOrder]) -> None:
        """Take orders out of what is looked up: they were taken out of `orders` from outside."""
        for order in gone:
            self._by_client[order.client_order_id].remove(order.order_id)
            if order.parent_id is not None:
                self._children[order.parent_id].remove(order.order_id)
            if order.group is not None:
                self._groups[order.group].remove(order.order_id)
            self._set_open(order, False)

    def put(self, order: SimOrder) -> SimOrder:
        """Let an order stand as it is now; one that is over takes along the children that waited for it."""
        before = self.orders.get(order.order_id)
        self.orders[order.order_id] = order
        self._know(order)
        if self.listen is not None:
            self.listen(before, order)
        if not order.is_open and order.order_id in self._children:
            families.ended(self, order, order.updated_at)
        return order

    def match(self, order_id: int, now: datetime) -> None:
        """Trigger and fill an open order as the mark lets it."""
        order = self.orders[order_id]
        mark = self.marks.get(order.native_id)
        if mark is None or order.active_at is not None or not order.is_open or order.is_held:
            return
        if not self.ledger.can_settle(order.currency):
            return
        if order.time_in_force in (TimeInForce.OPG, TimeInForce.CLS):
            opening = order.opens_at is not None and order.time_in_force is TimeInForce.OPG and not self.rules.open_by_clock
            if opening and order.opens_at is not None and mark.time >= order.opens_at:
                self._auction(order, now)
            return
        moved = followed(order, mark.price, now)
        if moved is not order:
            order = self.put(moved)
        if (order.is_stop and order.triggered_at is None) or not crosses(order, *self.sides(mark)):
            return
        self._execute(order, now)

    def taker_price(self, order: SimOrder, quantity: Decimal, at: Decimal | None = None) -> Decimal:
        """What a unit costs or brings when so much of an order fills now.

        Args:
            at: Price before slippage; None: the far side of the mark.
        """
        mark = self.marks[order.native_id]
        if at is None:
            bid, ask = self.sides(mark)
            at = ask if order.side is Side.BUY else bid
        # Seeding by text is the same in every process and version; only the jitter needs a draw.
        jitter = self.costs.slippage_jitter_bp
        draw = random.Random(f"{self.seed}/{order.order_id}/{len(order.fills)}") if jitter else None
        price = self.costs.taken_price(at, order.side, draw, order.filled_quantity + quantity, mark.daily_volume)
        if order.is_limited and order.limit_price is not None:
            return min(price, order.limit_price) if order.side is Side.BUY else max(price, order.limit_price)
        return price

    def _know(self, order: SimOrder) -> None:
        _list(self._by_client, order.client_order_id, order.order_id)
        if order.parent_id is not None:
            _list(self._children, order.parent_id, order.order_id)
        if order.group is not None:
            _list(self._groups, order.group, order.order_id)
        self._set_open(order, order.is_open)

    def _set_open(self, order: SimOrder, is_open: bool) -> None:
        if order.side is Side.BUY:
            self.reserved.changed(order.order_id)
        keys = self._open.setdefault(order.native_id, set())
        if is_open and order.order_id not in keys:
            keys.add(order.order_id)
            self.watch(order)
        elif not is_open:
            keys.discard(order.order_id)

    def watch(self, order: SimOrder) -> None:
        """Remember when something happens to an order; being told twice does no harm."""
        for moment in (order.active_at, self._auction_at(order), order.expires_at):
            if order.is_open and moment is not None:
                heapq.heappush(self._timers, (moment, order.order_id))

    def pass_until(self, now: datetime, inclusive: bool) -> list[SimOrder]:
        """Everything that is due until `now`, in its order of time."""
        self.now = now
        before: dict[int, SimOrder] = {}
        while self._timers and (self._timers[0][0] < now or (inclusive and self._timers[0][0] == now)):
            moment, order_id = heapq.heappop(self._timers)
            order = self.orders.get(order_id)
            if order is None or not order.is_open:
                continue
            before.setdefault(order_id, order)
            if order.expires_at is not None and order.expires_at <= moment:
                self.put(order.changed(now, state=OrderState.EXPIRED))
            elif (auction_at := self._auction_at(order)) is not None and auction_at <= moment:
                self._auction(order, max(moment, order.updated_at))
            elif order.active_at is not None and order.active_at <= moment:
                self.arrive(self.put(order.changed(moment, active_at=None)), moment)
        return [self.orders[key] for key in sorted(before) if self.orders[key] is not before[key]]

    def arrive(self, order: SimOrder, now: datetime) -> None:
        """An order reaches the market."""
        self.match(order.order_id, now)
        order = self.orders[order.order_id]
        if (
            order.is_open
            and order.active_at is None
            and not order.is_held
            and order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
        ):
            self.put(order.changed(now, state=OrderState.CANCELLED))

    def _auction_at(self, order: SimOrder) -> datetime | None:
        """When the clock alone lets an order's auction be held."""
        if order.time_in_force is TimeInForce.CLS:
            return order.closes_at
        return order.opens_at if order.time_in_force is TimeInForce.OPG and self.rules.open_by_clock else None

    def _auction(self, order: SimOrder, now: datetime) -> None:
        """Fill an auction order at its contract's mark, as far as limit and volume let it; what is left ends."""
        mark = self.marks.get(order.native_id)
        fresh = mark is not None and (self.rules.open_by_clock or order.opens_at is None or mark.time >= order.opens_at)
        can_trade = fresh and not order.is_held and self.ledger.can_settle(order.currency)
        if can_trade and mark is not None and crosses(order, mark.price, mark.price):
            self._execute(order, now, mark.price)
        if self.orders[order.order_id].is_open:
            self.put(self.orders[order.order_id].changed(now, state=OrderState.EXPIRED))

    def sides(self, mark: Mark) -> tuple[Decimal, Decimal]:
        """(bid, ask) of a mark, in currency units."""
        if mark.bid is not None and mark.ask is not None:
            return mark.bid, mark.ask
        bid, ask = self.costs.bid_ask(mark.price)
        return (bid if mark.bid is None else mark.bid), (ask if mark.ask is None else mark.ask)

    def _execute(self, order: SimOrder, now: datetime, at: Decimal | None = None) -> None:
        mark = self.marks[order.native_id]
        quantity = order.remaining if mark.volume is None else min(order.remaining, self._whole_lots(order, mark.volume))
        if quantity <= 0 or (order.time_in_force is TimeInForce.FOK and quantity < order.remaining):
            return
        price = self.taker_price(order, quantity, at)
        if order.side is Side.BUY and not funds.affordable(self, order, quantity, price):
            self.put(order.changed(now, state=OrderState.CANCELLED, reject_code="insufficient_funds"))
            return
        if mark.volume is not None:
            self.marks[order.native_id] = mark.model_copy(update={"volume": mark.volume - quantity})
        self._fill(order, quantity, price, now)

    def _whole_lots(self, order: SimOrder, volume: Decimal) -> Decimal:
        lot = self.contracts[order.native_id].lot_size
        return volume // lot * lot if lot else volume

    def _fill(self, order: SimOrder, quantity: Decimal, price: Decimal, now: datetime) -> None:
        contract = self.contracts[order.native_id]
        commission = funds.commission(self, order, quantity, price)
        traded = SimPosition(
            native_id=order.native_id, symbol=order.symbol, currency=order.currency, quantity=quantity, average_cost=price
        )
        self.ledger.apply(order.side, traded, price, contract.multiplier, commission)
        self.volumes[_month(now)] = self.month_units(now) + quantity
        fill = Fill(
            fill_id=f"{order.order_id}.{len(order.fills) + 1}",
            quantity=quantity,
            price=price,
            time=now,
            commission=commission,
            commission_currency=order.currency,
        )
        filled = order.filled_quantity + quantity
        done = order.changed(
            now,
            fills=(*order.fills, fill),
            filled_quantity=filled,
            average_price=(order.filled_value + quantity * price) / filled,
            state=OrderState.FILLED if filled == order.quantity else OrderState.PARTIALLY_FILLED,
        )
        families.filled(self, self.put(done), quantity, now)


def _list(index: dict[K, list[int]], key: K, order_id: int) -> None:
    known = index.setdefault(key, [])
    if order_id not in known:
        known.append(order_id)
        known.sort()


def _month(moment: datetime) -> str:
    return f"{moment.year}-{moment.month:02}"  # an order asks for it several times: strftime would be a tenth of its cost
