"""Eligibility: what a broker could trade at all, by region and kind. What is not eligible is no gap in its coverage."""

from collections.abc import Mapping

from include.domain.instrument import Instrument
from include.domain.market import Market
from include.errors import InputError
from include.settings import Eligibility


def eligible(instrument: Instrument, rule: Eligibility, markets: Mapping[str, Market]) -> bool:
    """Whether a broker with this rule could trade the instrument; an empty list in the rule allows everything.

    Raises:
        InputError: The instrument's market is not configured.
    """
    return fits(instrument.asset_class.value, instrument.market, rule, markets)


def fits(asset_class: str, market: str, rule: Eligibility, markets: Mapping[str, Market]) -> bool:
    """`eligible` for the kind and market of a row of the universe document."""
    if market not in markets:
        raise InputError("expected a market of markets.yaml", field="market", value=market)
    in_region = not rule.regions or markets[market].region in rule.regions
    return in_region and (not rule.asset_classes or asset_class in rule.asset_classes)


def home_market(rule: Eligibility, markets: Mapping[str, Market]) -> str | None:
    """The one market of a broker that serves a single region of a single market (`us`: `US`); None where it could be several.

    Crypto and currency pairs are known by their kind and do not count.
    """
    served = [m.market for m in markets.values() if m.region in rule.regions and m.region not in ("crypto", "fx")]
    return served[0] if len(served) == 1 else None
