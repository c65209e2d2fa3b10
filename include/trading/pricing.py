"""From a quote to a limit price, and the reasons to distrust a quote."""

from decimal import Decimal

from include.domain.contract import Contract
from include.domain.order import Side
from include.domain.portfolio import Limits
from include.domain.price import round_to_tick
from include.domain.quote import Quote


def distrust(quote: Quote | None, contract: Contract, expected: Decimal | None, limits: Limits) -> str | None:
    """Why a quote must not size an order, or None when it may.

    Args:
        quote: Fresh quote, or None where the broker has none.
        contract: The contract it should be for.
        expected: Price expected from the export, in the contract's currency; None where nothing is known (a name that left).
        limits: `max_quote_deviation_pct` decides; a factor of that size means a wrong listing, pence, or a split.
    """
    price = quote.mid if quote else None
    if quote is None or price is None or price <= 0:
        return "no_quote: the broker quotes no price"
    if quote.currency != contract.currency:
        return f"currency_mismatch: quoted in {quote.currency}, the contract is in {contract.currency}"
    if expected is not None and expected > 0:
        deviation = abs(price / expected - 1) * 100
        if deviation > limits.max_quote_deviation_pct:
            return f"quote_deviates: {price.normalize():f} is {deviation:.0f} % away from the export's {expected.normalize():f}"
    return None


def limit_price(price: Decimal, side: Side, market: str, tick: Decimal, limits: Limits) -> Decimal:
    """The worst price accepted: `price` plus (buy) or minus (sell) the market's collar, rounded towards `price`.

    Args:
        price: Middle of the quote, in currency units.
        side: Buy limits lie above, sell limits below.
        market: Market id, for `collar_bp_by_market`.
        tick: Price step; the result is on its grid and positive.
        limits: `collar_bp` in basis points.
    """
    collar = limits.collar_bp_by_market.get(market, limits.collar_bp) / Decimal(10_000)
    if side is Side.BUY:
        return max(round_to_tick(price * (1 + collar), tick, up=False), tick)
    return max(round_to_tick(price * (1 - collar), tick, up=True), tick)
