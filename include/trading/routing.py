"""Which account buys an instrument. Sells happen where it is held; nothing is re-routed away from a broker in trouble."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from include.domain.account import AccountSnapshot
from include.domain.contract import Contract
from include.domain.mapping import MappingStatus
from include.domain.portfolio import Portfolio
from include.trading.candidate import Candidate


@dataclass(frozen=True)
class Route:
    """Where a buy goes, and why there."""

    account_id: str
    contract: Contract
    reason: str


def route(
    candidate: Candidate,
    portfolio: Portfolio,
    snapshots: dict[str, AccountSnapshot],
    barred: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Route | str:
    """The account and contract for buying a candidate, or the reason why none may.

    Brokers are asked in the candidate's order of preference. One whose mapping waits for a person ends the search, whatever the
    mapping says now (what was matched yesterday may be another listing today, or none); so does one that could not be asked
    (`unavailable`), or whose account is frozen: its names wait, they are not re-routed. One that definitely has no such contract,
    or whose account may not trade this kind, is passed over. The wanted listing at any broker comes before another listing, where
    that may be traded at all.

    Args:
        candidate: The instrument.
        portfolio: Only its accounts are considered.
        snapshots: Account id to this run's snapshot; an account without one counts as frozen.
        barred: Account id to the kinds of contracts that its broker says it cannot trade, and why.
    """
    by_broker = {account.broker: account.account_id for account in reversed(portfolio.accounts)}
    refused, restricted = [], False
    other: Route | None = None
    for broker in candidate.preference:
        if broker not in by_broker:
            continue
        if broker in candidate.mapping_held:
            return candidate.mapping_held[broker]
        account_id = by_broker[broker]
        mapping = candidate.mappings.get(broker)
        if mapping is None or mapping.status is MappingStatus.UNAVAILABLE:
            return f"broker_unavailable: {broker} is preferred and could not be asked"
        wanted = mapping.status is MappingStatus.MATCHED
        usable = wanted or (mapping.status is MappingStatus.OTHER_LISTING and portfolio.trade_other_listings)
        if mapping.contract is None or not usable:
            refused.append(f"{broker}: {mapping.reason or mapping.status.value}")
            continue
        if why_not := barred.get(account_id, {}).get(mapping.contract.asset_class):
            refused.append(f"{broker}: {why_not}")
            restricted = True
            continue
        snapshot = snapshots.get(account_id)
        if snapshot is None or snapshot.frozen:
            return f"account_frozen: {account_id} is preferred and could not be read"
        why = f"{broker} is first of {', '.join(candidate.preference)} that maps it"
        found = Route(account_id, mapping.contract, why)
        if wanted:
            return found
        other = other or found
    kind = "account_restricted" if restricted else "not_mapped"
    return other or f"{kind}: {'; '.join(refused) or 'no broker of this portfolio trades it'}"
