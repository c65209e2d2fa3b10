"""The rules of `preferences.yaml`: which broker trades what, and what decides between brokers that a rule calls equal."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from include.domain.instrument import AssetClass
from include.domain.model import Value

ANY = "any"


class CriterionName(StrEnum):
    """What brokers are compared by (`include/mapping/criteria.py`)."""

    CAPABILITY = "capability"
    COST = "cost"
    HOURS = "hours"
    LIQUIDITY = "liquidity"
    HEALTH = "health"
    CASH = "cash"


class Criterion(Value):
    """One criterion in the file's order; written as its bare name where nothing is tolerated.

    Attributes:
        tolerance: In the criterion's own unit (cost: bp; hours: hours a week; liquidity: percent of the order; health and cash:
            shares of 1). A broker no further than this from the best one is equal to it.
    """

    by: CriterionName
    tolerance: Decimal = Field(Decimal(0), ge=0)

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, given: Any) -> Any:
        return {"by": given} if isinstance(given, str) else given


class Preference(Value):
    """One rule: the first whose classes and regions fit decides.

    Attributes:
        brokers: In order. An entry is a name, a list of names that are equal, or `any`: every other active broker that counts,
            as equals.
    """

    asset_classes: tuple[AssetClass, ...] = ()
    regions: tuple[str, ...] = ()
    brokers: tuple[str | tuple[str, ...], ...] = Field(min_length=1)

    @field_validator("brokers")
    @classmethod
    def _each_once(cls, brokers: tuple[str | tuple[str, ...], ...]) -> tuple[str | tuple[str, ...], ...]:
        names = [name for entry in brokers for name in ((entry,) if isinstance(entry, str) else entry)]
        if () in brokers:
            raise ValueError("expected at least one broker in a list of equals")
        if any(ANY in entry for entry in brokers if not isinstance(entry, str)):
            raise ValueError(f"expected {ANY!r} to be an entry of its own")
        if len(set(names)) < len(names):
            raise ValueError("expected each broker once")
        return brokers

    @property
    def names(self) -> tuple[str, ...]:
        """Every broker the rule names, without `any`."""
        entries = ((entry,) if isinstance(entry, str) else entry for entry in self.brokers)
        return tuple(name for entry in entries for name in entry if name != ANY)


class PreferencesFile(Value):
    """The content of `preferences.yaml`.

    Attributes:
        criteria: In the order in which they decide between equals.
        reference_order_eur: Value of an order, in euro, that costs are compared for where a row has no target value.
    """

    rules: tuple[Preference, ...]
    criteria: tuple[Criterion, ...] = tuple(Criterion(by=name) for name in CriterionName)
    reference_order_eur: Decimal = Field(Decimal(10_000), gt=0)

    @field_validator("criteria")
    @classmethod
    def _each_criterion_once(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        if twice := sorted({one.by.value for one in criteria if [other.by for other in criteria].count(one.by) > 1}):
            raise ValueError(f"expected each criterion once, not {', '.join(twice)} twice")
        return criteria
