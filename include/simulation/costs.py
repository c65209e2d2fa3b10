"""What trading costs in the simulation: half spread, slippage and market impact, commission."""

import random
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from pydantic import Field, model_validator

from include.domain.model import Value
from include.domain.order import Side

BASIS_POINT = Decimal("0.0001")
PRICE_STEP = Decimal("0.00000001")
MONEY_STEP = Decimal("0.0001")
ZERO = Decimal(0)


class CommissionTier(Value):
    """What is charged once so much was traded in a calendar month (UTC), in place of the schedule's own rates.

    Attributes:
        above_units: Units of all contracts traded in the month before the fill: more than these.
    """

    above_units: Decimal = Field(ge=0)
    commission_bp: Decimal = Field(ZERO, ge=0)
    commission_per_unit: Decimal = Field(ZERO, ge=0)


class Costs(Value):
    """Costs of the simulation; all are positive when they hurt, and none by default but the spread.

    The slippage models add up: fixed, percentage, random, impact. A limit price is never exceeded by any of them.

    Market impact is the square-root law, `impact_bp * sqrt(quantity / daily volume)`: the price moves with the root of the part
    of the day's volume that an order takes, with a prefactor near the day's volatility (B. Toth et al., "Anomalous price impact
    and the critical nature of liquidity in financial markets", Physical Review X 1, 2011; J.-P. Bouchaud et al., "Trades, Quotes
    and Prices", 2018, chapter 12). It is computed per fill, with the order's whole filled quantity.

    Attributes:
        half_spread_bp: Distance of bid and ask from the mark, in basis points of it.
        slippage_bp: What a taker pays beyond the far side, in basis points of it.
        slippage_fixed: The same in currency units per unit of the contract, added to `slippage_bp`.
        slippage_jitter_bp: Up to this much more per fill, drawn from the seed, the order and the fill.
        impact_bp: What trading a whole day's volume would move the price by: about the daily volatility in basis points.
        commission_bp: Commission in basis points of an order's notional.
        commission_per_unit: Commission per unit of the contract, in its currency, added to `commission_bp`.
        commission_minimum: At least this much per order with a fill, in the contract's currency.
        commission_maximum_bp: At most this much of an order's notional, also where the minimum is more; None: no maximum.
        commission_tiers: Other rates for those who trade much, by ascending `above_units`.
    """

    half_spread_bp: Decimal = Field(Decimal(1), ge=0, lt=10000)
    slippage_bp: Decimal = Field(ZERO, ge=0)
    slippage_fixed: Decimal = Field(ZERO, ge=0)
    slippage_jitter_bp: Decimal = Field(ZERO, ge=0)
    impact_bp: Decimal = Field(ZERO, ge=0)
    commission_bp: Decimal = Field(ZERO, ge=0)
    commission_per_unit: Decimal = Field(ZERO, ge=0)
    commission_minimum: Decimal = Field(ZERO, ge=0)
    commission_maximum_bp: Decimal | None = Field(None, ge=0)
    commission_tiers: tuple[CommissionTier, ...] = ()

    @model_validator(mode="after")
    def _tiers_ascend(self) -> "Costs":
        starts = [tier.above_units for tier in self.commission_tiers]
        if starts != sorted(set(starts)):
            raise ValueError("expected commission_tiers by ascending above_units, each once")
        return self

    def bid_ask(self, mark: Decimal) -> tuple[Decimal, Decimal]:
        """(bid, ask) around a mark, in currency units."""
        half = mark * self.half_spread_bp * BASIS_POINT
        return _price(mark - half), _price(mark + half)

    def taken_price(
        self,
        far_side: Decimal,
        side: Side,
        draw: random.Random | None = None,
        quantity: Decimal = ZERO,
        daily_volume: Decimal | None = None,
    ) -> Decimal:
        """Price a taker gets: the far side, worsened by the slippage; never below zero.

        Args:
            draw: Decides the random part; None: there is none.
            quantity: Units of the order that are filled with this fill, earlier ones included.
            daily_volume: Units traded in a day; None: no impact.
        """
        worse_bp = self.slippage_bp
        if self.slippage_jitter_bp and draw is not None:
            worse_bp += self.slippage_jitter_bp * Decimal(str(round(draw.random(), 6)))
        if self.impact_bp and daily_volume and quantity > 0:
            worse_bp += self.impact_bp * (quantity / daily_volume).sqrt()
        worse = far_side * worse_bp * BASIS_POINT + self.slippage_fixed
        return max(_price(far_side + side.sign * worse), ZERO)

    def commission(self, notional: Decimal, quantity: Decimal = ZERO, month_units: Decimal = ZERO) -> Decimal:
        """Commission of an order whose fills so far sum to `notional` and `quantity` units; 0 for a notional of 0.

        Args:
            month_units: Units traded in the month before its last fill.
        """
        if notional == 0:
            return ZERO
        rate_bp, per_unit = self.commission_bp, self.commission_per_unit
        for tier in self.commission_tiers:
            if month_units > tier.above_units:
                rate_bp, per_unit = tier.commission_bp, tier.commission_per_unit
        charged = max(notional * rate_bp * BASIS_POINT + quantity * per_unit, self.commission_minimum)
        if self.commission_maximum_bp is not None:
            charged = min(charged, notional * self.commission_maximum_bp * BASIS_POINT)
        return charged.quantize(MONEY_STEP, rounding=ROUND_HALF_UP)


def _price(value: Decimal) -> Decimal:
    return value.quantize(PRICE_STEP, rounding=ROUND_HALF_EVEN).normalize() + ZERO
