"""What the planner knows about one instrument before it prices anything."""

from dataclasses import dataclass, field
from decimal import Decimal

from include.domain.contract import Contract
from include.domain.mapping import Mapping


@dataclass(frozen=True)
class Holding:
    """Managed quantity of one contract in one account, signed; `contract` as its broker describes it now, else when bought."""

    account_id: str
    contract: Contract
    quantity: Decimal


@dataclass(frozen=True)
class Candidate:
    """One instrument that has a target, is held, or both.

    Attributes:
        target_weight: Wanted share of net asset value, 0 to 1; 0 for a name that left the universe.
        export_price: Price in `export_currency` from the screen, None for a name that left the universe.
        market: Market id of the wanted listing (`XTKS`, `US`).
        mappings: Broker name to what the matcher said; a broker that delivered nothing is absent.
        preference: Brokers in the order they should trade it, mapped or not.
        holdings: Where it is held now.
        mapping_held: Broker name to the reason why its mapping waits until a person has seen it: nothing is traded there.
    """

    ticker: str
    instrument_id: str
    name: str
    target_weight: Decimal
    export_price: Decimal | None
    export_currency: str
    market: str
    mappings: dict[str, Mapping]
    preference: tuple[str, ...]
    holdings: tuple[Holding, ...] = field(default=())
    mapping_held: dict[str, str] = field(default_factory=dict)

    @property
    def mics(self) -> frozenset[str]:
        """Where any of its contracts is listed, held or mapped; contracts that name no market give none."""
        contracts = [holding.contract for holding in self.holdings]
        contracts += [mapping.contract for mapping in self.mappings.values() if mapping.contract is not None]
        return frozenset(contract.mic for contract in contracts if contract.mic)

    @property
    def held_quantity(self) -> Decimal:
        """Managed quantity over all accounts, signed."""
        return sum((holding.quantity for holding in self.holdings), Decimal(0))
