"""What trading costs in the simulation: half spread, slippage and commission."""

import random
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from pydantic import Field

from include.domain.model import Value
from include.domain.order import Side

BASIS_POINT = Decimal("0.0001")
PRICE_STEP = Decimal("0.00000001")
MONEY_STEP = Decimal("0.0001")


class Costs(Value):
    """Costs of the simulation; all are positive when they hurt, and none by default but the spread.

    Attributes:
        half_spread_bp: Distance of bid and ask from the mark, in basis points of it.
        slippage_bp: What a taker pays beyond the far side, in basis points of it.
        slippage_fixed: The same in currency units per unit of the contract, added to `slippage_bp`.
        slippage_jitter_bp: Up to this much more per fill, drawn from the seed, the order and the fill.
        commission_bp: Commission in basis points of an order's notional.
        commission_minimum: At least this much per order with a fill, in the contract's currency.
    """

    half_spread_bp: Decimal = Field(Decimal(1), ge=0, lt=10000)
    slippage_bp: Decimal = Field(Decimal(0), ge=0)
    slippage_fixed: Decimal = Field(Decimal(0), ge=0)
    slippage_jitter_bp: Decimal = Field(Decimal(0), ge=0)
    commission_bp: Decimal = Field(Decimal(0), ge=0)
    commission_minimum: Decimal = Field(Decimal(0), ge=0)

    def bid_ask(self, mark: Decimal) -> tuple[Decimal, Decimal]:
        """(bid, ask) around a mark, in currency units."""
        half = mark * self.half_spread_bp * BASIS_POINT
        return _price(mark - half), _price(mark + half)

    def taken_price(self, far_side: Decimal, side: Side, draw: random.Random) -> Decimal:
        """Price a taker gets: the far side, worsened by the slippage; never below zero."""
        jitter = self.slippage_jitter_bp * Decimal(str(round(draw.random(), 6))) if self.slippage_jitter_bp else Decimal(0)
        worse = far_side * (self.slippage_bp + jitter) * BASIS_POINT + self.slippage_fixed
        return max(_price(far_side + side.sign * worse), Decimal(0))

    def commission(self, notional: Decimal) -> Decimal:
        """Commission of an order whose fills so far sum to `notional`; 0 for a notional of 0."""
        if notional == 0:
            return Decimal(0)
        charged = max(notional * self.commission_bp * BASIS_POINT, self.commission_minimum)
        return charged.quantize(MONEY_STEP, rounding=ROUND_HALF_UP)


def _price(value: Decimal) -> Decimal:
    return value.quantize(PRICE_STEP, rounding=ROUND_HALF_EVEN).normalize() + Decimal(0)
