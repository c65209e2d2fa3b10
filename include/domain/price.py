"""Prices on a tick grid."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


def round_to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """`price` on the grid of `tick`, rounded up or down; a price on the grid is unchanged.

    Args:
        price: In currency units.
        tick: Positive price step in the same units.
        up: Towards the higher price (sell limits), else the lower (buy limits).
    """
    steps = (price / tick).to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR)
    return steps * tick
