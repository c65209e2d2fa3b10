"""Every order of one account, looked up by client order id, contract, parent and group."""

from typing import TypeVar

from include.domain.order import Side
from include.simulation.funds import Reserved
from include.simulation.orders import SimOrder
from include.simulation.tracked import Tracked

K = TypeVar("K")


class OrderBook:
    """The orders, and what leads to them.

    Attributes:
        orders: Order id -> order, every one ever submitted, rejected ones included.
        reserved: Cash that open purchases reserve.
    """

    def __init__(self) -> None:
        self.orders: Tracked[int, SimOrder] = Tracked()
        self.reserved = Reserved()
        self._by_client: dict[str, list[int]] = {}
        self._open: dict[str, set[int]] = {}  # native id -> orders that are not over
        self._children: dict[int, list[int]] = {}
        self._groups: dict[str, list[int]] = {}

    def find(self, client_order_id: str) -> list[SimOrder]:
        """All orders under a client order id, oldest first; [] where there is none."""
        return [self.orders[key] for key in self._by_client.get(client_order_id, ())]

    def open_orders(self, native_id: str | None = None) -> list[SimOrder]:
        """Orders that are not over, held ones among them, oldest first; of one contract, or all."""
        keys = self._open.get(native_id, set()) if native_id is not None else set().union(*self._open.values())
        return [self.orders[key] for key in sorted(keys)]

    def legs(self, order: SimOrder) -> list[SimOrder]:
        """The closing orders of a bracket's entry; [] for other orders, and before anything of it filled."""
        return [child for child in self.children(order) if child.leg is not None]

    def children(self, order: SimOrder) -> list[SimOrder]:
        """Every order whose parent this one is or was, oldest first."""
        return [self.orders[key] for key in self._children.get(order.order_id, ())]

    def group(self, order: SimOrder) -> list[SimOrder]:
        """The other orders of its group that are not over, oldest first; [] for an order of no group."""
        others = [self.orders[key] for key in self._groups.get(order.group or "", ()) if key != order.order_id]
        return [other for other in others if other.is_open]

    def forget(self, gone: list[SimOrder]) -> None:
        """Take orders out of what is looked up: they were taken out of `orders` from outside."""
        for order in gone:
            self._by_client[order.client_order_id].remove(order.order_id)
            if order.parent_id is not None:
                self._children[order.parent_id].remove(order.order_id)
            if order.group is not None:
                self._groups[order.group].remove(order.order_id)
            self._set_open(order, False)

    def _know(self, order: SimOrder) -> bool:
        """Let an order be found as it is now; True where it was not among the open ones and is."""
        _list(self._by_client, order.client_order_id, order.order_id)
        if order.parent_id is not None:
            _list(self._children, order.parent_id, order.order_id)
        if order.group is not None:
            _list(self._groups, order.group, order.order_id)
        return self._set_open(order, order.is_open)

    def _set_open(self, order: SimOrder, is_open: bool) -> bool:
        if order.side is Side.BUY:
            self.reserved.changed(order.order_id)
        keys = self._open.setdefault(order.native_id, set())
        if is_open and order.order_id not in keys:
            keys.add(order.order_id)
            return True
        if not is_open:
            keys.discard(order.order_id)
        return False


def _list(index: dict[K, list[int]], key: K, order_id: int) -> None:
    known = index.setdefault(key, [])
    if order_id not in known:
        known.append(order_id)
        known.sort()
