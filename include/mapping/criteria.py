"""Criteria: how good a broker is for one instrument, each a pure function of what was declared or read.

A criterion gives a score (more is better) with the words a person needs to check it. What is not known ranks after what is known.
Where a broker could not be asked, what only its answer tells counts as the best there is: its names wait, they are not re-routed.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from include.domain.contract import Contract
from include.domain.planned_form import ORDER_TYPE, time_in_force
from include.domain.preference import CriterionName
from include.domain.terms import Terms, first_fit


class Able(Protocol):
    """What can be done at a broker (`include.brokers.base.Capabilities`)."""

    @property
    def asset_classes(self) -> Set[str]:
        """`AssetClass` values it trades."""

    @property
    def order_types(self) -> Set[str]:
        """`OrderType` values it takes."""

    @property
    def times_in_force(self) -> Set[str]:
        """`TimeInForce` values it takes."""

    @property
    def why_not(self) -> Mapping[str, str]:
        """Kinds that are declared and cannot be traded now, and why."""

    def for_kind(self, asset_class: str) -> "Able":
        """What it can do for one kind."""


@dataclass(frozen=True)
class Rating:
    """A criterion's answer; `score` None: not known."""

    score: Decimal | None
    words: str


@dataclass(frozen=True)
class Wanted:
    """The order that brokers are compared for.

    Attributes:
        region: Of its market.
        price: Of one unit in `currency`; None: not known.
        value: Of the order, in euro.
        per_euro: Units of a currency for one euro.
    """

    asset_class: str
    region: str
    currency: str
    price: Decimal | None
    value: Decimal
    per_euro: Mapping[str, Decimal] = field(default_factory=dict)

    def in_euro(self, amount: Decimal, currency: str) -> Decimal | None:
        """Money in euro; None without a rate (nothing is nothing in every currency)."""
        rate = Decimal(1) if currency == "EUR" else self.per_euro.get(currency)
        return amount if not amount else (amount / rate if rate else None)


@dataclass(frozen=True)
class Offer:
    """One broker, as far as it is known for one instrument.

    Attributes:
        asked: False: not active, or it could not be asked; then there is no `contract`.
        contract: What it would trade.
        terms: Of its YAML.
        able: What its adapter declares; None: not known.
        health: 0 (down) to 1; None: not measured.
        cash: Settled money by currency over its accounts in the run; None: it has none, or none could be read.
        frozen: An account could not be read.
    """

    asked: bool = True
    contract: Contract | None = None
    terms: Terms = field(default_factory=Terms)
    able: Able | None = None
    health: Decimal | None = None
    cash: Mapping[str, Decimal] | None = None
    frozen: bool = False


def cannot_trade(offer: Offer, wanted: Wanted) -> str | None:
    """Why it would refuse the order that planning sends, by what its adapter declares; None: it takes it, or declares nothing."""
    if offer.able is None:
        return None
    if why := offer.able.why_not.get(wanted.asset_class):
        return f"trades no {wanted.asset_class} in this account: {why}"
    if wanted.asset_class not in offer.able.asset_classes:
        return f"trades no {wanted.asset_class}"
    able, kind, lasting = offer.able.for_kind(wanted.asset_class), wanted.asset_class, time_in_force(wanted.asset_class)
    if ORDER_TYPE not in able.order_types:
        return f"takes no {ORDER_TYPE.value} orders for {kind}"
    return None if lasting in able.times_in_force else f"takes no {lasting.value} orders for {kind}"


def capability(offer: Offer, wanted: Wanted) -> Rating:
    """1 where the order holds the smallest one that the contract allows, else 0. Planning buys whole lots, fractions or not."""
    smallest = _smallest(offer, wanted)
    if not offer.asked:
        return Rating(Decimal(1), "not asked")
    if smallest is None:
        return Rating(None, "not known")
    words = f"smallest order {smallest:.2f} EUR of {wanted.value:.0f}"
    return Rating(Decimal(int(smallest <= wanted.value)), words)


def cost(offer: Offer, wanted: Wanted) -> Rating:
    """Commission and spread of the order in bp, the less the better."""
    row = first_fit(offer.terms.costs, wanted.asset_class, wanted.region, wanted.currency)
    if row is None:
        return Rating(None, "not declared")
    currency = row.commission_currency or wanted.currency
    price = wanted.in_euro(wanted.price, wanted.currency) if wanted.price else None
    per_unit = wanted.in_euro(row.commission_per_unit, currency)
    minimum = wanted.in_euro(row.commission_minimum, currency)
    if per_unit is None or minimum is None or (per_unit and not price):
        return Rating(None, f"no price or rate of {currency}")
    commission = wanted.value * row.commission_bp / 10_000 + (per_unit * wanted.value / price if price else 0)
    total = max(commission, minimum) / wanted.value * 10_000 + row.spread_bp
    return Rating(-total, f"{total:.2f} bp of {wanted.value:.0f} EUR")


def hours(offer: Offer, wanted: Wanted) -> Rating:
    """Hours a week in which the broker trades, the more the better."""
    row = first_fit(offer.terms.hours, wanted.asset_class, wanted.region, wanted.currency)
    return Rating(None, "not declared") if row is None else Rating(row.per_week, f"{row.per_week:f} h a week")


def liquidity(offer: Offer, wanted: Wanted) -> Rating:
    """The smallest order (lot, or least value) in percent of the wanted one, the less the better: how closely it can be met."""
    smallest = _smallest(offer, wanted)
    if not offer.asked:
        return Rating(Decimal(0), "not asked")
    if smallest is None:
        return Rating(None, "not known")
    share = smallest / wanted.value * 100
    return Rating(-share, f"smallest order {share:.2f} %")


def health(offer: Offer, wanted: Wanted) -> Rating:
    """How well the broker has been answering, the more the better."""
    return Rating(None, "not measured") if offer.health is None else Rating(offer.health, f"{offer.health:.2f}")


def cash(offer: Offer, wanted: Wanted) -> Rating:
    """The share of the order that settled cash in the instrument's currency pays, at most 1."""
    if offer.frozen:
        return Rating(Decimal(1), "not read")
    if offer.cash is None:
        return Rating(None, "no account")
    currency = offer.contract.currency if offer.contract else wanted.currency
    counted = offer.cash if offer.terms.converts_currency else {currency: offer.cash.get(currency, Decimal(0))}
    amounts = [wanted.in_euro(amount, name) for name, amount in counted.items()]
    if None in amounts and not offer.terms.converts_currency:
        return Rating(None, f"no rate of {currency}")
    total = max(sum((amount for amount in amounts if amount is not None), Decimal(0)), Decimal(0))
    own = "in any currency" if offer.terms.converts_currency else f"in {currency}"
    return Rating(min(total / wanted.value, Decimal(1)), f"{total:.0f} EUR {own}")


def _smallest(offer: Offer, wanted: Wanted) -> Decimal | None:
    """Value of the smallest order in euro, None where contract, price or rate are not known."""
    contract = offer.contract
    price = wanted.in_euro(wanted.price, wanted.currency) if wanted.price else None
    if contract is None or price is None:
        return None
    least = wanted.in_euro(contract.min_notional or Decimal(0), contract.currency)
    return None if least is None else max(contract.lot_size * contract.multiplier * price, least)


CRITERIA: Mapping[CriterionName, Callable[[Offer, Wanted], Rating]] = {
    CriterionName.CAPABILITY: capability,
    CriterionName.COST: cost,
    CriterionName.HOURS: hours,
    CriterionName.LIQUIDITY: liquidity,
    CriterionName.HEALTH: health,
    CriterionName.CASH: cash,
}
