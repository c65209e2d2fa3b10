"""What one broker says about every wanted instrument, those it could never trade included."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from include.domain.instrument import Instrument
from include.domain.mapping import Mapping as Mapped
from include.domain.mapping import MappingStatus
from include.domain.market import Market
from include.mapping.eligible import eligible, home_market
from include.mapping.matcher import match
from include.settings import Eligibility

PAIR_REGIONS = frozenset({"crypto", "fx"})  # regions of markets.yaml that have the name of a kind


def answers(
    wanted: Sequence[Instrument],
    contracts: pa.Table,
    broker: str,
    rule: Eligibility,
    markets: Mapping[str, Market],
    knows_isin: bool,
) -> list[Mapped]:
    """One mapping per wanted instrument, in their order; one that is not eligible is `not_found`.

    Its reason is `not_crypto_asset` (`not_fx_asset` ...) at a broker that trades one other kind only, else `not_eligible`.

    Args:
        wanted: Each ticker once.
        contracts: Table of `CONTRACT_SCHEMA`.
        broker: Name written into the mappings.
        rule: What the broker could trade at all.
        markets: By id.
        knows_isin: As in `match`.

    Raises:
        InputError: As `match`.
    """
    asked = [instrument for instrument in wanted if eligible(instrument, rule, markets)]
    found = {m.ticker: m for m in match(asked, contracts, markets, knows_isin, broker, home_market(rule, markets))}
    return [found.get(instrument.ticker) or _not_eligible(instrument, broker, rule) for instrument in wanted]


def _not_eligible(instrument: Instrument, broker: str, rule: Eligibility) -> Mapped:
    kinds = {kind.value for kind in rule.asset_classes} or {region for region in rule.regions if region in PAIR_REGIONS}
    only = kinds.pop() if len(kinds) == 1 and len(rule.regions) <= 1 else None
    return Mapped(
        broker=broker,
        ticker=instrument.ticker,
        instrument_id=instrument.instrument_id,
        status=MappingStatus.NOT_FOUND,
        reason=f"not_{only}_asset" if only and only != instrument.asset_class.value else "not_eligible",
    )
