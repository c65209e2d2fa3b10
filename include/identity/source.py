"""What a source of identities is asked, what it answers, and how one is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from include.domain.instrument import AssetClass
from include.domain.model import Value


class Query(Value):
    """One listing whose identity is wanted.

    Attributes:
        key: The asker's own name for it (a universe ticker); answers are filed under it.
        symbol: As `include.identity.table.symbol_of` spells it, without a market's suffix.
        market: Key into `markets.yaml`.
        currency: ISO 4217.
        isin: Known already: the source is asked by it, and only for what else it knows.
    """

    key: str
    symbol: str
    market: str
    currency: str
    name: str
    asset_class: AssetClass
    isin: str | None = None


class Identity(Value):
    """What one source says of one listing.

    Attributes:
        isin: None from a source that tells none (OpenFIGI), unless it was asked by it.
        figi: FIGI of the listing or its composite.
        market / symbol / currency: The listing, spelled as in `Query`.
        asset_class: None for a kind this project does not know.
        source: Name of the source; for people.
        source_date: When the source said so.
        doubt: Why it must not be used (`include.identity.table.claims`), None when nothing speaks against it.
    """

    isin: str | None = None
    figi: str | None = None
    share_class_figi: str | None = None
    cusip: str | None = None
    market: str
    symbol: str
    currency: str
    asset_class: AssetClass | None
    name: str
    source: str
    source_date: date
    doubt: str | None = None


@dataclass(frozen=True)
class Answers:
    """What a source said.

    Attributes:
        found: Query key to identities; () is a known "not found", an absent key was not answered.
        troubles: In words, why some were not answered; [] when all were.
    """

    found: Mapping[str, Sequence[Identity]] = field(default_factory=dict)
    troubles: Sequence[str] = ()


class IdentitySource(Protocol):
    """A source of identities: the local table, OpenFIGI, or a cache in front of one."""

    @property
    def name(self) -> str:
        """For people, and the name under which answers are cached."""

    def find(self, queries: Sequence[Query]) -> Answers:
        """Ask for listings, each key once. Never raises for a source that is down: that is a trouble of the answers."""
