"""From weights to quantities in whole lots, and what to do with weight that no whole lot can hold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_FLOOR, ROUND_UP, Decimal

from include.allocation.targets import GRID, cap_weights
from include.domain.portfolio import UnreachablePolicy

CENT = Decimal("0.01")
UNDERFILLED = Decimal("0.1")  # lots that miss more than this share of a target are reported
_WEIGHT = Decimal("1e-12")


@dataclass(frozen=True)
class Member:
    """One name as sizing needs it.

    Attributes:
        weight: Wanted share of net asset value, 0 to 1.
        price: In `currency` units.
        fx_rate: Units of `currency` for one unit of the base currency.
        lot_size: Smallest quantity step.
    """

    ticker: str
    instrument_id: str
    weight: Decimal
    price: Decimal
    currency: str
    fx_rate: Decimal
    lot_size: Decimal

    def lots_for(self, value: Decimal) -> Decimal:
        """Quantity of whole lots that cost at most `value` (base currency); 0 for nothing or less."""
        if value <= 0:
            return Decimal(0)
        return (value * self.fx_rate / (self.price * self.lot_size)).to_integral_value(ROUND_FLOOR) * self.lot_size

    def value_of(self, quantity: Decimal) -> Decimal:
        """What a quantity costs in the base currency."""
        return quantity * self.price / self.fx_rate


@dataclass(frozen=True)
class Size:
    """One name, sized.

    Attributes:
        wanted_weight: Before the policy moved anything.
        target_weight: After it; what the plan aims at.
        target_value: `target_weight` x net asset value in the base currency, rounded down to the cent.
        quantity: Whole lots that cost at most `target_value`: the nearest number that does not exceed it, because rounding
            up would spend the cash buffer.
        unreachable_weight: What the quantity misses of the larger of both weights.
        reachable_nav: Net asset value at which the next lot would be reached; None unless lots miss more than a tenth.
        moved_to: Ticker to the weight it took over.
    """

    member: Member
    wanted_weight: Decimal
    target_weight: Decimal
    target_value: Decimal
    quantity: Decimal
    unreachable_weight: Decimal
    reachable_nav: Decimal | None
    moved_to: dict[str, Decimal]


def size(
    members: Sequence[Member],
    nav: Decimal,
    cap: Decimal,
    policy: UnreachablePolicy,
    shares: Mapping[str, Sequence[tuple[str, Decimal]]],
) -> dict[str, Size]:
    """Ticker to size, for every member; the value of all quantities is never above the sum of weights x `nav`.

    Only weight of names that cannot buy a single lot is moved. A name that lots fill in part keeps its target (a quote a
    little below the export's price may still reach the next lot), and the rest of it is cash under every policy.

    Args:
        members: Every name, with or without weight, in any order.
        nav: Net asset value in the base currency; 0 or less buys nothing.
        cap: Largest weight of one instrument, buffer taken off.
        policy: `cash`: it stays cash. `next_rank`: per screen, the next name in rank that has no target takes it over whole,
            if it buys a lot with it. `pro_rata`: the names that are reached share it by their weights, up to the cap.
        shares: Screen key to its (ticker, that screen's share) in the order of rank.
    """
    by_ticker = {member.ticker: member for member in sorted(members, key=lambda m: m.ticker)}
    weights = {ticker: member.weight for ticker, member in by_ticker.items()}
    missed = {t for t, m in by_ticker.items() if m.weight > 0 and m.lots_for(_value(m.weight, nav)) == 0}
    moved: dict[str, dict[str, Decimal]] = {}
    if nav > 0 and missed and policy is UnreachablePolicy.PRO_RATA:
        moved = _pro_rata(by_ticker, weights, missed, cap)
    elif nav > 0 and missed and policy is UnreachablePolicy.NEXT_RANK:
        moved = _next_rank(by_ticker, weights, missed, cap, nav, shares)
    return {t: _sized(replace(m, weight=weights[t]), m.weight, nav, moved.get(t, {})) for t, m in by_ticker.items()}


def _value(weight: Decimal, nav: Decimal) -> Decimal:
    return (weight * nav).quantize(CENT, ROUND_DOWN) if nav > 0 else Decimal(0)


def _sized(member: Member, wanted: Decimal, nav: Decimal, moved_to: dict[str, Decimal]) -> Size:
    target_value = _value(member.weight, nav)
    quantity = member.lots_for(target_value)
    aim = max(wanted, member.weight)
    held = member.value_of(quantity) / nav if nav > 0 else Decimal(0)
    missing = max(Decimal(0), aim - held).quantize(_WEIGHT, ROUND_DOWN)
    reachable = None
    if aim > 0 and (quantity == 0 or missing > UNDERFILLED * aim):
        reachable = (member.value_of(quantity + member.lot_size) / aim).quantize(CENT, ROUND_UP)
    return Size(member, wanted, member.weight, target_value, quantity, missing, reachable, moved_to)


def _pro_rata(
    members: Mapping[str, Member], weights: dict[str, Decimal], missed: set[str], cap: Decimal
) -> dict[str, dict[str, Decimal]]:
    """Spread the weight of `missed` over the other positive instruments by weight; `weights` is changed.

    What the cap keeps them from taking is cash: left with a missed listing it could lift its instrument over the cap.
    """
    reached: dict[str, Decimal] = {}
    for ticker, member in members.items():
        if weights[ticker] > 0 and ticker not in missed:
            reached[member.instrument_id] = reached.get(member.instrument_id, Decimal(0)) + weights[ticker]
    freed = sum((weights[ticker] for ticker in missed), Decimal(0))
    before = sum(reached.values(), Decimal(0))
    if before == 0:
        return {}
    scaled = {name: float(weight * (1 + freed / before)) for name, weight in reached.items()}
    after = cap_weights(scaled, float(cap))
    gained = {}
    for ticker, member in members.items():
        if weights[ticker] > 0 and ticker not in missed:
            factor = Decimal(after[member.instrument_id]) / reached[member.instrument_id]
            gained[ticker] = max(Decimal(0), _floor(weights[ticker] * factor) - weights[ticker])
    for ticker, gain in gained.items():
        weights[ticker] += gain
    moved: dict[str, dict[str, Decimal]] = {}
    for ticker in sorted(missed):
        part = weights[ticker] / freed
        moved[ticker] = {name: taken for name, gain in gained.items() if (taken := _floor(gain * part)) > 0}
        weights[ticker] = Decimal(0)
    return moved


def _next_rank(
    members: Mapping[str, Member],
    weights: dict[str, Decimal],
    missed: set[str],
    cap: Decimal,
    nav: Decimal,
    shares: Mapping[str, Sequence[tuple[str, Decimal]]],
) -> dict[str, dict[str, Decimal]]:
    """Hand each missed share of a screen to that screen's next name without a target; `weights` is changed."""
    moved: dict[str, dict[str, Decimal]] = {}
    by_instrument: dict[str, Decimal] = {}
    for ticker, member in members.items():
        by_instrument[member.instrument_id] = by_instrument.get(member.instrument_id, Decimal(0)) + weights[ticker]
    free = {ticker for ticker, weight in weights.items() if weight == 0}
    for key in sorted(shares):
        for ticker, wanted in shares[key]:
            if ticker not in missed or wanted <= 0:
                continue
            share = min(wanted, weights[ticker])
            for heir in (name for name, _ in shares[key] if name in free):
                instrument = members[heir].instrument_id
                if members[heir].lots_for(_value(share, nav)) > 0 and by_instrument[instrument] + share <= cap:
                    free.discard(heir)
                    weights[heir] = share
                    weights[ticker] -= share
                    by_instrument[instrument] += share
                    by_instrument[members[ticker].instrument_id] -= share
                    moved.setdefault(ticker, {})[heir] = share
                    break
    return moved


def _floor(weight: Decimal) -> Decimal:
    """Down to the grid of `targets`; a weight that misses it by a rounding error only stays on it."""
    return max(Decimal(0), Decimal(math.floor(weight * GRID * (1 + Decimal("1e-15")))) / GRID)
