"""Which broker trades what: the first rule of preferences.yaml that fits gives the order, criteria decide between its equals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from include.domain.mapping import Mapping as Mapped
from include.domain.mapping import MappingStatus
from include.domain.market import Market
from include.domain.preference import ANY, Criterion, CriterionName, Preference
from include.domain.terms import Terms
from include.errors import InputError
from include.mapping.criteria import CRITERIA, Able, Offer, Rating, Wanted, cannot_trade
from include.mapping.eligible import fits
from include.mapping.ranking import rank
from include.settings import Eligibility


@dataclass(frozen=True)
class Choice:
    """Where an instrument is traded first, and why.

    Attributes:
        best_broker: First of `execution_preference`, or None.
        execution_preference: Brokers that matched the wanted listing, in order.
        broker_order: Every broker of the rule that could trade it, whether or not it maps it or could be asked: what planning
            goes by, so that a broker in trouble keeps its place and its names wait.
        reason: In words a person can check against preferences.yaml.
    """

    best_broker: str | None
    execution_preference: tuple[str, ...]
    broker_order: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Facts:
    """What is known of the brokers beside their answers, by name; a broker that is missing somewhere is not known there.

    Attributes:
        terms: Of their YAML.
        able: What their adapters declare.
        eligibility: What they could trade at all; without `counts` they are no part of `any`.
        health: 0 to 1.
        cash: Settled money by currency, over the accounts in the run.
        frozen: Those with an account that could not be read.
        criteria: In order.
        reference_order_eur: For rows without a target value.
    """

    terms: Mapping[str, Terms] = field(default_factory=dict)
    able: Mapping[str, Able] = field(default_factory=dict)
    eligibility: Mapping[str, Eligibility] = field(default_factory=dict)
    health: Mapping[str, Decimal] = field(default_factory=dict)
    cash: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    criteria: tuple[Criterion, ...] = tuple(Criterion(by=name) for name in CriterionName)
    reference_order_eur: Decimal = Decimal(10_000)

    def offer(self, broker: str, mapped: Mapped | None) -> Offer:
        """What is known of a broker for one instrument; None: it is not active."""
        return Offer(
            asked=mapped is not None and mapped.status is not MappingStatus.UNAVAILABLE,
            contract=mapped.contract if mapped else None,
            terms=self.terms.get(broker, Terms()),
            able=self.able.get(broker),
            health=self.health.get(broker),
            cash=self.cash.get(broker),
            frozen=broker in self.frozen,
        )


def choose(
    wanted: Wanted,
    market: str,
    mappings: Mapping[str, Mapped],
    rules: Sequence[Preference],
    markets: Mapping[str, Market],
    facts: Facts,
) -> Choice:
    """Choose among the brokers of a run.

    Args:
        wanted: The order that brokers are compared for.
        market: Key into markets.yaml.
        mappings: Broker to what it said of the instrument; other brokers do not take part.
        rules: In order, as `Settings.preferences`.
        markets: By id.
        facts: About the brokers.

    Raises:
        InputError: The market is not configured.
    """
    if market not in markets:
        raise InputError("expected a market of markets.yaml", field="market", value=market)
    kind, region = wanted.asset_class, markets[market].region
    found = _rule(kind, region, rules)
    if found is None:
        return Choice(None, (), (), f"no rule for {kind} in {region}")
    number, rule = found
    groups = _groups(rule, mappings, facts)
    offers = {broker: facts.offer(broker, mappings.get(broker)) for group in groups for broker in group}
    barred = {broker: why for broker, offer in offers.items() if (why := cannot_trade(offer, wanted))}
    barred |= {
        b: "not eligible" for b in offers if b in facts.eligibility and not fits(kind, market, facts.eligibility[b], markets)
    }

    def rate(name: CriterionName, broker: str) -> Rating:
        return CRITERIA[name](offers[broker], wanted)

    ranked = [rank([broker for broker in group if broker not in barred], facts.criteria, rate) for group in groups]
    order = tuple(broker for brokers, _ in ranked for broker in brokers)
    matched = tuple(b for b in order if b in mappings and mappings[b].status is MappingStatus.MATCHED)
    written = " > ".join(" = ".join(group) for group in groups)
    passed = [f"{b} {_said(mappings.get(b))}" for b in order if b not in matched]
    passed += [f"{b} left out: {why}" for b, why in barred.items()]
    told = [f"rule {number} ({kind} in {region}): {written}", *(why for _, reasons in ranked for why in reasons)]
    reason = "; ".join([*told, ", ".join(passed)] if passed else told)
    return Choice(matched[0] if matched else None, matched, order, reason)


def _groups(rule: Preference, mappings: Mapping[str, Mapped], facts: Facts) -> list[tuple[str, ...]]:
    """The rule's entries as groups of equals; `any` in the order of names."""
    counted = [b for b in sorted(mappings) if b not in facts.eligibility or facts.eligibility[b].counts]
    others = tuple(broker for broker in counted if broker not in rule.names)
    entries = [others if entry == ANY else (entry,) if isinstance(entry, str) else entry for entry in rule.brokers]
    return [entry for entry in entries if entry]


def _rule(asset_class: str, region: str, rules: Sequence[Preference]) -> tuple[int, Preference] | None:
    for number, rule in enumerate(rules, start=1):
        if (not rule.asset_classes or asset_class in rule.asset_classes) and (not rule.regions or region in rule.regions):
            return number, rule
    return None


def _said(mapped: Mapped | None) -> str:
    return "not active" if mapped is None else mapped.status.value.replace("_", " ")
