"""How an order's state may move: forward only (docs/architecture.md, "An order's life")."""

from include.domain.order import OrderState

_RANK = {
    OrderState.PLANNED: 0,
    OrderState.SENDING: 1,
    OrderState.UNKNOWN: 2,
    OrderState.ACCEPTED: 3,
    OrderState.PARTIALLY_FILLED: 4,
}
_FINAL_RANK = 5

OPEN = (OrderState.SENDING, OrderState.UNKNOWN, OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)


def advance(current: OrderState, reported: OrderState) -> OrderState:
    """The state after a report: the further one of the two.

    A final state stays, with two exceptions that only ever add knowledge: `not_sent` is our own conclusion from an absence
    and gives way to the broker's final word, and an order reported cancelled or expired may turn out to have filled
    meanwhile (brokers report the two in either order).
    """
    if current.is_final:
        proven = current is OrderState.NOT_SENT and reported.is_final and reported is not OrderState.HELD
        filled_after_all = current in (OrderState.CANCELLED, OrderState.EXPIRED) and reported is OrderState.FILLED
        return reported if proven or filled_after_all else current
    if reported is OrderState.HELD and current is not OrderState.PLANNED:
        return current  # it left already: a rule comes too late
    if reported is OrderState.NOT_SENT and current in (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED):
        return current  # the broker had it
    return reported if _RANK.get(reported, _FINAL_RANK) > _RANK[current] else current
