"""Orders that depend on each other: children that wait for their parent, and groups of which one cancels the others.

A child is held until its parent has filled (`Rules.children_start`) and ends with a parent that ends before. A fill of one order
of a group takes as much off the others, or ends them (`OneCancels`); together they reserve cash or position once.
"""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from include.domain.order import OrderState, Side
from include.simulation import brackets, checks
from include.simulation.orders import ChildStart, OneCancels, SimOrder

if TYPE_CHECKING:
    from include.simulation.matching import Matching


def filled(engine: "Matching", order: SimOrder, quantity: Decimal, now: datetime) -> None:
    """Work a fill of so much into the order's group, its children and its parent."""
    if order.group is not None:
        _share(engine, order, quantity, now)
    if engine.rules.starts_children(order):
        children = engine.children(order)
        _start_or_grow(engine, children, quantity, now)
        if order.is_bracket and not any(child.leg for child in children):
            _open_legs(engine, order, now)
    if order.parent_id is not None and order.state is OrderState.FILLED:
        _close_parent(engine, order, now)


def start(engine: "Matching", child: SimOrder, now: datetime) -> SimOrder:
    """Let a child stand whose parent has filled; not matched yet. One that cannot be covered is rejected."""
    if engine.rules.children_start is ChildStart.FIRST_FILL:
        quantity = min(child.quantity, allowance(engine, child))
        if quantity <= 0:  # the others of its group have closed everything
            return engine.put(child.changed(now, state=OrderState.CANCELLED))
        child = child.changed(now, quantity=quantity, wanted_quantity=child.quantity)
    child = child.changed(now, started=True)
    code = None if child.is_held else checks.uncovered(engine, child)
    return engine.put(child if code is None else child.changed(now, state=OrderState.REJECTED, reject_code=code))


def ended(engine: "Matching", parent: SimOrder, now: datetime) -> None:
    """End the children that waited for a fill that will not come."""
    for child in engine.children(parent):
        if child.is_open and not child.started and not engine.rules.starts_children(parent):
            engine.put(child.changed(now, state=OrderState.CANCELLED))


def end_group(engine: "Matching", order: SimOrder, now: datetime) -> None:
    """Cancel the others of an order's group."""
    for other in engine.group(order):
        engine.put(other.changed(now, state=OrderState.CANCELLED))


def allowance(engine: "Matching", child: SimOrder) -> Decimal:
    """How large a child may be by now: what its parent filled but for what the others of its group have filled."""
    assert child.parent_id is not None
    parent = engine.orders[child.parent_id]
    others = [other for other in engine.children(parent) if child.group is not None and other.group == child.group]
    return parent.filled_quantity - sum((o.filled_quantity for o in others if o.order_id != child.order_id), Decimal(0))


def _share(engine: "Matching", order: SimOrder, quantity: Decimal, now: datetime) -> None:
    for other in engine.group(order):
        if order.one_cancels is OneCancels.CANCEL or other.remaining <= quantity:
            engine.put(other.changed(now, state=OrderState.CANCELLED))
        else:
            wanted = None if other.wanted_quantity is None else other.wanted_quantity - quantity
            engine.put(other.changed(now, quantity=other.quantity - quantity, wanted_quantity=wanted))


def _open_legs(engine: "Matching", entry: SimOrder, now: datetime) -> None:
    legs = [engine.put(leg) for leg in brackets.legs(entry, len(engine.orders) + 1, now)]
    for leg in legs:
        engine.match(leg.order_id, now)


def _start_or_grow(engine: "Matching", children: list[SimOrder], quantity: Decimal, now: datetime) -> None:
    begun = []
    for child in children:
        if not child.is_open:
            continue
        if not child.started:
            begun.append(start(engine, child, now))
        else:
            _grow(engine, child, quantity, now)
    for child in begun:  # only now that all of a group are as large as they are meant to be
        if engine.orders[child.order_id].is_open:
            engine.arrive(engine.orders[child.order_id], now)


def _grow(engine: "Matching", child: SimOrder, quantity: Decimal, now: datetime) -> None:
    more = quantity if child.wanted_quantity is None else min(quantity, child.wanted_quantity - child.quantity)
    if more <= 0:
        return
    grown = child.changed(now, quantity=child.quantity + more)
    if child.side is Side.BUY or child.is_held or checks.uncovered(engine, grown) is None:
        engine.put(grown)


def _close_parent(engine: "Matching", child: SimOrder, now: datetime) -> None:
    """A child that has filled all that its parent bought so far ends the parent's rest: it has closed the position."""
    assert child.parent_id is not None
    parent = engine.orders[child.parent_id]
    if parent.is_open and (child.wanted_quantity is None or child.quantity < child.wanted_quantity):
        engine.put(parent.changed(now, state=OrderState.CANCELLED))
