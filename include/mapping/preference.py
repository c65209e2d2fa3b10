"""Which broker trades what: the first rule of preferences.yaml that fits gives the order; who did not match is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.domain.mapping import MappingStatus
from include.domain.market import Market
from include.errors import InputError
from include.settings import Preference


@dataclass(frozen=True)
class Choice:
    """Where an instrument is traded first, and why.

    Attributes:
        best_broker: First of `execution_preference`, or None.
        execution_preference: Brokers that matched the wanted listing, in the rule's order.
        reason: In words a person can check against preferences.yaml.
    """

    best_broker: str | None
    execution_preference: tuple[str, ...]
    reason: str


def broker_order(asset_class: str, market: str, rules: Sequence[Preference], markets: Mapping[str, Market]) -> tuple[str, ...]:
    """The order of brokers for a kind of instrument on a market; () where no rule fits.

    Raises:
        InputError: The market is not configured.
    """
    rule = _rule(asset_class, market, rules, markets)
    return rule[1].brokers if rule else ()


def choose(
    asset_class: str,
    market: str,
    statuses: Mapping[str, MappingStatus],
    rules: Sequence[Preference],
    markets: Mapping[str, Market],
) -> Choice:
    """Choose among the brokers of a run.

    Args:
        asset_class: `AssetClass` value.
        market: Key into markets.yaml.
        statuses: Broker to what it said; other brokers do not take part.
        rules: In order, as `Settings.preferences`.
        markets: By id.
    """
    rule = _rule(asset_class, market, rules, markets)
    if rule is None:
        return Choice(None, (), f"no rule for {asset_class} in {markets[market].region}")
    number, preference = rule
    matched = tuple(b for b in preference.brokers if statuses.get(b) is MappingStatus.MATCHED)
    passed = [f"{b} {_said(statuses.get(b))}" for b in preference.brokers if b not in matched]
    kind = f"rule {number} ({asset_class} in {markets[market].region}): {' > '.join(preference.brokers)}"
    return Choice(matched[0] if matched else None, matched, kind + (f"; {', '.join(passed)}" if passed else ""))


def _rule(
    asset_class: str, market: str, rules: Sequence[Preference], markets: Mapping[str, Market]
) -> tuple[int, Preference] | None:
    if market not in markets:
        raise InputError("expected a market of markets.yaml", field="market", value=market)
    region = markets[market].region
    for number, rule in enumerate(rules, start=1):
        if (not rule.asset_classes or asset_class in rule.asset_classes) and (not rule.regions or region in rule.regions):
            return number, rule
    return None


def _said(status: MappingStatus | None) -> str:
    return "not active" if status is None else status.value.replace("_", " ")
